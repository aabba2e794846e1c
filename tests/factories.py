"""Rows for tests: valid unless told otherwise, and no two alike by accident."""

from datetime import datetime, timedelta
from decimal import Decimal
from itertools import count
from uuid import uuid4

from geoalchemy2 import WKBElement
from geoalchemy2.shape import from_shape
from shapely.geometry import Point
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from geo.crs import to_stored
from geo.impact import Method, Rates
from geo.limits import rule_book_of
from geo.materials import MaterialGroup, taxonomy
from geo.proof import DeclarationKind, Medium
from geo.pyramid import Level
from geo.quality_tables import quality_tables
from geo.units import SRID_STORED, EnteredUnit
from marketplace.actor import Actor
from marketplace.clock import local_date
from marketplace.models import (
    Deal,
    DealImpact,
    DealOffer,
    Declaration,
    Document,
    Enquiry,
    EnquiryMessage,
    Facility,
    FactorSet,
    GateLink,
    LabReport,
    LabSample,
    LabValueRow,
    Listing,
    MassPlanRow,
    Membership,
    Organisation,
    PlannedListing,
    Project,
    Ticket,
    User,
)
from marketplace.queries.accounts import actor_of
from marketplace.services.documents import add_document
from marketplace.services.quality import asked_of
from marketplace.storage import Storage
from marketplace.types import (
    DealStatus,
    Documentation,
    DocumentKind,
    EnquiryStatus,
    FacilityKind,
    FactorSetStatus,
    Haulage,
    ImpactReason,
    LabSource,
    ListingKind,
    ListingStatus,
    Loading,
    OfferStatus,
    OrganisationKind,
    PausedReason,
    PriceKind,
    ProjectKind,
    Role,
    Side,
    TicketSource,
    TicketStatus,
)
from tests.files import picture

SANDVIKA = (10.5266, 59.8906)
"""(lon, lat) in Bærum, municipality 3201."""

BAERUM = "3201"

ORG_NUMBER_WEIGHTS = (3, 2, 7, 6, 5, 4, 3, 2)

_serial = count(1)


def stored_point(position: tuple[float, float]) -> WKBElement:
    """A (lon, lat) as the database keeps it."""
    return from_shape(to_stored(Point(position)), srid=SRID_STORED)


def org_number(serial: int) -> str:
    """The first number from `serial` on that passes modulus 11, in a series that no real enterprise has."""
    for body in range(10_000_000 + serial * 2, 20_000_000):
        digits = [int(digit) for digit in f"{body:08d}"]
        check = -sum(w * d for w, d in zip(ORG_NUMBER_WEIGHTS, digits, strict=True)) % 11
        if check < 10:
            return f"{body:08d}{check}"
    raise ValueError("no organisation numbers left")


