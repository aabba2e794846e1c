"""The tables, one family a file."""

from marketplace.models.account import Invitation, Membership, Organisation, User
from marketplace.models.alert import Alert, AlertPreference, ListingNews, MatchSubscription, SavedSearch
from marketplace.models.api_token import ApiToken
from marketplace.models.audit import AuditEntry, AuditReader, AuditSeal
from marketplace.models.base import Base
from marketplace.models.bulk import ImportBatch, ImportRow
from marketplace.models.deal import Deal, DealMessage, DealOffer, DealReading, DealStatement, RecoveryAnswer
from marketplace.models.document import Document
from marketplace.models.enquiry import Enquiry, EnquiryMessage
from marketplace.models.facility import Facility
from marketplace.models.impact import DealImpact, DealMonth, FactorRow, FactorSet, FlowMonth
from marketplace.models.impact_report import ImpactReport
from marketplace.models.installation import Installation, Throttle
from marketplace.models.listing import Listing
from marketplace.models.mail import OutboxMail
from marketplace.models.material import MaterialRow
from marketplace.models.moderation import Appeal, ListingReport, VerificationRequest
from marketplace.models.municipality import County, Municipality, MunicipalityAlias
from marketplace.models.notice import DealFollow, Notice, NoticeDigest
from marketplace.models.place import GazetteerPlace, PlaceKind
from marketplace.models.plan import MassPlanRow, PlannedListing, ReductionTarget
from marketplace.models.project import Project
from marketplace.models.quality import BackgroundOverride, Declaration, LabDraft, LabReport, LabSample, LabValueRow
from marketplace.models.road import RoadLeg
from marketplace.models.ticket import GateLink, Ticket
from marketplace.models.ticket_file import TicketFile

__all__ = [
    "Alert",
    "AlertPreference",
    "ApiToken",
    "Appeal",
    "AuditEntry",
    "AuditReader",
    "AuditSeal",
    "BackgroundOverride",
    "Base",
    "County",
    "Deal",
    "DealFollow",
    "DealImpact",
    "DealMessage",
    "DealMonth",
    "DealOffer",
    "DealReading",
    "DealStatement",
    "Declaration",
    "Document",
    "Enquiry",
    "EnquiryMessage",
    "Facility",
    "FactorRow",
    "FactorSet",
    "FlowMonth",
    "GateLink",
    "GazetteerPlace",
    "ImpactReport",
    "ImportBatch",
    "ImportRow",
    "Installation",
    "Invitation",
    "LabDraft",
    "LabReport",
    "LabSample",
    "LabValueRow",
    "Listing",
    "ListingNews",
    "ListingReport",
    "MassPlanRow",
    "MatchSubscription",
    "MaterialRow",
    "Membership",
    "Municipality",
    "MunicipalityAlias",
    "Notice",
    "NoticeDigest",
    "Organisation",
    "OutboxMail",
    "PlaceKind",
    "PlannedListing",
    "Project",
    "RecoveryAnswer",
    "ReductionTarget",
    "RoadLeg",
    "SavedSearch",
    "Throttle",
    "Ticket",
    "TicketFile",
    "User",
    "VerificationRequest",
]
