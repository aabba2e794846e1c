"""Who may do what with a deal, and when: one table for services, permissions, buttons and tests."""

from enum import StrEnum, auto
from types import MappingProxyType
from typing import Final

from marketplace.actor import Actor
from marketplace.errors import Conflict, Forbidden
from marketplace.i18n_marker import N_
from marketplace.models import Deal, DealOffer
from marketplace.types import DealStatus, OfferStatus, Side


class DealAction(StrEnum):
    REQUEST = auto()
    COUNTER = auto()
    AMEND = auto()
    """Propose other terms for what has been agreed."""
    ACCEPT = auto()
    DECLINE = auto()
    WITHDRAW = auto()
    CANCEL = auto()
    SEND_ON = auto()
    """Offer what comes in at a hub to somebody else."""
    MESSAGE = auto()
    ANSWER_RECOVERY = auto()
    ADD_TICKET = auto()
    CORRECT_TICKET = auto()
    CONFIRM_TICKET = auto()
    DISPUTE_TICKET = auto()
    MAKE_GATE_LINK = auto()
    REVOKE_GATE_LINK = auto()
    DRAW_UP_STATEMENT = auto()
    SIGN_STATEMENT = auto()
    VOID_STATEMENT = auto()


_TALKING: Final = frozenset({DealStatus.NEGOTIATING})
_RUNNING: Final = frozenset({DealStatus.AGREED})
_OPEN: Final = _TALKING | _RUNNING
_FIRM: Final = _RUNNING | {DealStatus.COMPLETED}

ALLOWED_FROM: Final = MappingProxyType(
    {
        DealAction.REQUEST: frozenset[DealStatus](),
        DealAction.COUNTER: _TALKING,
        DealAction.AMEND: _RUNNING,
        DealAction.ACCEPT: _OPEN,
        DealAction.DECLINE: _OPEN,
        DealAction.WITHDRAW: _OPEN,
        DealAction.CANCEL: _RUNNING,
        DealAction.SEND_ON: _FIRM,
        DealAction.MESSAGE: frozenset(DealStatus),
        DealAction.ANSWER_RECOVERY: _OPEN,
        DealAction.ADD_TICKET: _RUNNING,
        DealAction.CORRECT_TICKET: _RUNNING,
        DealAction.CONFIRM_TICKET: _RUNNING,
        DealAction.DISPUTE_TICKET: _RUNNING,
        DealAction.MAKE_GATE_LINK: _RUNNING,
        DealAction.REVOKE_GATE_LINK: _FIRM,
        DealAction.DRAW_UP_STATEMENT: _RUNNING,
        DealAction.SIGN_STATEMENT: _RUNNING,
        DealAction.VOID_STATEMENT: _RUNNING,
    }
)
"""The statuses of a deal in which each can be done. A request makes a deal, so it is never done with one."""

TAKERS_OWN: Final = frozenset({DealAction.ANSWER_RECOVERY, DealAction.SEND_ON})
ANSWERS: Final = frozenset({DealAction.ACCEPT, DealAction.DECLINE})
VERDICTS_ON_TICKETS: Final = frozenset({DealAction.CONFIRM_TICKET, DealAction.DISPUTE_TICKET})

WRONG_STATUS: Final[dict[DealStatus, str]] = {
    DealStatus.NEGOTIATING: N_("Nothing has been agreed yet."),
    DealStatus.AGREED: N_("This deal has been agreed. Propose a change of its terms instead."),
    DealStatus.COMPLETED: N_("This deal is completed and stays as it is."),
    DealStatus.DECLINED: N_("This deal was declined. Make a new request instead."),
    DealStatus.WITHDRAWN: N_("This deal was withdrawn. Make a new request instead."),
    DealStatus.EXPIRED: N_("The offer ran out unanswered. Make a new request instead."),
    DealStatus.CANCELLED: N_("This deal was cancelled. Make a new request instead."),
}
NO_OPEN_OFFER: Final = N_("No offer is open: it has been answered, withdrawn, or has run out.")
NOT_CONFIRMED: Final = N_("Confirm your e-mail address before you make or answer offers: the link is in your mail.")
OTHER_SIDE: Final[dict[DealAction, str]] = {
    DealAction.ACCEPT: N_("This is your own offer. The other side answers it."),
    DealAction.DECLINE: N_("This is your own offer. Withdraw it instead."),
    DealAction.WITHDRAW: N_("This is the other side's offer. Decline it instead."),
    DealAction.CONFIRM_TICKET: N_("The other side confirms what your side has reported."),
    DealAction.DISPUTE_TICKET: N_("Correct what your side has reported instead of disputing it."),
    DealAction.ANSWER_RECOVERY: N_("Whoever receives the masses answers this."),
    DealAction.SEND_ON: N_("Only who receives the masses can send them on."),
}


def open_offer(deal: Deal) -> DealOffer | None:
    return next((offer for offer in deal.offers if offer.status is OfferStatus.OPEN), None)


def accepted_offer(deal: Deal) -> DealOffer | None:
    """The terms that hold."""
    return next((offer for offer in deal.offers if offer.status is OfferStatus.ACCEPTED), None)


def can(action: DealAction, deal: Deal, side: Side, *, reported_by: Side | None = None) -> bool:
    """Whether a side may do this now; `reported_by` is whose ticket it is, for what is done with one."""
    return deal.status in ALLOWED_FROM[action] and _is_of(side, action, deal, reported_by=reported_by)


def _is_of(side: Side, action: DealAction, deal: Deal, *, reported_by: Side | None) -> bool:
    """Whether it is this side's to do, whatever the status of the deal."""
    if action in TAKERS_OWN:
        return side is Side.TAKER and (action is not DealAction.SEND_ON or deal.destination_facility_id is not None)
    if action in VERDICTS_ON_TICKETS:
        return side is not reported_by
    if action in ANSWERS or action is DealAction.WITHDRAW:
        offer = open_offer(deal)
        if offer is None:
            return False
        if offer.is_suggestion:
            return action in ANSWERS
        return (offer.made_by is side) is (action is DealAction.WITHDRAW)
    return True


def sides_of(deal: Deal, actor: Actor) -> tuple[Side, ...]:
    """The sides that somebody may act for; both where they edit for both organisations."""
    return tuple(side for side in Side if actor.can_edit(deal.organisation_id_of(side)))


def require(action: DealAction, deal: Deal, actor: Actor, *, reported_by: Side | None = None) -> Side:
    """The side that the actor does this for.

    Raises:
        Forbidden: they act for neither side, only for the other one, or their e-mail address is not confirmed.
        Conflict: the deal is not in a state for it, or no offer is open.
    """
    sides = sides_of(deal, actor)
    if not sides:
        raise Forbidden
    if not actor.is_confirmed:
        raise Forbidden(NOT_CONFIRMED)
    if deal.status not in ALLOWED_FROM[action]:
        raise Conflict(WRONG_STATUS[deal.status])
    if (action in ANSWERS or action is DealAction.WITHDRAW) and open_offer(deal) is None:
        raise Conflict(NO_OPEN_OFFER)
    for side in sides:
        if _is_of(side, action, deal, reported_by=reported_by):
            return side
    raise Forbidden(OTHER_SIDE.get(action))
