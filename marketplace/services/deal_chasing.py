"""Deals left silent are chased: offers without an answer, loads that nobody confirms, statements that nobody signs.

Each silence is spoken of once at every step, ever further apart, so that it is heard and does not become noise. Who has
to do with the deal hears of it first; from the third step on the owners of the organisation do, too. All that somebody
is behind with comes in one mail. What was mailed and that it was are one transaction, so a crash repeats nothing.
"""

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.clock import OSLO, local_date
from marketplace.models import Deal, Membership, User
from marketplace.queries.silent_deals import SilentDeal, Waiting, silent_deals
from marketplace.services.deal_events import followers, material_in
from marketplace.services.mail import send_mail
from marketplace.types import NoticePace, Role, Side

STEPS: Final = (timedelta(days=3), timedelta(days=7), timedelta(days=14), timedelta(days=28), timedelta(days=56))
"""How long a silence has lasted when it is spoken of; engineering judgement: an offer stands for a fortnight."""
OWNERS_FROM: Final = STEPS[2]
FROM: Final = time(8, 0)
UNTIL: Final = time(16, 0)
"""In Oslo, when somebody is at work to do something about it."""
SATURDAY: Final = 5
AT_ONCE: Final = 200


def chase_silent_deals(session: Session, *, now: datetime) -> int:
    """Mail those who are behind; returns how many deals were spoken of. A second call on the same day finds none.

    At nights and weekends nobody is chased; what comes due then is spoken of on the next workday.
    """
    local = now.astimezone(OSLO)
    if not FROM <= local.time() < UNTIL or local.weekday() >= SATURDAY:
        return 0
    today = local_date(now)
    silent = silent_deals(session, steps=STEPS, today=today, limit=AT_ONCE)
    behind: dict[int, tuple[User, list[tuple[Deal, Side, Waiting]]]] = {}
    for each in silent:
        for waiting in each.waiting:
            for user in _people(session, each, waiting, now=now):
                behind.setdefault(user.id, (user, []))[1].append((each.deal, waiting.side, waiting))
        each.deal.chased_at = now
    for user, about in behind.values():
        _mail(session, user, about, now=now)
    session.flush()
    return len(silent)


def _people(session: Session, silent: SilentDeal, waiting: Waiting, *, now: datetime) -> list[User]:
    people = {user.id: user for user in followers(session, silent.deal, side=waiting.side)}
    if local_date(now) - waiting.since >= OWNERS_FROM:
        owners = _owners(session, organisation_id=silent.deal.organisation_id_of(waiting.side))
        people |= {user.id: user for user in owners}
    return [user for user in people.values() if user.deal_notices is not NoticePace.NEVER]


def _owners(session: Session, *, organisation_id: int) -> Sequence[User]:
    query = (
        select(User)
        .join(User.memberships)
        .where(Membership.organisation_id == organisation_id, Membership.role == Role.OWNER)
        .where(User.email_confirmed_at.is_not(None), User.banned_at.is_(None))
        .order_by(User.id)
    )
    return session.scalars(query).all()


def _mail(session: Session, user: User, about: Sequence[tuple[Deal, Side, Waiting]], *, now: datetime) -> None:
    today = local_date(now)
    send_mail(
        session,
        to=user.email,
        template="deals_silent",
        locale=user.locale,
        context={
            "name": user.name,
            "deals": [
                {
                    "deal_id": deal.id,
                    "silence": waiting.silence.value,
                    "other": (deal.taker_organisation if side is Side.GIVER else deal.giver_organisation).name,
                    "material": material_in(deal.material_key, user.locale),
                    "since": waiting.since.isoformat(),
                    "days": (today - waiting.since).days,
                }
                for deal, side, waiting in about
            ],
        },
    )
