"""What the members of the enumerations, and the materials, are called on pages."""

from enum import StrEnum

from flask import Flask
from flask_babel import get_locale

from geo.materials import MaterialGroup, taxonomy
from geo.units import EnteredUnit
from marketplace.i18n import translate
from marketplace.i18n_marker import N_
from marketplace.types import (
    ClosedReason,
    DocumentKind,
    FacilityKind,
    Haulage,
    ListingKind,
    ListingStatus,
    Loading,
    OrganisationKind,
    PriceKind,
    ProjectKind,
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


def init_app(app: Flask) -> None:
    app.jinja_env.filters["label"] = label
    app.jinja_env.filters["material_name"] = material_name
