"""The offers of a deal: making one, answering one, and what is written along with it."""

from datetime import datetime
from typing import Final

from sqlalchemy.orm import Session

from marketplace.actor import Actor
from marketplace.errors import Conflict, FieldError, InvalidInput
from marketplace.i18n_marker import N_
from marketplace.models import Deal, DealMessage, DealOffer
from marketplace.services.deal_actions import NO_OPEN_OFFER, accepted_offer, open_offer
from marketplace.services.deal_terms import TERM_COLUMNS, CheckedTerms
from marketplace.services.editing import DESCRIPTION_LIMIT, text_problems
from marketplace.text import clean_text, is_blank
from marketplace.types import OfferStatus, Side

SAME_AS_OFFER: Final = N_("This is the same as the offer. Accept it instead.")
SAME_AS_AGREED: Final = N_("This is what is agreed already. Change something in it before you propose it.")
OFFER_REPLACED: Final = N_("Another offer has taken its place. Look at it before you answer.")


def make_offer(
    session: Session,
    actor: Actor,
    deal: Deal,
    checked: CheckedTerms,
    *,
    by: Side,
    is_suggestion: bool = False,
    now: datetime,
) -> DealOffer:
    """The deal's open offer, in the place of the one that was open; its row is held, or new."""
    assert actor.user_id is not None
    standing = open_offer(deal)
    if standing is not None:
        answer_offer(actor, standing, OfferStatus.SUPERSEDED, now=now)
        session.flush()  # one offer is open at a time
    offer = DealOffer(
        deal_id=deal.id,
        number=len(deal.offers) + 1,
        status=OfferStatus.OPEN,
        made_by=by,
        made_by_id=actor.user_id,
        is_suggestion=is_suggestion,
        created_at=now,
        **checked.columns(),
    )
    deal.offers.append(offer)
    deal.touched_at = now
    session.flush()
    return offer


def require_other_terms(deal: Deal, checked: CheckedTerms, *, by: Side) -> None:
    """One's own offer may be made again, to stand for longer.

    Raises:
        InvalidInput: the other side offers just that, or it is agreed and nothing else is proposed.
    """
    standing = open_offer(deal)
    if standing is None:
        same, message = accepted_offer(deal), SAME_AS_AGREED
    elif standing.made_by is by and not standing.is_suggestion:
        return
    else:
        same, message = standing, SAME_AS_OFFER
    said = {name: value for name, value in checked.columns().items() if name != "expires_at"}
    if same is not None and all(getattr(same, name) == value for name, value in said.items()):
        raise InvalidInput(FieldError(field="", message=message))


def take_up(session: Session, actor: Actor, deal: Deal, offer: DealOffer, *, by: Side, now: datetime) -> None:
    """Make terms that were suggested the offer of a side that takes them."""
    assert actor.user_id is not None
    terms = {name: getattr(offer, name) for name in TERM_COLUMNS}
    answer_offer(actor, offer, OfferStatus.SUPERSEDED, now=now)
    session.flush()  # one offer is open at a time
    number = len(deal.offers) + 1
    deal.offers.append(
        DealOffer(number=number, status=OfferStatus.OPEN, made_by=by, made_by_id=actor.user_id, created_at=now, **terms)
    )
    deal.touched_at = now
    session.flush()


def answer_offer(actor: Actor | None, offer: DealOffer, status: OfferStatus, *, now: datetime) -> None:
    offer.status, offer.answered_at = status, now
    offer.answered_by_id = None if actor is None else actor.user_id


def offer_to_answer(deal: Deal, *, offer_id: int | None) -> DealOffer:
    offer = open_offer(deal)
    if offer is None:
        raise Conflict(NO_OPEN_OFFER)
    if offer_id is not None and offer.id != offer_id:
        raise Conflict(OFFER_REPLACED)
    return offer


def say(session: Session, actor: Actor, deal: Deal, message: str, *, by: Side, now: datetime) -> None:
    """Keep what was written along with an offer, if anything was.

    Raises:
        InvalidInput: it is too long.
    """
    body = clean_text(message)
    problems = tuple(text_problems(body, field="message", limit=DESCRIPTION_LIMIT))
    if problems:
        raise InvalidInput(*problems)
    if not is_blank(body):
        session.add(DealMessage(deal_id=deal.id, side=by, author_id=actor.user_id, body=body, created_at=now))
        session.flush()


def checked_reason(reason: str, *, missing: str | None = None) -> str:
    """The words that a deal ends with.

    Raises:
        InvalidInput: they are too long, or there are none where `missing` says that there should be.
    """
    words = clean_text(reason)
    problems = tuple(text_problems(words, field="reason", limit=DESCRIPTION_LIMIT, missing=missing))
    if problems:
        raise InvalidInput(*problems)
    return words
