"""The tables, one family a file."""

from marketplace.models.account import Invitation, Membership, Organisation, User
from marketplace.models.base import Base
from marketplace.models.facility import Facility
from marketplace.models.installation import Installation, Throttle
from marketplace.models.listing import Listing
from marketplace.models.mail import OutboxMail
from marketplace.models.material import MaterialRow
from marketplace.models.municipality import County, Municipality, MunicipalityAlias
from marketplace.models.place import GazetteerPlace, PlaceKind
from marketplace.models.project import Project

__all__ = [
    "Base",
    "County",
    "Facility",
    "GazetteerPlace",
    "Installation",
    "Invitation",
    "Listing",
    "MaterialRow",
    "Membership",
    "Municipality",
    "MunicipalityAlias",
    "Organisation",
    "OutboxMail",
    "PlaceKind",
    "Project",
    "Throttle",
    "User",
]
