"""Who may do what: a table of predicates.

Each permission lists predicates of (actor, subject); one that holds is enough. A view declares its permission with
`marketplace.web.access.requires`; a test holds every route against this table.
"""

from collections.abc import Callable
from enum import StrEnum, auto

from marketplace.actor import Actor
from marketplace.models import (
    ApiToken,
    Deal,
    Document,
    Enquiry,
    Facility,
    ImportBatch,
    Installation,
    Invitation,
    Listing,
    MassPlanRow,
    Membership,
    Organisation,
    Project,
    SavedSearch,
    TicketFile,
)
from marketplace.types import Documentation, ListingStatus

Predicate = Callable[[Actor, object], bool]


class Permission(StrEnum):
    PUBLIC = auto()
    ACCOUNT = auto()
    """Everything a logged-in person does for themselves."""
    KEEP_SEARCH = auto()
    """Opening, changing and deleting a saved search: nobody's business but its person's."""
    REGISTER_ORGANISATION = auto()
    VIEW_ORGANISATION = auto()
    VIEW_MEMBERS = auto()
    EDIT_ORGANISATION = auto()
    MANAGE_MEMBERS = auto()
    ANSWER_FOR_ORGANISATION = auto()
    """To moderators: asking that it be verified, and answering a ban."""
    LEAVE_ORGANISATION = auto()
    CREATE_PROJECT = auto()
    VIEW_PROJECT = auto()
    EDIT_PROJECT = auto()
    CREATE_LISTING = auto()
    VIEW_LISTING = auto()
    EDIT_LISTING = auto()
    PUBLISH_LISTING = auto()
    VIEW_QUALITY = auto()
    """All that a lot's quality rests on, and what is in its way."""
    VIEW_POSITION = auto()
    """Where a listing or project is, to the metre; without it a place within about a kilometre is shown instead."""
    VIEW_PASSPORT = auto()
    """By its address; nobody guesses one."""
    VIEW_PROOF = auto()
    """What a lot's quality rests on, in its passport."""
    CREATE_FACILITY = auto()
    VIEW_FACILITY = auto()
    EDIT_FACILITY = auto()
    VIEW_DOCUMENT = auto()
    EDIT_DOCUMENTS = auto()
    """Of a listing, a project or a facility."""
    VIEW_PLAN = auto()
    """A project's mass-balance plan, and what the years of an organisation's projects come to."""
    EDIT_PLAN = auto()
    VIEW_IMPORT = auto()
    """A file of listings or plan rows on its way in."""
    EDIT_IMPORT = auto()
    START_DEAL = auto()
    """With whoever posted a listing: asking for a surplus, or offering one."""
    VIEW_DEAL = auto()
    ACT_ON_DEAL = auto()
    """For either side; which side may do what, and when, is `services.deals.require`."""
    MANAGE_TOKENS = auto()
    """By which other systems act for an organisation."""
    VIEW_LOG = auto()
    """Of what was changed for an organisation, and by whom."""
    VIEW_ENQUIRY = auto()
    """What somebody asked about a listing, once their address was confirmed."""
    WRITE_IN_ENQUIRY = auto()
    """For the owner of the listing, or as who asked."""
    ANSWER_ENQUIRY = auto()
    VIEW_OUTBOX = auto()
    ADMINISTER = auto()


def anyone(_actor: Actor, _subject: object) -> bool:
    return True


def logged_in(actor: Actor, _subject: object) -> bool:
    return not actor.is_anonymous


def administrator(actor: Actor, _subject: object) -> bool:
    return actor.is_admin


def its_person(actor: Actor, subject: object) -> bool:
    return isinstance(subject, SavedSearch) and subject.user_id == actor.user_id


def editor_somewhere(actor: Actor, _subject: object) -> bool:
    return bool(actor.editable)


NOBODYS = 0
"""Stands for the organisation of a facility that nobody operates here; no organisation has this id."""


