"""What the owner of a listing does with an enquiry: answer it, close it, refuse more, ask the visitor to join."""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from marketplace.actor import Actor
from marketplace.errors import Conflict, Forbidden, NotFound
from marketplace.i18n_marker import N_
from marketplace.models import Enquiry, EnquiryMessage, Notice
from marketplace.services.deal_events import material_in, quoted, set_read
from marketplace.services.enquiries import require_good_text, token_of
from marketplace.services.links import LinkSigner
from marketplace.services.mail import send_mail
from marketplace.types import EnquiryStatus

LONGEST_ANSWER: Final = 5000
SENT_TWICE: Final = timedelta(minutes=5)
IS_CLOSED: Final = N_("This enquiry is closed.")


def held_enquiry(session: Session, *, enquiry_id: int) -> Enquiry:
    """An enquiry that has been confirmed, held until the end of the transaction.

    Raises:
        NotFound: there is none that anybody was told of.
    """
    enquiry = session.scalars(
        select(Enquiry)
        .where(Enquiry.id == enquiry_id, Enquiry.status != EnquiryStatus.UNCONFIRMED)
        .options(joinedload(Enquiry.listing), joinedload(Enquiry.organisation))
        .with_for_update(key_share=True, of=Enquiry)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if enquiry is None:
        raise NotFound
    return enquiry


def answer(session: Session, actor: Actor, *, enquiry_id: int, body: str, signer: LinkSigner, now: datetime) -> None:
    """Write to the visitor, who gets it by mail; what is sent again by accident is sent once.

    Raises:
        NotFound: there is no such enquiry.
        Forbidden: the actor may not write for its owner.
        Conflict: it is closed.
        InvalidInput: nothing was written, or too much.
    """
    require_good_text(body, longest=LONGEST_ANSWER)
    enquiry = _held_by_owner(session, actor, enquiry_id=enquiry_id)
    if enquiry.status is not EnquiryStatus.OPEN:
        raise Conflict(IS_CLOSED)
    last = enquiry.messages[-1] if enquiry.messages else None
    if last and last.author_id == actor.user_id and last.body == body and last.created_at > now - SENT_TWICE:
        return
    enquiry.messages.append(EnquiryMessage(author_id=actor.user_id, body=body, created_at=now))
    enquiry.is_answered, enquiry.touched_at = True, now
    session.flush()
    _mark_read(session, actor, enquiry, now=now)
    _mail(session, enquiry, template="enquiry_answer", signer=signer, lines=quoted(body))


def close(session: Session, actor: Actor, *, enquiry_id: int, is_unwanted: bool, now: datetime) -> None:
    """End it. `is_unwanted` also refuses whatever comes from that address to the organisation after this.

    Raises:
        NotFound, Forbidden: as `answer`.
    """
    enquiry = _held_by_owner(session, actor, enquiry_id=enquiry_id)
    if enquiry.status is EnquiryStatus.OPEN or is_unwanted:
        enquiry.status = EnquiryStatus.REFUSED if is_unwanted else EnquiryStatus.CLOSED
        enquiry.closed_at, enquiry.closed_by_id = now, actor.user_id
    _mark_read(session, actor, enquiry, now=now)
    session.flush()


def reopen(session: Session, actor: Actor, *, enquiry_id: int) -> None:
    """Take a closed or refused enquiry up again.

    Raises:
        NotFound, Forbidden: as `answer`.
    """
    enquiry = _held_by_owner(session, actor, enquiry_id=enquiry_id)
    enquiry.status, enquiry.closed_at, enquiry.closed_by_id = EnquiryStatus.OPEN, None, None
    session.flush()


def invite(session: Session, actor: Actor, *, enquiry_id: int, signer: LinkSigner, now: datetime) -> bool:
    """Ask the visitor by mail to make an account, once; returns whether it was done now.

    Raises:
        NotFound, Forbidden, Conflict: as `answer`.
    """
    enquiry = _held_by_owner(session, actor, enquiry_id=enquiry_id)
    if enquiry.status is not EnquiryStatus.OPEN:
        raise Conflict(IS_CLOSED)
    if enquiry.invited_at is not None:
        return False
    enquiry.invited_at = now
    _mail(session, enquiry, template="enquiry_invited", signer=signer, lines=[])
    session.flush()
    return True


def mark_read(session: Session, actor: Actor, *, enquiry: Enquiry, seen_at: datetime, now: datetime) -> None:
    """Keep that a person has seen what stood in it at `seen_at`."""
    of_person = select(Notice.id).where(Notice.user_id == actor.user_id, Notice.enquiry_id == enquiry.id)
    set_read(session, of_person.where(Notice.last_at <= min(seen_at, now)), now=now)


def _held_by_owner(session: Session, actor: Actor, *, enquiry_id: int) -> Enquiry:
    enquiry = held_enquiry(session, enquiry_id=enquiry_id)
    if not (actor.is_confirmed and actor.can_edit(enquiry.organisation_id)):
        raise Forbidden
    return enquiry


def _mark_read(session: Session, actor: Actor, enquiry: Enquiry, *, now: datetime) -> None:
    mark_read(session, actor, enquiry=enquiry, seen_at=now, now=now)


def _mail(
    session: Session, enquiry: Enquiry, *, template: str, signer: LinkSigner, lines: list[dict[str, str | int]]
) -> None:
    """To the visitor: from the organisation, of whose people nothing is said."""
    send_mail(
        session,
        to=enquiry.email,
        template=template,
        locale=enquiry.locale,
        context={
            "material": material_in(enquiry.listing.material_key, enquiry.locale),
            "place": enquiry.listing.municipality.name,
            "name": enquiry.name,
            "organisation": enquiry.organisation.name,
            "lines": lines,
            "token": token_of(enquiry, signer=signer),
        },
    )
