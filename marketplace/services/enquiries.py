"""What visitors without an account ask the owner of a listing, and write after that.

Nobody is told of an enquiry before its address has been shown to be the visitor's, by a mailed link that holds nothing
that they typed: so the form cannot be used to write to others. The link stays the visitor's way in. Neither side sees
the other's address; what they want known they write.
"""

import re
import secrets
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import and_, delete, func, or_, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, joinedload

from marketplace.actor import Actor
from marketplace.errors import Conflict, Forbidden, field_error
from marketplace.i18n_marker import N_
from marketplace.models import Enquiry, EnquiryMessage, Listing, Membership, User
from marketplace.queries.accounts import user_by_email
from marketplace.services.deal_events import material_in, tell_of_enquiry
from marketplace.services.links import DeadLink, LinkSigner, Purpose
from marketplace.services.listing_people import recipients
from marketplace.services.mail import send_mail
from marketplace.text import is_blank
from marketplace.types import EnquiryStatus, ListingStatus, Role

LONGEST: Final = 3000
MOST_ADDRESSES: Final = 2
"""Web addresses in one message; whoever asks about masses needs hardly any."""
MOST_UNANSWERED: Final = 3
"""Messages of a visitor in a row; after that it is the owner's turn."""
CONFIRMED_WITHIN: Final = timedelta(days=3)
KEPT_FOR: Final = timedelta(days=365)
"""After the last word; the visitor's name and address go with it."""
SENT_TWICE: Final = timedelta(minutes=5)

WEB_ADDRESS: Final = re.compile(r"https?://|www\.", re.IGNORECASE)

OWN_LISTING: Final = N_("This is your own organisation's listing.")
TAKEN_DOWN: Final = N_("The listing has been taken down meanwhile, so your question cannot be sent.")
NOT_WELCOME: Final = N_("The owner of this listing takes no more questions from you.")
CLOSED: Final = N_("The owner has closed this enquiry.")
ANOTHERS_TURN: Final = N_("Wait for an answer before you write more.")


def ask(
    session: Session,
    *,
    listing: Listing,
    name: str,
    firm: str,
    email: str,
    body: str,
    locale: str,
    signer: LinkSigner,
    now: datetime,
) -> None:
    """Keep a visitor's question, and mail them the link that sends it.

    A question about the same listing that waits for the same address is replaced, and its link dies.

    Raises:
        InvalidInput: nothing was written, too much, or too many web addresses.
        Conflict: others do not see the listing.
    """
    _require_good(body)
    if listing.status is not ListingStatus.PUBLISHED:
        raise Conflict(TAKEN_DOWN)
    values = {
        "listing_id": listing.id,
        "organisation_id": listing.organisation_id,
        "status": EnquiryStatus.UNCONFIRMED,
        "name": name,
        "firm": firm,
        "email": email,
        "locale": locale,
        "key": secrets.token_hex(16),
        "touched_at": now,
    }
    written_anew = {column: values[column] for column in ("name", "firm", "locale", "key", "touched_at")}
    enquiry_id = session.execute(
        insert(Enquiry)
        .values(**values)
        .on_conflict_do_update(
            index_elements=[Enquiry.listing_id, func.lower(Enquiry.email)],
            index_where=text("status = 'unconfirmed'"),  # as the index has it: a parameter would prove nothing
            set_=written_anew,
        )
        .returning(Enquiry.id)
    ).scalar_one()
    enquiry = session.get_one(Enquiry, enquiry_id, populate_existing=True)
    enquiry.messages = [EnquiryMessage(body=body, created_at=now)]
    session.flush()
    send_mail(
        session,
        to=email,
        template="enquiry_confirm",
        locale=locale,
        context={
            "material": material_in(listing.material_key, locale),
            "place": listing.municipality.name,
            "token": token_of(enquiry, signer=signer),
        },
    )


def ask_as_member(session: Session, actor: Actor, *, listing: Listing, body: str, now: datetime) -> Enquiry:
    """The question of somebody who is logged in, whose address is known to be theirs: the owner is told at once.

    Raises:
        InvalidInput, Conflict: as `ask`; also where it is their own listing, or the owner refuses them.
        Forbidden: their address is not confirmed.
    """
    _require_good(body)
    if not actor.is_confirmed:
        raise Forbidden
    if actor.is_member(listing.organisation_id):
        raise Conflict(OWN_LISTING)
    enquiry = Enquiry(
        listing_id=listing.id,
        organisation_id=listing.organisation_id,
        status=EnquiryStatus.OPEN,
        name=actor.name,
        firm=", ".join(membership.organisation_name for membership in actor.memberships[:1]),
        email=actor.email,
        locale=actor.locale,
        key=secrets.token_hex(16),
        touched_at=now,
        confirmed_at=now,
        messages=[EnquiryMessage(body=body, created_at=now)],
    )
    _require_open_door(session, enquiry, listing=listing)
    session.add(enquiry)
    session.flush()
    _tell_owner(session, enquiry, enquiry.messages[0], now=now)
    return enquiry


def enquiry_of_link(session: Session, *, token: str, signer: LinkSigner, now: datetime, hold: bool = False) -> Enquiry:
    """The enquiry that a visitor's link leads to, with its listing, its owner and what was written.

    Raises:
        DeadLink: forged, replaced by a newer one, or never confirmed in time.
    """
    try:
        enquiry_id, key = signer.open(Purpose.ENQUIRY, token)
    except (TypeError, ValueError):
        raise DeadLink from None
    query = (
        select(Enquiry)
        .where(Enquiry.id == enquiry_id)
        .options(joinedload(Enquiry.listing), joinedload(Enquiry.organisation))
    )
    if hold:
        query = query.with_for_update(key_share=True, of=Enquiry).execution_options(populate_existing=True)
    enquiry = session.scalars(query).one_or_none()
    if enquiry is None or not secrets.compare_digest(enquiry.key, key):
        raise DeadLink(N_("This link has been used, or a newer one has taken its place."))
    if enquiry.status is EnquiryStatus.UNCONFIRMED and enquiry.touched_at < now - CONFIRMED_WITHIN:
        raise DeadLink(N_("This link has run out. Ask for a new one."))
    return enquiry