def organisation_of(subject: object) -> int:
    """The id of the organisation that a subject is, or belongs to."""
    if isinstance(subject, Organisation):
        return subject.id
    if isinstance(subject, Project | Listing | Membership | Invitation | Document | ImportBatch | ApiToken | Enquiry):
        return subject.organisation_id
    if isinstance(subject, Facility):
        return subject.organisation_id or NOBODYS
    if isinstance(subject, MassPlanRow):
        return subject.project.organisation_id
    raise TypeError(f"a permission was asked of {type(subject).__name__}, which belongs to no organisation")


def member(actor: Actor, subject: object) -> bool:
    return actor.is_member(organisation_of(subject))


def editor(actor: Actor, subject: object) -> bool:
    return actor.can_edit(organisation_of(subject))


def confirmed_editor(actor: Actor, subject: object) -> bool:
    """What others will see is put up only by people whose e-mail address is known to be theirs."""
    return actor.is_confirmed and editor(actor, subject)


def may_deal_over(actor: Actor, subject: object) -> bool:
    """Who acts for somebody else than whoever posted it, once everybody may see it."""
    return (
        isinstance(subject, Listing)
        and subject.status is ListingStatus.PUBLISHED
        and actor.is_confirmed
        and any(each.organisation_id != subject.organisation_id for each in actor.editable)
    )


def deal_of(subject: object) -> Deal:
    """The deal that a subject is, or belongs to."""
    if isinstance(subject, Deal):
        return subject
    if isinstance(subject, TicketFile):
        return subject.deal
    raise TypeError(f"a permission was asked of {type(subject).__name__}, which belongs to no deal")


def party(actor: Actor, subject: object) -> bool:
    """A deal is between two organisations, and nobody else's."""
    return any(actor.is_member(each) for each in deal_of(subject).organisation_ids)


def confirmed_editor_of_a_party(actor: Actor, subject: object) -> bool:
    return actor.is_confirmed and any(actor.can_edit(each) for each in deal_of(subject).organisation_ids)


def partner(actor: Actor, subject: object) -> bool:
    """Who has agreed a deal on a listing: its page, what it shares and its exact place are open to them since."""
    if isinstance(subject, Document):
        return subject.is_shared and partner(actor, subject.subject)
    return isinstance(subject, Listing) and any(actor.is_member(each) for each in subject.shown_to or ())


def enquirer(actor: Actor, subject: object) -> bool:
    """Whoever asked, in an account with the address that they asked from."""
    return isinstance(subject, Enquiry) and actor.is_confirmed and actor.email.lower() == subject.email.lower()


def keeper(actor: Actor, subject: object) -> bool:
    """Who changes a facility, which is public from its first day; an administrator, where nobody answers for it."""
    if isinstance(subject, Facility) and subject.organisation_id is None:
        return actor.is_admin
    return confirmed_editor(actor, subject)


def owner(actor: Actor, subject: object) -> bool:
    return actor.owns(organisation_of(subject))


def acting_owner(actor: Actor, subject: object) -> bool:
    """An owner, unless the organisation is banned: then nobody is asked to join it, and nothing of it changes."""
    return owner(actor, subject) and editor(actor, subject)


def is_public(_actor: Actor, subject: object) -> bool:
    """A listing is public while published, a project while one of its listings is, and facilities always are.

    A document that is shared is as public as what it belongs to.
    """
    if isinstance(subject, Listing):
        return subject.status is ListingStatus.PUBLISHED
    if isinstance(subject, Project):
        return subject.has_open_listings
    if isinstance(subject, Document):
        return subject.is_shared and is_public(_actor, subject.subject)
    return isinstance(subject, Facility)


def shows_position(_actor: Actor, subject: object) -> bool:
    """A listing does unless it hides it, a project while nothing that is published of it does.

    One listing that stands on the site in the open shows the site, whatever others hide.
    """
    if isinstance(subject, Listing):
        return not subject.hides_position
    if isinstance(subject, Project):
        return subject.shows_site
    return False


def was_offered(_actor: Actor, subject: object) -> bool:
    """A passport follows the mass: once others have been able to take it, it stays whatever becomes of the lot."""
    return isinstance(subject, Listing) and subject.published_at is not None


def is_documented(_actor: Actor, subject: object) -> bool:
    """What no longer shows that a lot is clean is its owner's to explain."""
    return isinstance(subject, Listing) and subject.documentation is not Documentation.NONE


