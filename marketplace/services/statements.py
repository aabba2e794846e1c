"""Closing a deal: one side draws up the statement of what was delivered, the other signs it or sends it back.

Drawing it up is signing it. What it says is kept whole (`statement_values`); once both have signed, the deal is
completed and the database lets nobody change the statement any more. A load that is added, corrected or disputed after
the first signature voids it, and so do new terms: nobody signs for anything else than what the paper says.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final

from sqlalchemy.orm import Session

from marketplace.actor import Actor
from marketplace.errors import Conflict, FieldError, InvalidInput
from marketplace.i18n_marker import N_
from marketplace.models import Deal, DealStatement
from marketplace.queries.statements import LoadSums, answered_tests, load_sums, loads_that_count, open_statement
from marketplace.recovery import Recovery, recovery_of
from marketplace.services.commitments import HeldDeal, hold
from marketplace.services.deal_actions import DealAction, require, sides_of
from marketplace.services.deal_events import DealEvent, tell
from marketplace.services.deals import complete
from marketplace.services.editing import DESCRIPTION_LIMIT, text_problems
from marketplace.services.statement_changes import is_still_true, void_if_changed
from marketplace.services.statement_content import statement_content
from marketplace.statement_values import Signature, StatementContent, from_json, tickets_number, to_json
from marketplace.text import clean_text
from marketplace.types import Side

NO_DEVIATION: Final = N_("Say why what was delivered is not what was agreed.")
NO_VOID_REASON: Final = N_("Say what is wrong with it, so that the other side can put it right.")


class Obstacle(StrEnum):
    """What is in the way of a statement."""

    NOTHING_DELIVERED = "nothing_delivered"
    UNCONFIRMED = "unconfirmed"
    DISPUTED = "disputed"
    RECOVERY_UNANSWERED = "recovery_unanswered"
    SENT_ON = "sent_on"


OBSTACLES: Final[dict[Obstacle, str]] = {
    Obstacle.NOTHING_DELIVERED: N_("Nothing has been delivered. Cancel the deal if nothing will be."),
    Obstacle.UNCONFIRMED: N_("Some loads are not confirmed yet."),
    Obstacle.DISPUTED: N_("Some loads are disputed. Correct them first."),
    Obstacle.RECOVERY_UNANSWERED: N_("The three tests of recovery are not answered yet. Whoever receives does that."),
    Obstacle.SENT_ON: N_("More is agreed to be sent on than has come in. Change or end those deals first."),
}


DISPUTED_OF_THEIRS: Final = N_("Some loads are disputed. The other side reported them, and corrects them first.")


class NotReady(Conflict):
    """Raised with the first thing in the way; the page lists them all."""


class StatementIsThere(Conflict):
    message = N_("A statement has been drawn up already. Sign it, or send it back.")


class NoStatement(Conflict):
    message = N_("There is no statement to sign. It may have been sent back, or a load was changed under it.")


class SignedAlready(Conflict):
    message = N_("Your side has signed already. It waits for the other side.")


class OtherStatement(Conflict):
    message = N_("Another statement has been drawn up since you opened the page. Read it before you sign.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Closing:
    """Where a deal stands before its statement."""

    sums: LoadSums
    obstacles: tuple[Obstacle, ...]
    deviation_t: Decimal
    must_explain: bool
    """Whether what was delivered is further from what was agreed than the tolerance."""

    @property
    def is_ready(self) -> bool:
        return not self.obstacles


def obstacle_words(closing: Closing, sides: Collection[Side]) -> tuple[str, ...]:
    """What is in the way, for who acts for `sides`: only who reported a load can correct it."""
    words = dict(OBSTACLES)
    if sides and closing.sums.disputed_of.isdisjoint(sides):
        words[Obstacle.DISPUTED] = DISPUTED_OF_THEIRS
    return tuple(words[each] for each in closing.obstacles)


def closing_of(session: Session, deal: Deal) -> Closing:
    """What a statement of the deal would be about, and what is in its way."""
    sums = load_sums(session, deal_id=deal.id)
    deviation_t = sums.delivered_t - deal.agreed_t
    answered = answered_tests(session, deal_id=deal.id)
    return Closing(
        sums=sums,
        obstacles=tuple(_obstacles(deal, sums, recovery=recovery_of(answered))),
        deviation_t=deviation_t,
        must_explain=abs(deviation_t) > deal.agreed_t * deal.tolerance_percent / 100,
    )


def _obstacles(deal: Deal, sums: LoadSums, *, recovery: Recovery) -> Iterator[Obstacle]:
    if not sums.count:
        yield Obstacle.NOTHING_DELIVERED
    if sums.unconfirmed_count:
        yield Obstacle.UNCONFIRMED
    if sums.disputed_count:
        yield Obstacle.DISPUTED
    if recovery is Recovery.UNANSWERED:
        yield Obstacle.RECOVERY_UNANSWERED
    if deal.onward_t > sums.delivered_t * (1 + deal.tolerance_percent / 100):
        yield Obstacle.SENT_ON


def draw_up(session: Session, actor: Actor, *, deal_id: int, deviation: str = "", now: datetime) -> DealStatement:
    """The statement of what was delivered, signed by the actor's side.

    Raises:
        NotFound, Forbidden, Conflict: there is no such deal, it is not the actor's, or it is not agreed.
        StatementIsThere: one waits for a signature already.
        NotReady: loads are unconfirmed or disputed, nothing was delivered, or the recovery is not answered for.
        InvalidInput: what was delivered is outside the tolerance and nobody says why (field "deviation").
    """
    deal = hold(session, deal_id=deal_id).deal
    side = require(DealAction.DRAW_UP_STATEMENT, deal, actor)
    if open_statement(session, deal_id=deal.id) is not None:
        raise StatementIsThere
    closing = closing_of(session, deal)
    if closing.obstacles:
        raise NotReady(obstacle_words(closing, [side])[0])
    deviation = clean_text(deviation)
    problems = _deviation_problems(deviation, closing)
    if problems:
        raise InvalidInput(*problems)
    assert actor.user_id is not None
    tickets = loads_that_count(session, deal_id=deal.id)
    content = statement_content(session, deal, tickets=tickets, sums=closing.sums, deviation=deviation, now=now)
    statement = DealStatement(
        deal_id=deal.id,
        delivered_t=closing.sums.delivered_t,
        ticket_count=closing.sums.count,
        tickets_sha256=tickets_number(content.tickets),
        deviation=deviation,
        content={},
        created_by_id=actor.user_id,
        created_at=now,
    )
    _put_signature(statement, content, actor, side, now=now)
    session.add(statement)
    deal.touched_at = now
    session.flush()
    tell(session, deal, DealEvent.STATEMENT_DRAWN_UP, by=side, about_id=statement.id, now=now)
    return statement


def _deviation_problems(deviation: str, closing: Closing) -> tuple[FieldError, ...]:
    missing = NO_DEVIATION if closing.must_explain else None
    return tuple(text_problems(deviation, field="deviation", limit=DESCRIPTION_LIMIT, missing=missing))


def sign(session: Session, actor: Actor, *, deal_id: int, statement_id: int, now: datetime) -> DealStatement:
    """The statement with the other side's signature too, and its deal completed.

    `statement_id` is the one that was read: nobody signs one that came in its place. Where the loads or the terms are
    no longer those that it says, the statement is voided instead and comes back so (`voided_at`): that must stay, so it
    is no error.

    Raises:
        NotFound, Forbidden, Conflict: there is no such deal, it is not the actor's, or it is not agreed.
        NoStatement, OtherStatement, SignedAlready: there is none to sign, another one, or it waits for the other side.
    """
    held = hold(session, deal_id=deal_id)
    require(DealAction.SIGN_STATEMENT, held.deal, actor)
    statement = _waiting(session, held.deal, statement_id=statement_id)
    side = next((each for each in sides_of(held.deal, actor) if statement.signed_at(each) is None), None)
    if side is None:
        raise SignedAlready
    if not is_still_true(session, held.deal, statement):
        void_if_changed(session, held.deal, now=now)
        return statement
    _put_signature(statement, from_json(statement.content), actor, side, now=now)
    held.deal.touched_at = now
    session.flush()
    _complete(session, held, statement, by=side, now=now)
    return statement


def _complete(session: Session, held: HeldDeal, statement: DealStatement, *, by: Side, now: datetime) -> None:
    """Both have signed: what was not delivered is free again from this moment."""
    complete(session, held, now=now)
    tell(session, held.deal, DealEvent.COMPLETED, by=by, about_id=statement.id, now=now)


def send_back(
    session: Session, actor: Actor, *, deal_id: int, statement_id: int, reason: str, now: datetime
) -> DealStatement:
    """The statement, voided, with what is wrong with it. Either side can: who signed first may have seen a mistake.

    Raises:
        NotFound, Forbidden, Conflict: there is no such deal, it is not the actor's, or it is not agreed.
        NoStatement, OtherStatement: there is none, or another one than was read.
        InvalidInput: no reason is given (field "reason").
    """
    deal = hold(session, deal_id=deal_id).deal
    side = require(DealAction.VOID_STATEMENT, deal, actor)
    statement = _waiting(session, deal, statement_id=statement_id)
    reason = clean_text(reason)
    problems = tuple(text_problems(reason, field="reason", limit=DESCRIPTION_LIMIT, missing=NO_VOID_REASON))
    if problems:
        raise InvalidInput(*problems)
    statement.voided_at, statement.voided_by_id, statement.void_reason = now, actor.user_id, reason
    deal.touched_at = now
    session.flush()
    tell(session, deal, DealEvent.STATEMENT_VOIDED, by=side, about_id=statement.id, now=now)
    return statement


def _waiting(session: Session, deal: Deal, *, statement_id: int) -> DealStatement:
    statement = open_statement(session, deal_id=deal.id)
    if statement is None:
        raise NoStatement
    if statement.id != statement_id:
        raise OtherStatement
    return statement


def _put_signature(
    statement: DealStatement, content: StatementContent, actor: Actor, side: Side, *, now: datetime
) -> None:
    assert actor.user_id is not None
    if side is Side.GIVER:
        statement.giver_signed_by_id, statement.giver_signed_at = actor.user_id, now
    else:
        statement.taker_signed_by_id, statement.taker_signed_at = actor.user_id, now
    signature = Signature(side=side, name=actor.name, email=actor.email, signed_at=now)
    statement.content = to_json(content.signed(signature))
