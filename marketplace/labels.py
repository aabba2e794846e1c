"""What the members of the enumerations, and the materials, are called on pages."""

from enum import StrEnum

from flask import Flask
from flask_babel import get_locale

from geo.impact import Measure
from geo.materials import MaterialGroup, taxonomy
from geo.pyramid import Level
from geo.units import EnteredUnit
from marketplace.i18n import translate
from marketplace.i18n_marker import N_
from marketplace.types import (
    AlertFrequency,
    ClosedReason,
    DealStatus,
    DocumentKind,
    EnquiryStatus,
    FacilityKind,
    Haulage,
    ListingKind,
    ListingStatus,
    Loading,
    NoticePace,
    OfferStatus,
    OrganisationKind,
    PriceKind,
    ProjectKind,
    ReportOutcome,
    ReportReason,
    Role,
)

LABELS: dict[type[StrEnum], dict[StrEnum, str]] = {
    OrganisationKind: {
        OrganisationKind.CONTRACTOR: N_("Contractor"),
        OrganisationKind.DEVELOPER: N_("Developer"),
        OrganisationKind.MUNICIPALITY: N_("Municipality"),
        OrganisationKind.FACILITY_OPERATOR: N_("Facility operator"),
        OrganisationKind.HAULIER: N_("Haulier"),
    },
    Role: {
        Role.OWNER: N_("Owner"),
        Role.EDITOR: N_("Editor"),
        Role.VIEWER: N_("Viewer"),
    },
    ProjectKind: {
        ProjectKind.ROAD: N_("Road"),
        ProjectKind.RAIL: N_("Railway"),
        ProjectKind.TUNNEL: N_("Tunnel"),
        ProjectKind.BUILDING: N_("Building"),
        ProjectKind.WATER: N_("Water and sewage"),
        ProjectKind.ENERGY: N_("Energy"),
        ProjectKind.MINERAL_EXTRACTION: N_("Mineral extraction"),
        ProjectKind.OTHER: N_("Other"),
    },
    FacilityKind: {
        FacilityKind.QUARRY: N_("Quarry"),
        FacilityKind.LANDFILL: N_("Landfill"),
        FacilityKind.RECYCLING: N_("Recycling plant"),
        FacilityKind.INTERIM_STORAGE: N_("Interim storage"),
    },
    ListingKind: {
        ListingKind.SURPLUS: N_("Surplus"),
        ListingKind.DEMAND: N_("Demand"),
        ListingKind.RECEPTION: N_("Reception"),
    },
    ListingStatus: {
        ListingStatus.DRAFT: N_("Draft"),
        ListingStatus.PUBLISHED: N_("Published"),
        ListingStatus.PAUSED: N_("Paused"),
        ListingStatus.CLOSED: N_("Closed"),
    },
    ClosedReason: {
        ClosedReason.OWNER: N_("Closed by its owner"),
        ClosedReason.EXPIRED: N_("The period is over"),
    },
    ReportReason: {
        ReportReason.WRONG_MATERIAL: N_("It is another material than it says"),
        ReportReason.NOT_CLEAN: N_("The masses are not clean"),
        ReportReason.MISLEADING: N_("Quantity, place or something else is misleading"),
        ReportReason.NOT_AVAILABLE: N_("The masses are not there any more"),
        ReportReason.SPAM: N_("It is advertising or nonsense"),
        ReportReason.OTHER: N_("Something else"),
    },
    ReportOutcome: {
        ReportOutcome.HIDDEN: N_("Taken out of sight"),
        ReportOutcome.DISMISSED: N_("Dismissed"),
    },
    DocumentKind: {
        DocumentKind.PHOTO: N_("Photo"),
        DocumentKind.LAB_REPORT: N_("Laboratory report"),
        DocumentKind.CERTIFICATE: N_("Certificate"),
        DocumentKind.PERMIT: N_("Permit"),
        DocumentKind.OTHER: N_("Other document"),
    },
    MaterialGroup: {
        MaterialGroup.STONE: N_("Stone"),
        MaterialGroup.SOIL: N_("Soil"),
        MaterialGroup.CONCRETE: N_("Concrete"),
        MaterialGroup.ASPHALT: N_("Asphalt"),
    },
    Level: {
        Level.REUSE_ON_SITE: N_("Reused on site"),
        Level.REUSE: N_("Reused in another project"),
        Level.RECYCLING: N_("Crushed or washed, then used"),
        Level.BACKFILLING: N_("Backfilling and other recovery"),
        Level.DISPOSAL: N_("Disposed of"),
        Level.UNDOCUMENTED: N_("Recovery not documented"),
        Level.PENDING: N_("Waits in storage"),
    },
    Measure: {
        Measure.TKM: N_("Tonne-kilometres"),
        Measure.TRIPS: N_("Lorry trips"),
        Measure.VEHICLE_KM: N_("Lorry kilometres"),
        Measure.LITRES: N_("Fuel"),
        Measure.TRANSPORT_CO2E_KG: N_("CO₂e of transport"),
        Measure.LANDFILL_T: N_("Mass to landfill"),
        Measure.LANDFILL_M3: N_("Landfill volume"),
        Measure.LANDFILL_M2: N_("Landfill area"),
        Measure.VIRGIN_T: N_("New material"),
        Measure.MATERIAL_CO2E_KG: N_("CO₂e of making material"),
        Measure.DISPOSAL_CO2E_KG: N_("CO₂e of disposal"),
        Measure.HAULAGE_NOK: N_("Cost of haulage"),
        Measure.GATE_FEE_NOK: N_("Gate fees at the landfill, saved (gross)"),
        Measure.PURCHASE_NOK: N_("Purchase of material"),
    },
    EnteredUnit: {
        EnteredUnit.TONNE: N_("tonnes"),
        EnteredUnit.M3_BANK: N_("m³ bank"),
        EnteredUnit.M3_LOOSE: N_("m³ loose"),
        EnteredUnit.M3_PLACED: N_("m³ placed"),
    },
    PriceKind: {
        PriceKind.FREE: N_("Free"),
        PriceKind.TAKER_PAYS: N_("The taker pays"),
        PriceKind.GIVER_PAYS: N_("The giver pays"),
    },
    Loading: {
        Loading.GIVER: N_("The giver loads"),
        Loading.TAKER: N_("The taker loads"),
        Loading.BY_AGREEMENT: N_("Loading by agreement"),
    },
    Haulage: {
        Haulage.GIVER: N_("The giver drives"),
        Haulage.TAKER: N_("The taker drives"),
        Haulage.BY_AGREEMENT: N_("Haulage by agreement"),
    },
    EnquiryStatus: {
        EnquiryStatus.UNCONFIRMED: N_("Not confirmed"),
        EnquiryStatus.OPEN: N_("Open"),
        EnquiryStatus.CLOSED: N_("Closed"),
        EnquiryStatus.REFUSED: N_("Refused"),
    },
    NoticePace: {
        NoticePace.IMMEDIATE: N_("At once"),
        NoticePace.DAILY: N_("Once a day, at seven in the morning"),
        NoticePace.NEVER: N_("No mail, only here on the pages"),
    },
    AlertFrequency: {
        AlertFrequency.IMMEDIATE: N_("At once"),
        AlertFrequency.DAILY: N_("Every morning"),
        AlertFrequency.WEEKLY: N_("Every Monday"),
        AlertFrequency.NEVER: N_("Never"),
    },
    DealStatus: {
        DealStatus.NEGOTIATING: N_("Negotiating"),
        DealStatus.AGREED: N_("Agreed"),
        DealStatus.COMPLETED: N_("Completed"),
        DealStatus.DECLINED: N_("Declined"),
        DealStatus.WITHDRAWN: N_("Withdrawn"),
        DealStatus.EXPIRED: N_("Ran out"),
        DealStatus.CANCELLED: N_("Cancelled"),
    },
    OfferStatus: {
        OfferStatus.OPEN: N_("Not answered yet"),
        OfferStatus.ACCEPTED: N_("Accepted"),
        OfferStatus.DECLINED: N_("Declined"),
        OfferStatus.WITHDRAWN: N_("Withdrawn"),
        OfferStatus.SUPERSEDED: N_("Replaced"),
        OfferStatus.EXPIRED: N_("Ran out"),
    },
}


def label(member: StrEnum) -> str:
    """What a member is called, in the visitor's language."""
    return translate(LABELS[type(member)][member], {})


def material_name(key: str) -> str:
    """What a material is called, in the visitor's language, with a capital."""
    material = taxonomy().material(key)
    locale = get_locale()
    name = material.name_en if locale is not None and locale.language == "en" else material.name_no
    return name[:1].upper() + name[1:]


def material_group(key: str) -> MaterialGroup:
    return taxonomy().material(key).group


def init_app(app: Flask) -> None:
    app.jinja_env.filters["label"] = label
    app.jinja_env.filters["material_name"] = material_name
    app.jinja_env.filters["material_group"] = material_group