def is_demo(_actor: Actor, subject: object) -> bool:
    """In a demo database nobody's mail is private: every account in it is an example or knows that it is tried out."""
    return isinstance(subject, Installation) and subject.is_demo


RULES: dict[Permission, tuple[Predicate, ...]] = {
    Permission.PUBLIC: (anyone,),
    Permission.ACCOUNT: (logged_in,),
    Permission.KEEP_SEARCH: (its_person,),
    Permission.REGISTER_ORGANISATION: (logged_in,),
    Permission.VIEW_ORGANISATION: (anyone,),
    Permission.VIEW_MEMBERS: (member, administrator),
    Permission.EDIT_ORGANISATION: (acting_owner, administrator),
    Permission.MANAGE_MEMBERS: (acting_owner, administrator),
    Permission.ANSWER_FOR_ORGANISATION: (owner,),
    Permission.LEAVE_ORGANISATION: (member,),
    Permission.CREATE_PROJECT: (editor_somewhere,),
    Permission.VIEW_PROJECT: (is_public, member, administrator),
    Permission.EDIT_PROJECT: (editor,),
    Permission.CREATE_LISTING: (editor_somewhere,),
    Permission.VIEW_LISTING: (is_public, member, administrator, partner),
    Permission.EDIT_LISTING: (editor,),
    Permission.PUBLISH_LISTING: (confirmed_editor,),
    Permission.VIEW_QUALITY: (member, administrator),
    Permission.VIEW_POSITION: (shows_position, member, administrator, partner),
    Permission.VIEW_PASSPORT: (was_offered, member, administrator),
    Permission.VIEW_PROOF: (is_documented, member, administrator),
    Permission.CREATE_FACILITY: (editor_somewhere,),
    Permission.VIEW_FACILITY: (anyone,),
    Permission.EDIT_FACILITY: (keeper,),
    Permission.VIEW_DOCUMENT: (is_public, member, administrator, partner),
    Permission.EDIT_DOCUMENTS: (editor,),
    Permission.VIEW_PLAN: (member, administrator),
    Permission.EDIT_PLAN: (editor,),
    Permission.VIEW_IMPORT: (member, administrator),
    Permission.EDIT_IMPORT: (editor,),
    Permission.START_DEAL: (may_deal_over,),
    Permission.VIEW_DEAL: (party, administrator),
    Permission.ACT_ON_DEAL: (confirmed_editor_of_a_party,),
    Permission.MANAGE_TOKENS: (owner, administrator),
    Permission.VIEW_LOG: (member, administrator),
    Permission.VIEW_ENQUIRY: (member, enquirer, administrator),
    Permission.WRITE_IN_ENQUIRY: (confirmed_editor, enquirer),
    Permission.ANSWER_ENQUIRY: (confirmed_editor,),
    Permission.VIEW_OUTBOX: (is_demo, administrator),
    Permission.ADMINISTER: (administrator,),
}

VISIBILITY: dict[type[object], Permission] = {
    Organisation: Permission.VIEW_ORGANISATION,
    Membership: Permission.VIEW_MEMBERS,
    Invitation: Permission.VIEW_MEMBERS,
    Project: Permission.VIEW_PROJECT,
    Listing: Permission.VIEW_LISTING,
    Facility: Permission.VIEW_FACILITY,
    Document: Permission.VIEW_DOCUMENT,
    MassPlanRow: Permission.VIEW_PLAN,
    ImportBatch: Permission.VIEW_IMPORT,
    SavedSearch: Permission.KEEP_SEARCH,
    ApiToken: Permission.VIEW_MEMBERS,
    Deal: Permission.VIEW_DEAL,
    Enquiry: Permission.VIEW_ENQUIRY,
    TicketFile: Permission.VIEW_DEAL,
}
"""What it takes to know that a thing exists; without it a refusal reads as "not found"."""


def allows(permission: Permission, actor: Actor, subject: object = None) -> bool:
    """Whether any predicate of the permission holds."""
    return any(predicate(actor, subject) for predicate in RULES[permission])


def is_visible(actor: Actor, subject: object) -> bool:
    permission = VISIBILITY.get(type(subject))
    return permission is None or allows(permission, actor, subject)