def confirm(session: Session, *, token: str, signer: LinkSigner, now: datetime) -> Enquiry:
    """Send what waited for its address, and tell the owner's people; a second press changes nothing.

    Raises:
        DeadLink: as `enquiry_of_link`.
        Conflict: the listing has been taken down, or its owner wants nothing from this address.
    """
    enquiry = enquiry_of_link(session, token=token, signer=signer, now=now, hold=True)
    if enquiry.status is not EnquiryStatus.UNCONFIRMED:
        return enquiry
    _require_open_door(session, enquiry, listing=enquiry.listing)
    enquiry.status, enquiry.confirmed_at, enquiry.touched_at = EnquiryStatus.OPEN, now, now
    session.flush()
    for message in enquiry.messages:
        _tell_owner(session, enquiry, message, now=now)
    return enquiry


def write_more(session: Session, enquiry: Enquiry, *, body: str, now: datetime) -> None:
    """The visitor writes again; `enquiry` is held, and was opened by their link or their account.

    Raises:
        InvalidInput: as `ask`, or it is the owner's turn.
        Conflict: it is closed, or has not been confirmed, or its owner wants nothing from this address any more.
    """
    _require_good(body)
    if enquiry.status is not EnquiryStatus.OPEN:
        raise Conflict(CLOSED)
    _require_welcome(session, enquiry)
    since_answer = []
    for message in reversed(enquiry.messages):
        if message.is_from_owner:
            break
        since_answer.append(message)
    if any(message.body == body and message.created_at > now - SENT_TWICE for message in since_answer):
        return
    if len(since_answer) >= MOST_UNANSWERED:
        raise field_error("body", ANOTHERS_TURN)
    message = EnquiryMessage(body=body, created_at=now)
    enquiry.messages.append(message)
    enquiry.is_answered, enquiry.touched_at = False, now
    session.flush()
    _tell_owner(session, enquiry, message, now=now)


def token_of(enquiry: Enquiry, *, signer: LinkSigner) -> str:
    return signer.seal(Purpose.ENQUIRY, [enquiry.id, enquiry.key])


def forget_enquiries(session: Session, *, now: datetime) -> None:
    """Drop what nobody confirmed, and what has long been silent, with the names and addresses in it."""
    unconfirmed = and_(Enquiry.status == EnquiryStatus.UNCONFIRMED, Enquiry.touched_at < now - 2 * CONFIRMED_WITHIN)
    refused = Enquiry.status == EnquiryStatus.REFUSED
    session.execute(delete(Enquiry).where(or_(unconfirmed, and_(~refused, Enquiry.touched_at < now - KEPT_FOR))))


def require_good_text(body: str, *, longest: int = LONGEST) -> None:
    """
    Raises:
        InvalidInput: nothing was written, or too much.
    """
    if is_blank(body):
        raise field_error("body", N_("Write something first."))
    if len(body) > longest:
        raise field_error("body", N_("Use at most %(maximum)s characters."), maximum=longest)


def _require_good(body: str) -> None:
    require_good_text(body)
    if len(WEB_ADDRESS.findall(body)) > MOST_ADDRESSES:
        raise field_error("body", N_("Use at most %(maximum)s web addresses."), maximum=MOST_ADDRESSES)


def _require_open_door(session: Session, enquiry: Enquiry, *, listing: Listing) -> None:
    if listing.status is not ListingStatus.PUBLISHED:
        raise Conflict(TAKEN_DOWN)
    _require_welcome(session, enquiry)


def _require_welcome(session: Session, enquiry: Enquiry) -> None:
    """Not who was refused in another enquiry of the owner's, nor whose account is banned."""
    refused = select(Enquiry.id).where(
        Enquiry.organisation_id == enquiry.organisation_id,
        func.lower(Enquiry.email) == enquiry.email.lower(),
        Enquiry.status == EnquiryStatus.REFUSED,
    )
    account = user_by_email(session, email=enquiry.email)
    if session.scalars(refused.limit(1)).first() is not None or (account and account.banned_at is not None):
        raise Conflict(NOT_WELCOME)


def _tell_owner(session: Session, enquiry: Enquiry, message: EnquiryMessage, *, now: datetime) -> None:
    tell_of_enquiry(session, enquiry, message, people=_people_of(session, enquiry), now=now)


def _people_of(session: Session, enquiry: Enquiry) -> list[User]:
    """Whoever looks after the listing, and whoever has answered in it and still may."""
    have_answered = session.scalars(
        select(User)
        .join(Membership, Membership.user_id == User.id)
        .where(Membership.organisation_id == enquiry.organisation_id)
        .where(Membership.role.in_((Role.OWNER, Role.EDITOR)), User.banned_at.is_(None))
        .where(User.id.in_(select(EnquiryMessage.author_id).where(EnquiryMessage.enquiry_id == enquiry.id)))
    ).all()
    listing = session.get_one(Listing, enquiry.listing_id)
    people = {user.id: user for user in (*recipients(session, listing=listing), *have_answered)}
    return [people[user_id] for user_id in sorted(people)]
