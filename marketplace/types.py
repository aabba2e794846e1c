"""Annotated column types and the enumerations that the database, the code and the pages share."""

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated

from sqlalchemy import BigInteger, Date, DateTime, Enum, Identity, Numeric, String, Text, func
from sqlalchemy.orm import mapped_column

from geo.proof import Documentation as Documentation  # noqa: PLC0414 (said again for whoever imports it from here)

Id = Annotated[int, mapped_column(BigInteger, Identity(), primary_key=True)]
CreatedAt = Annotated[datetime, mapped_column(DateTime(timezone=True), server_default=func.now())]
Moment = Annotated[datetime, mapped_column(DateTime(timezone=True))]
Day = Annotated[date, mapped_column(Date)]
Mass = Annotated[Decimal, mapped_column(Numeric(14, 3))]
"""Tonnes, to the kilogram."""
Density = Annotated[Decimal, mapped_column(Numeric(6, 3))]
"""Tonnes per cubic metre."""
Price = Annotated[Decimal, mapped_column(Numeric(10, 2))]
"""NOK, excluding VAT."""
Millimetres = Annotated[Decimal, mapped_column(Numeric(7, 3))]
Percent = Annotated[Decimal, mapped_column(Numeric(4, 1))]
Kilometres = Annotated[Decimal, mapped_column(Numeric(7, 1))]
ShortText = Annotated[str, mapped_column(String(200))]
LongText = Annotated[str, mapped_column(Text)]
MunicipalityNumber = Annotated[str, mapped_column(String(4))]


def enum_column(enumeration: type[StrEnum], name: str) -> Enum:
    """A text column with a named CHECK that holds one member's value; members can be added by a migration."""
    return Enum(
        enumeration,
        name=name,
        native_enum=False,
        length=32,
        create_constraint=True,
        validate_strings=True,
        values_callable=lambda members: [member.value for member in members],
    )


class OrganisationKind(StrEnum):
    CONTRACTOR = "contractor"
    DEVELOPER = "developer"
    MUNICIPALITY = "municipality"
    FACILITY_OPERATOR = "facility_operator"
    HAULIER = "haulier"


class Role(StrEnum):
    """What a member may do in an organisation; each includes those after it."""

    OWNER = "owner"
    EDITOR = "editor"
    VIEWER = "viewer"


class ProjectKind(StrEnum):
    ROAD = "road"
    RAIL = "rail"
    TUNNEL = "tunnel"
    BUILDING = "building"
    WATER = "water"
    ENERGY = "energy"
    MINERAL_EXTRACTION = "mineral_extraction"
    OTHER = "other"


class FacilityKind(StrEnum):
    QUARRY = "quarry"
    LANDFILL = "landfill"
    RECYCLING = "recycling"
    INTERIM_STORAGE = "interim_storage"


class ListingKind(StrEnum):
    """What a listing says: somebody has too much, somebody needs, or a facility takes in."""

    SURPLUS = "surplus"
    DEMAND = "demand"
    RECEPTION = "reception"


class ListingStatus(StrEnum):
    DRAFT = "draft"
    PUBLISHED = "published"
    PAUSED = "paused"
    CLOSED = "closed"


class PausedReason(StrEnum):
    """Why a listing is out of sight for a while."""

    OWNER = "owner"
    QUALITY = "quality"
    """What is known of its quality no longer allows it to be offered."""
    UNANSWERED = "unanswered"
    """Its owner was asked whether it still stands, and did not answer."""
    FULL = "full"
    """All of it is agreed, or a facility has no room left for it just now."""
    MODERATOR = "moderator"
    """A moderator has hidden it, and only a moderator shows it again."""
    BANNED = "banned"
    """Its organisation is banned."""


class ClosedReason(StrEnum):
    """Why a listing is closed: by its owner, or because its period ended."""

    OWNER = "owner"
    EXPIRED = "expired"


class ReportReason(StrEnum):
    """What somebody says is wrong with a listing."""

    WRONG_MATERIAL = "wrong_material"
    NOT_CLEAN = "not_clean"
    MISLEADING = "misleading"
    NOT_AVAILABLE = "not_available"
    SPAM = "spam"
    OTHER = "other"


class ReportOutcome(StrEnum):
    """What a moderator made of a report."""

    HIDDEN = "hidden"
    DISMISSED = "dismissed"


class PriceKind(StrEnum):
    """Who pays for the mass itself, haulage apart."""

    FREE = "free"
    TAKER_PAYS = "taker_pays"
    GIVER_PAYS = "giver_pays"


class Loading(StrEnum):
    """Who loads the lorries at the place the mass leaves."""

    GIVER = "giver"
    TAKER = "taker"
    BY_AGREEMENT = "by_agreement"


class Haulage(StrEnum):
    """Who drives."""

    GIVER = "giver"
    TAKER = "taker"
    BY_AGREEMENT = "by_agreement"


class PassportAudience(StrEnum):
    """Who may open a lot's passport."""

    LINK = "link"
    """Whoever has its address."""
    PUBLIC = "public"
    """Everybody who may see the listing, and it is linked from there."""


class DocumentKind(StrEnum):
    PHOTO = "photo"
    LAB_REPORT = "lab_report"
    CERTIFICATE = "certificate"
    PERMIT = "permit"
    OTHER = "other"


class LabSource(StrEnum):
    """How lab results came in."""

    TYPED = "typed"
    PASTED = "pasted"
    FILE = "file"