class Factory:
    def __init__(self, session: Session, *, now: datetime) -> None:
        self.session = session
        self.now = now
        self.today = local_date(now)

    def _add[Row](self, row: Row) -> Row:
        self.session.add(row)
        self.session.flush()
        return row

    def user(self, *, confirmed: bool = True, **values: object) -> User:
        serial = next(_serial)
        defaults = {
            "email": f"person{serial}@example.com",
            "name": f"Person {serial}",
            "password_hash": "no password",
            "email_confirmed_at": self.now if confirmed else None,
        }
        return self._add(User(**{**defaults, **values}))

    def organisation(self, **values: object) -> Organisation:
        serial = next(_serial)
        defaults = {
            "org_number": org_number(serial),
            "name": f"Organisasjon {serial}",
            "kind": OrganisationKind.CONTRACTOR,
        }
        return self._add(Organisation(**{**defaults, **values}))

    def member(self, organisation: Organisation | None = None, *, role: Role = Role.OWNER, **values: object) -> User:
        """A person with a role in `organisation`, or in a new one."""
        user = self.user(**values)
        self._add(Membership(user_id=user.id, organisation_id=(organisation or self.organisation()).id, role=role))
        self.session.refresh(user, ["memberships"])
        return user

    def actor(self, user: User | None = None) -> Actor:
        return actor_of(user or self.member())

    def project(
        self,
        organisation: Organisation | None = None,
        *,
        position: tuple[float, float] = SANDVIKA,
        **values: object,
    ) -> Project:
        organisation = organisation or self.organisation()
        defaults = {
            "organisation_id": organisation.id,
            "name": f"Prosjekt {next(_serial)}",
            "kind": ProjectKind.ROAD,
            "builder": "Byggherre",
            "site_25833": stored_point(position),
            "position_25833": stored_point(position),
            "municipality_number": BAERUM,
            "starts_on": self.today,
            "ends_on": self.today + timedelta(days=365),
        }
        if "created_by_id" not in values:
            values["created_by_id"] = self.user().id
        return self._add(Project(**{**defaults, **values}))

    def facility(
        self, organisation: Organisation | None = None, *, position: tuple[float, float] = SANDVIKA, **values: object
    ) -> Facility:
        """A place that takes in clay and blasted rock, which its operator has confirmed."""
        serial = next(_serial)
        defaults = {
            "key": f"facility-{serial}",
            "name": f"Anlegg {serial}",
            "kind": FacilityKind.INTERIM_STORAGE,
            "accepts": ["blasted_rock", "clay"],
            "position_25833": stored_point(position),
            "municipality_number": BAERUM,
            "organisation_id": organisation.id if organisation else None,
            "is_verified": organisation is not None,
            "source": "Oppgitt av anlegget",
        }
        return self._add(Facility(**{**defaults, **values}))

    def plan_row(self, project: Project, *, listing: Listing | None = None, **values: object) -> MassPlanRow:
        """A row of a plan with 1 000 t left over; `listing` is one that was made from it."""
        masses = {f"{part}_{end}t": 0 for part in ("excavated", "reused", "needed") for end in ("low_", "", "high_")}
        given = {"excavated_low_t": 900, "excavated_t": 1000, "excavated_high_t": 1200}
        place = {"material_key": "blasted_rock", "year": self.today.year, "quarter": next(_serial) % 4 + 1}
        row = self._add(MassPlanRow(**{"project_id": project.id, **place, **masses, **given, **values}))
        if listing is not None:
            listing.plan_row_id = row.id
            first, last = listing.period
            written = {"mass_t": listing.mass_t, "available_from": first, "available_to": last}
            self._add(PlannedListing(listing_id=listing.id, **written, written_at=self.now))
        return row

    def listing(
        self,
        organisation: Organisation | None = None,
        *,
        material: str = "blasted_rock",
        kind: ListingKind = ListingKind.SURPLUS,
        mass_t: Decimal | int = 1000,
        position: tuple[float, float] = SANDVIKA,
        status: ListingStatus = ListingStatus.PUBLISHED,
        is_proven: bool | None = None,
        **values: object,
    ) -> Listing:
        """A listing, published and available for ninety days from today; a surplus with proof that it is clean."""
        project = values.get("project")
        if organisation is None:
            organisation = project.organisation if isinstance(project, Project) else self.organisation()
        defaults = {
            "kind": kind,
            "status": status,
            "organisation_id": organisation.id,
            "material_key": material,
            "mass_t": Decimal(mass_t),
            "entered_value": Decimal(mass_t),
            "entered_unit": EnteredUnit.TONNE,
            "available_from": self.today,
            "available_to": self.today + timedelta(days=90),
            "price_kind": PriceKind.FREE,
            "loading": Loading.GIVER,
            "haulage": Haulage.BY_AGREEMENT,
            "position_25833": stored_point(position),
            "municipality_number": BAERUM,
            "published_at": None if status is ListingStatus.DRAFT else self.now,
            "renewed_at": None if status is ListingStatus.DRAFT else values.get("published_at", self.now),
            "paused_reason": PausedReason.OWNER if status is ListingStatus.PAUSED else None,
            "documentation": Documentation.TESTED if kind is ListingKind.SURPLUS else Documentation.NONE,
            "search_text": material.replace("_", " "),
        }
        if kind is ListingKind.RECEPTION and "facility_id" not in values:
            values["facility_id"] = self.facility(organisation, position=position).id
        if "created_by_id" not in values:
            values["created_by_id"] = self.user().id
        listing = self._add(Listing(**{**defaults, **values}))
        is_documented = listing.documentation is not Documentation.NONE
        if kind is ListingKind.SURPLUS and (is_documented if is_proven is None else is_proven):
            self.proof(listing)
        return listing

    def deal(
        self,
        giver: Organisation | None = None,
        taker: Organisation | None = None,
        *,
        status: DealStatus = DealStatus.NEGOTIATING,
        surplus: Listing | None = None,
        mass_t: Decimal | int = 500,
        opened_by: Side = Side.TAKER,
        **values: object,
    ) -> Deal:
        """A taker's request for a part of a surplus, for a project of its own; with one offer, answered as it ended."""
        surplus = surplus or self.listing(giver)
        taker = taker or self.organisation()
        values.setdefault("created_by_id", self.member(taker).id)
        if not {"taking_listing_id", "destination_project_id", "destination_facility_id"} & values.keys():
            values["destination_project_id"] = self.project(taker).id
        is_agreed = status in {DealStatus.AGREED, DealStatus.COMPLETED, DealStatus.CANCELLED}
        is_over = status not in {DealStatus.NEGOTIATING, DealStatus.AGREED}
        agreed = {
            "agreed_t": mass_t,
            "agreed_from": surplus.available_from,
            "agreed_to": surplus.available_to,
            "agreed_at": self.now,
        }
        defaults = {
            "status": status,
            "opened_by": opened_by,
            "giver_organisation_id": surplus.organisation_id,
            "taker_organisation_id": taker.id,
            "surplus_id": surplus.id,
            "material_key": surplus.material_key,
            "origin_name": "Skoytebanen",
            "origin_position_25833": surplus.position_25833,
            "origin_municipality_number": surplus.municipality_number,
            "destination_name": "Fyllinga",
            "destination_position_25833": surplus.position_25833,
            "destination_municipality_number": surplus.municipality_number,
            "touched_at": self.now,
            "ended_at": self.now if is_over else None,
        }
        deal = self._add(Deal(**{**defaults, **(agreed if is_agreed else {}), **values}))
        answer = OfferStatus.OPEN if status is DealStatus.NEGOTIATING else OfferStatus.ACCEPTED
        if is_over and not is_agreed:
            answer = OfferStatus(status.value)
        self.offer(deal, made_by=opened_by, status=answer, mass_t=mass_t)
        self.session.refresh(deal)
        return deal

    def offer(
        self,
        deal: Deal,
        *,
        made_by: Side = Side.TAKER,
        status: OfferStatus = OfferStatus.OPEN,
        mass_t: Decimal | int = 500,
        **values: object,
    ) -> DealOffer:
        is_answered = status is not OfferStatus.OPEN
        defaults = {
            "deal_id": deal.id,
            "number": values.pop("number", None) or 1,
            "status": status,
            "made_by": made_by,
            "made_by_id": deal.created_by_id,
            "mass_t": Decimal(mass_t),
            "entered_value": Decimal(mass_t),
            "entered_unit": EnteredUnit.TONNE,
            "starts_on": self.today,
            "ends_on": self.today + timedelta(days=30),
            "price_kind": PriceKind.FREE,
            "loading": Loading.GIVER,
            "haulage": Haulage.BY_AGREEMENT,
            "expires_at": self.now + timedelta(days=14),
            "answered_at": self.now if is_answered else None,
            "answered_by_id": deal.created_by_id if is_answered else None,
        }
        return self._add(DealOffer(**{**defaults, **values}))

    def enquiry(
        self,
        listing: Listing | None = None,
        *,
        status: EnquiryStatus = EnquiryStatus.OPEN,
        body: str = "Er massene tørre?",
        **values: object,
    ) -> Enquiry:
        """A visitor's question that its owner can read, from an address that nobody has an account with."""
        serial = next(_serial)
        listing = listing or self.listing()
        is_over = status in {EnquiryStatus.CLOSED, EnquiryStatus.REFUSED}
        defaults = {
            "listing_id": listing.id,
            "organisation_id": listing.organisation_id,
            "status": status,
            "name": f"Besøkende {serial}",
            "email": f"visitor{serial}@example.com",
            "locale": "nb",
            "key": f"{serial:032x}",
            "touched_at": self.now,
            "confirmed_at": None if status is EnquiryStatus.UNCONFIRMED else self.now,
            "closed_at": self.now if is_over else None,
            "messages": [EnquiryMessage(body=body, created_at=self.now)],
        }
        return self._add(Enquiry(**{**defaults, **values}))

    def ticket(self, deal: Deal, *, side: Side = Side.GIVER, **values: object) -> Ticket:
        """A weighed load of a deal, typed in by somebody of `side`."""
        organisation = deal.giver_organisation if side is Side.GIVER else deal.taker_organisation
        is_at_gate = values.get("gate_link_id") is not None
        status = values.get("status", TicketStatus.REPORTED)
        defaults = {
            "deal_id": deal.id,
            "number": str(10_000 + next(_serial)),
            "status": status,
            "source": TicketSource.GATE if is_at_gate else TicketSource.TYPED,
            "side": side,
            "loaded_at": self.now - timedelta(hours=1),
            "vehicle_registration": "AB 12345",
            "mass_t": Decimal("17.24"),
            "is_weighed": True,
            "origin_name": deal.origin_name,
            "destination_name": deal.destination_name,
            "created_at": self.now,
            "confirmed_at": self.now if status is TicketStatus.CONFIRMED else None,
            "disputed_at": self.now if status is TicketStatus.DISPUTED else None,
        }
        if not is_at_gate and "reported_by_id" not in values:
            values["reported_by_id"] = self.member(organisation, role=Role.EDITOR).id
        ticket = self._add(Ticket(**{**defaults, **values}))
        self.session.refresh(deal)
        return ticket

    def factor_set(self, *, status: FactorSetStatus = FactorSetStatus.RETIRED, **values: object) -> FactorSet:
        """A set without figures, for records that name one."""
        defaults = {
            "version": f"set-{next(_serial)}",
            "name": "A set",
            "status": status,
            "default_vehicle": "tipper_4axle",
            "default_fuel": "diesel_mineral",
            "activated_at": None if status is FactorSetStatus.DRAFT else self.now,
        }
        return self._add(FactorSet(**{**defaults, **values}))

    def impact(self, deal: Deal, rates: Rates, *, level: Level = Level.REUSE, **values: object) -> DealImpact:
        """A deal's current record by these rates, in the place of the one it has."""
        latest = self.session.scalar(select(func.max(DealImpact.number)).where(DealImpact.deal_id == deal.id)) or 0
        of_deal = DealImpact.deal_id == deal.id
        self.session.execute(update(DealImpact).where(of_deal, DealImpact.is_current).values(is_current=False))
        defaults = {
            "deal_id": deal.id,
            "number": latest + 1,
            "reason": ImpactReason.AGREED,
            "method": Method.ESTIMATE,
            "level": level,
            "agreed_t": deal.agreed_t,
            "rates": rates,
            "basis": {},
            "made_at": self.now,
        }
        if "factor_set_id" not in values:
            values["factor_set_id"] = self.factor_set().id
        return self._add(DealImpact(**{**defaults, **values}))

    def gate_link(self, deal: Deal, *, side: Side = Side.GIVER, **values: object) -> GateLink:
        """A link for today's loads."""
        defaults = {"deal_id": deal.id, "side": side, "valid_on": self.today, "created_by_id": deal.created_by_id}
        return self._add(GateLink(**{**defaults, **values}))

    def proof(self, listing: Listing) -> None:
        """What lets a surplus through the gate: an unpolluted origin, or clean samples where that is not enough."""
        material = taxonomy().material(listing.material_key)
        kinds = set(asked_of(material))
        if material.group in {MaterialGroup.STONE, MaterialGroup.SOIL}:
            kinds.add(DeclarationKind.VIRGIN_AREA)
        else:
            self.report(listing)
        self.session.add_all(self._declaration(listing, kind) for kind in kinds)
        self.session.flush()

    def _declaration(self, listing: Listing, kind: DeclarationKind) -> Declaration:
        return Declaration(
            listing_id=listing.id,
            kind=kind,
            is_confirmed=True,
            basis="Urørt grunn",
            stated_by="Kari Nordmann",
            stated_on=self.today,
            created_by_id=listing.created_by_id,
        )

    def report(
        self, listing: Listing, *, sample: str = "P1", layer: str | None = None, **mg_kg: Decimal | int | str
    ) -> LabReport:
        """One sample with half of each limit of being clean, but for what is given: `PAH16="4.2"`."""
        limits = quality_tables().limits_for(rule_book_of(taxonomy().material(listing.material_key)), Medium.MASS)
        values = {code: limit.clean_up_to.value_mg_kg / 2 for code, limit in limits.items()}
        values |= {code: Decimal(value) for code, value in mg_kg.items()}
        rows = [
            LabValueRow(
                parameter=code, value_mg_kg=value, is_below=False, entered_value=str(value), entered_unit="mg/kg TS"
            )
            for code, value in values.items()
        ]
        return self._add(
            LabReport(
                listing_id=listing.id,
                source=LabSource.TYPED,
                created_by_id=listing.created_by_id,
                samples=[LabSample(name=sample, medium=Medium.MASS, layer=layer, values=rows)],
            )
        )

    def photo(self, listing: Listing, *, storage: Storage, colour: int = 0, **values: object) -> Document:
        """A photo of a listing with its content in `storage`, put there by an editor as people do."""
        editor = self.member(listing.organisation, role=Role.EDITOR)
        document = add_document(
            self.session,
            self.actor(editor),
            listing_id=listing.id,
            kind=DocumentKind.PHOTO,
            file_name="IMG_0001.jpg",
            content=picture(colour=(colour, 99, next(_serial) % 256)),
            upload_id=uuid4(),
            storage=storage,
            now=self.now,
        )
        for name, value in values.items():
            setattr(document, name, value)
        self.session.flush()
        return document
