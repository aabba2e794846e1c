"""The tables, one family a file."""

from marketplace.models.account import Invitation, Membership, Organisation, User
from marketplace.models.base import Base
from marketplace.models.bulk import ImportBatch, ImportRow
from marketplace.models.deal import Deal, DealMessage, DealOffer, DealReading, DealStatement, RecoveryAnswer
from marketplace.models.document import Document
from marketplace.models.facility import Facility
from marketplace.models.installation import Installation, Throttle
from marketplace.models.listing import Listing
from marketplace.models.mail import OutboxMail
from marketplace.models.material import MaterialRow
from marketplace.models.municipality import County, Municipality, MunicipalityAlias
from marketplace.models.place import GazetteerPlace, PlaceKind
from marketplace.models.plan import MassPlanRow, PlannedListing, ReductionTarget
from marketplace.models.project import Project
from marketplace.models.quality import BackgroundOverride, Declaration, LabDraft, LabReport, LabSample, LabValueRow
from marketplace.models.ticket import GateLink, Ticket

__all__ = [
    "BackgroundOverride",
    "Base",
    "County",
    "Deal",
    "DealMessage",
    "DealOffer",
    "DealReading",
    "DealStatement",
    "Declaration",
    "Document",
    "Facility",
    "GateLink",
    "GazetteerPlace",
    "ImportBatch",
    "ImportRow",
    "Installation",
    "Invitation",
    "LabDraft",
    "LabReport",
    "LabSample",
    "LabValueRow",
    "Listing",
    "MassPlanRow",
    "MaterialRow",
    "Membership",
    "Municipality",
    "MunicipalityAlias",
    "Organisation",
    "OutboxMail",
    "PlaceKind",
    "PlannedListing",
    "Project",
    "RecoveryAnswer",
    "ReductionTarget",
    "Throttle",
    "Ticket",
    "User",
]