class ImportKind(StrEnum):
    LISTINGS = "listings"
    PLAN = "plan"


class ImportStatus(StrEnum):
    """The life of an uploaded file: checked row by row in a job, then applied in another."""

    STAGED = "staged"
    CHECKED = "checked"
    APPLYING = "applying"
    APPLIED = "applied"
    FAILED = "failed"
    """The file could not be read at all."""
    DISCARDED = "discarded"


class ImportRowStatus(StrEnum):
    STAGED = "staged"
    GOOD = "good"
    BAD = "bad"
    APPLIED = "applied"
    UNCHANGED = "unchanged"
    """Its listing already says the same."""


class Side(StrEnum):
    """The two that a deal is between: who has the mass and who receives it."""

    GIVER = "giver"
    TAKER = "taker"

    @property
    def other(self) -> "Side":
        return Side.TAKER if self is Side.GIVER else Side.GIVER


class DealStatus(StrEnum):
    """The life of a deal; what leads where is `services.deals.ALLOWED_FROM`."""

    NEGOTIATING = "negotiating"
    AGREED = "agreed"
    """From agreement to the statement that both have signed; loads are driven meanwhile."""
    COMPLETED = "completed"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    """After it was agreed, and before anything was delivered."""


class OfferStatus(StrEnum):
    OPEN = "open"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    SUPERSEDED = "superseded"
    """The other side, or the same one, made another offer instead; or it was accepted once and has been changed."""
    EXPIRED = "expired"


class RecoveryTest(StrEnum):
    """What must all hold for a use to count as recovery and not as disposal (`rules.md`, Recovery or disposal)."""

    CARRIED_OUT_REGARDLESS = "carried_out_regardless"
    """The receiving works would be carried out without the surplus, too."""
    QUANTITY_MATCHES_NEED = "quantity_matches_need"
    SUITABLE = "suitable"


class TicketSource(StrEnum):
    """The way a load's ticket came in."""

    TYPED = "typed"
    GATE = "gate"
    FILE = "file"
    API = "api"


class TicketStatus(StrEnum):
    REPORTED = "reported"
    CONFIRMED = "confirmed"
    DISPUTED = "disputed"
    VOIDED = "voided"
    """A correction that says that the load was never delivered."""


class FactorSetStatus(StrEnum):
    """How far a version of the figures has come; only a draft can be changed."""

    DRAFT = "draft"
    ACTIVE = "active"
    """What is worked out from now on is worked out with it."""
    RETIRED = "retired"


class ImpactReason(StrEnum):
    """Why a deal's comparison was frozen, or frozen anew."""

    AGREED = "agreed"
    AMENDED = "amended"
    RECOVERY = "recovery"
    """The three tests of recovery were answered, or answered otherwise."""
    ROUTE = "route"
    """The leg that it goes on from was agreed otherwise."""
    BACKFILLED = "backfilled"
    """The deal was agreed before there was a record, or under none."""


class ReportKind(StrEnum):
    """What a report on what was avoided is about."""

    CLIMATE_STATEMENT = "climate_statement"
    """A project, for a tender."""
    YEARLY_REPORT = "yearly_report"
    """A year of a region."""


class AuditAction(StrEnum):
    """What befell a row; `note` is something that is no change of a row and ought to be known."""

    INSERT = "insert"
    UPDATE = "update"
    DELETE = "delete"
    TRUNCATE = "truncate"
    NOTE = "note"


class DealEvent(StrEnum):
    """What befell a deal that the people of it are told of."""

    REQUESTED = "requested"
    """The taker asks for a part of a lot."""
    OFFERED = "offered"
    """The giver offers a lot to somebody who takes such masses."""
    COUNTERED = "countered"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    AMENDMENT_PROPOSED = "amendment_proposed"
    AMENDED = "amended"
    AMENDMENT_DECLINED = "amendment_declined"
    AMENDMENT_WITHDRAWN = "amendment_withdrawn"
    AMENDMENT_EXPIRED = "amendment_expired"
    MESSAGE = "message"
    RECOVERY_ANSWERED = "recovery_answered"
    TICKET_ADDED = "ticket_added"
    TICKET_CONFIRMED = "ticket_confirmed"
    TICKET_DISPUTED = "ticket_disputed"
    TICKET_CORRECTED = "ticket_corrected"
    TICKET_VOIDED = "ticket_voided"
    STATEMENT_DRAWN_UP = "statement_drawn_up"
    STATEMENT_VOIDED = "statement_voided"
    COMPLETED = "completed"
    ENQUIRY = "enquiry"
    """Before there is a deal: somebody without an account has written about a listing."""


class EnquiryStatus(StrEnum):
    """The life of what somebody without an account wrote to the owner of a listing."""

    UNCONFIRMED = "unconfirmed"
    """Whose address it is has not been shown; nobody has been told of it."""
    OPEN = "open"
    CLOSED = "closed"
    REFUSED = "refused"
    """Its owner wants no more from that address."""


class NoticePace(StrEnum):
    """How a person is mailed of what befalls their deals; it stands on their pages in any case."""

    IMMEDIATE = "immediate"
    DAILY = "daily"
    NEVER = "never"


class AlertFrequency(StrEnum):
    """How often somebody wants mail of what is new."""

    IMMEDIATE = "immediate"
    DAILY = "daily"
    WEEKLY = "weekly"
    NEVER = "never"
