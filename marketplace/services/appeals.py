"""Appeals: an organisation answers a moderator, and the moderator answers once more.

An appeal is granted by undoing what it is about (`services.hiding`, `services.bans`), else it is refused with a reason.
"""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.actor import Actor
from marketplace.errors import Conflict, Forbidden, NotFound, field_error
from marketplace.i18n_marker import N_
from marketplace.models import Appeal, Listing, Organisation, User
from marketplace.services.moderation_mail import require_administrator, tell, text_from

SAY_WHAT = N_("Write your answer.")
SAY_WHY = N_("Say why it stays so. The organisation reads this.")
ANSWERED_ALREADY = N_("Your organisation has answered already.")
NOTHING_TO_APPEAL = N_("No moderator stands in the way any more, so there is nothing to answer.")
DECIDED_ALREADY = N_("Somebody else has decided this already.")


def appeal_hiding(session: Session, actor: Actor, *, listing_id: int, text: str, now: datetime) -> Appeal:
    """Answer the moderator who hid a listing.

    Raises:
        NotFound, Forbidden: there is no such listing, or the actor may not change it.
        Conflict: it is not hidden.
        InvalidInput: no text, too long, or answered already.
    """
    listing = session.get(Listing, listing_id)
    if listing is None:
        raise NotFound
    if not actor.can_edit(listing.organisation_id):
        raise Forbidden
    if listing.hidden_at is None:
        raise Conflict(NOTHING_TO_APPEAL)
    return _appeal(session, actor, organisation_id=listing.organisation_id, listing_id=listing.id, text=text, now=now)


def appeal_ban(session: Session, actor: Actor, *, organisation_id: int, text: str, now: datetime) -> Appeal:
    """Answer the moderator who banned an organisation.

    Raises:
        NotFound, Forbidden: there is no such organisation, or the actor does not own it.
        Conflict: it is not banned.
        InvalidInput: no text, too long, or answered already.
    """
    organisation = session.get(Organisation, organisation_id)
    if organisation is None:
        raise NotFound
    if not actor.owns(organisation_id):
        raise Forbidden
    if not organisation.is_banned:
        raise Conflict(NOTHING_TO_APPEAL)
    return _appeal(session, actor, organisation_id=organisation_id, listing_id=None, text=text, now=now)


def refuse_appeal(session: Session, actor: Actor, *, appeal_id: int, answer: str, now: datetime) -> Appeal:
    """The appeal, refused: what it is about stays as it is, and whoever wrote it is told why.

    Raises:
        Forbidden: the actor is no administrator.
        NotFound: there is no such appeal.
        Conflict: it has been decided.
        InvalidInput: no answer, or one that is too long.
    """
    require_administrator(actor)
    appeal = session.get(Appeal, appeal_id, with_for_update={"key_share": True}, populate_existing=True)
    if appeal is None:
        raise NotFound
    if appeal.decided_at is not None:
        raise Conflict(DECIDED_ALREADY)
    answer = text_from(answer, field="answer", missing=SAY_WHY)
    _decide(appeal, actor, is_granted=False, answer=answer, now=now)
    session.flush()
    writer = session.get_one(User, appeal.made_by_id)
    if writer.banned_at is None:
        tell(
            session,
            [writer],
            template="appeal_refused",
            organisation=session.get_one(Organisation, appeal.organisation_id),
            listing_id=appeal.listing_id or 0,
            answer=answer,
        )
    return appeal


def grant_appeal(
    session: Session,
    actor: Actor,
    *,
    listing_id: int | None = None,
    organisation_id: int | None = None,
    answer: str,
    now: datetime,
) -> None:
    """Decide the open appeal about a listing, or else about the ban of an organisation, where there is one."""
    about = (
        Appeal.listing_id == listing_id
        if listing_id is not None
        else (Appeal.organisation_id == organisation_id) & Appeal.listing_id.is_(None)
    )
    query = select(Appeal).where(about, Appeal.decided_at.is_(None)).with_for_update(key_share=True)
    appeal = session.scalars(query).one_or_none()
    if appeal is not None:
        _decide(appeal, actor, is_granted=True, answer=answer, now=now)
        session.flush()


def open_appeal(
    session: Session, *, listing_id: int | None = None, organisation_id: int | None = None
) -> Appeal | None:
    """The appeal that waits for an answer, about a listing or about the ban of an organisation."""
    query = select(Appeal).where(Appeal.decided_at.is_(None))
    if listing_id is not None:
        return session.scalars(query.where(Appeal.listing_id == listing_id)).one_or_none()
    return session.scalars(
        query.where(Appeal.organisation_id == organisation_id, Appeal.listing_id.is_(None))
    ).one_or_none()


def _appeal(
    session: Session, actor: Actor, *, organisation_id: int, listing_id: int | None, text: str, now: datetime
) -> Appeal:
    assert actor.user_id is not None
    text = text_from(text, field="text", missing=SAY_WHAT)
    if open_appeal(session, listing_id=listing_id, organisation_id=organisation_id) is not None:
        raise field_error("", ANSWERED_ALREADY)
    appeal = Appeal(
        organisation_id=organisation_id,
        listing_id=listing_id,
        text=text,
        made_by_id=actor.user_id,
        created_at=now,
    )
    session.add(appeal)
    session.flush()
    return appeal


def _decide(appeal: Appeal, actor: Actor, *, is_granted: bool, answer: str, now: datetime) -> None:
    appeal.is_granted, appeal.answer = is_granted, answer
    appeal.decided_at, appeal.decided_by_id = now, actor.user_id
