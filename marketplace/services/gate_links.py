"""Links by which a gate reports loads without an account: of one deal, for one day, until somebody withdraws them.

A link's address is signed, so that nobody guesses one. What it may do stands in its row, which is asked each time.
"""

import hashlib
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from itsdangerous import BadData, URLSafeSerializer
from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload

from marketplace.actor import Actor
from marketplace.clock import local_date
from marketplace.errors import Conflict, FieldError, InvalidInput, NotFound, field_error
from marketplace.i18n_marker import N_
from marketplace.models import Deal, GateLink, Organisation
from marketplace.services.commitments import hold
from marketplace.services.deal_actions import ALLOWED_FROM, WRONG_STATUS, DealAction, require, sides_of
from marketplace.services.editing import text_problems
from marketplace.services.links import LONGEST_TOKEN, DeadLink
from marketplace.text import clean_line
from marketplace.types import Side

SENT_WITHIN = timedelta(days=7)
"""How long after its day a link still takes the loads of that day: a phone may have been without a network."""

LONGEST_LABEL = 100
MOST_A_DAY = 20
"""Links of one side that stand open for one day; more would be a slip."""

NO_LINK_OF_OURS = N_("This address is not whole. Scan the code once more.")
WITHDRAWN = N_("This link was withdrawn. Ask at the gate for a new one.")
STOPPED = N_("This link takes no loads for now. Ask at the gate what to do.")
"""Of an organisation that is banned, which whoever drives for it need not be told."""
DAY_IS_PAST = N_("This link was for another day, and its time has run out. Ask at the gate for a new one.")


class GateClosed(Conflict):
    message = WITHDRAWN


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """Who reports by a link: nobody with a name, but whoever stands at that gate on that day."""

    link_id: int
    deal_id: int
    side: Side
    valid_on: date


class GateSigner:
    """Makes and reads the addresses."""

    def __init__(self, secret_key: str) -> None:
        self._serializer = URLSafeSerializer(
            secret_key, salt="masseflyt.gate", signer_kwargs={"digest_method": hashlib.sha256}
        )

    def sign(self, link: GateLink) -> str:
        return str(self._serializer.dumps([link.id, link.deal_id, link.valid_on.toordinal()]))

    def read(self, token: str) -> Gate | None:
        """What a token says of its deal and day, without having asked whether the link still stands."""
        try:
            link_id, deal_id, day = self._serializer.loads(token[:LONGEST_TOKEN])
            return Gate(link_id=link_id, deal_id=deal_id, side=Side.GIVER, valid_on=date.fromordinal(day))
        except (BadData, TypeError, ValueError, OverflowError):
            return None


def gate_of_token(session: Session, token: str, *, signer: GateSigner) -> tuple[Gate, GateLink]:
    """The gate behind a token and its link with the deal, also of one that takes nothing any longer.

    Raises:
        DeadLink: no link of ours has this token.
    """
    said = signer.read(token)
    if said is None:
        raise DeadLink(NO_LINK_OF_OURS)
    link = session.scalar(
        select(GateLink)
        .where(GateLink.id == said.link_id, GateLink.deal_id == said.deal_id, GateLink.valid_on == said.valid_on)
        .options(joinedload(GateLink.deal).joinedload(Deal.giver_organisation))
        .options(joinedload(GateLink.deal).joinedload(Deal.taker_organisation))
    )
    if link is None:
        raise DeadLink(NO_LINK_OF_OURS)
    return Gate(link_id=link.id, deal_id=link.deal_id, side=link.side, valid_on=link.valid_on), link


def require_open(session: Session, link: GateLink, *, now: datetime) -> None:
    """Let pass a link that may be used.

    Raises:
        GateClosed: it was withdrawn, its day is long past, no loads are driven for the deal any more, or whose gate it
            is is banned.
    """
    if link.revoked_at is not None:
        raise GateClosed(WITHDRAWN)
    owner = select(Organisation.banned_at).where(Organisation.id == link.deal.organisation_id_of(link.side))
    if session.scalar(owner) is not None:
        raise GateClosed(STOPPED)
    if link.deal.status not in ALLOWED_FROM[DealAction.ADD_TICKET]:
        raise GateClosed(WRONG_STATUS[link.deal.status])
    if local_date(now) > link.valid_on + SENT_WITHIN:
        raise GateClosed(DAY_IS_PAST)


def make_gate_link(
    session: Session, actor: Actor, *, deal_id: int, valid_on: date, label: str = "", now: datetime
) -> GateLink:
    """A new link for the gate of the actor's side.

    Raises:
        NotFound, Forbidden, Conflict: as for `deal_actions.require`.
        InvalidInput: the day is past or far off (field "valid_on"), or the name is too long (field "label").
    """
    held = hold(session, deal_id=deal_id)
    side = require(DealAction.MAKE_GATE_LINK, held.deal, actor)
    assert actor.user_id is not None
    label = clean_line(label)
    problems = [*_day_problems(held.deal, valid_on, now=now), *text_problems(label, field="label", limit=LONGEST_LABEL)]
    if problems:
        raise InvalidInput(*problems)
    standing = session.scalar(
        select(func.count())
        .select_from(GateLink)
        .where(
            GateLink.deal_id == deal_id,
            GateLink.side == side,
            GateLink.valid_on == valid_on,
            GateLink.revoked_at.is_(None),
        )
    )
    if (standing or 0) >= MOST_A_DAY:
        raise field_error(
            "valid_on",
            N_("There are %(limit)s links for this day already, which is as many as there can be."),
            limit=MOST_A_DAY,
        )
    link = GateLink(
        deal_id=deal_id, side=side, valid_on=valid_on, label=label, created_by_id=actor.user_id, created_at=now
    )
    session.add(link)
    session.flush()
    return link


def revoke_gate_link(session: Session, actor: Actor, *, deal_id: int, link_id: int, now: datetime) -> GateLink:
    """The link, withdrawn from this moment on; one that was withdrawn before stays as it is.

    Raises:
        NotFound, Forbidden, Conflict: as for `deal_actions.require`; only the side that made it may withdraw it.
    """
    held = hold(session, deal_id=deal_id)
    require(DealAction.REVOKE_GATE_LINK, held.deal, actor)
    link = session.scalar(select(GateLink).where(GateLink.id == link_id, GateLink.deal_id == deal_id))
    if link is None or link.side not in sides_of(held.deal, actor):
        raise NotFound
    if link.revoked_at is None:
        link.revoked_at, link.revoked_by_id = now, actor.user_id
        session.flush()
    return link


def _day_problems(deal: Deal, valid_on: date, *, now: datetime) -> list[FieldError]:
    today = local_date(now)
    latest = max(today, deal.agreed_to or today) + timedelta(days=31)
    if today <= valid_on <= latest:
        return []
    return [
        FieldError(
            field="valid_on",
            message=N_("Choose a day from today until a month after the agreed period."),
        )
    ]
