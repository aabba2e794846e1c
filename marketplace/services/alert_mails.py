"""Mailing people what is new: at once, every morning, or on Mondays, each thing to each person once."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, time, timedelta
from itertools import groupby
from typing import Any

from sqlalchemy import update
from sqlalchemy.orm import Session

from geo.materials import taxonomy
from geo.units import M_PER_KM
from marketplace.clock import OSLO, local_date
from marketplace.models import Alert, Listing, OutboxMail, User
from marketplace.models.mail import MailContext
from marketplace.queries.alerts import DueBefore, WaitingAlert, alerts_to_mail, people_to_mail
from marketplace.services.links import LinkSigner
from marketplace.services.listing_people import listing_words
from marketplace.services.mail import SECRET, send_mails
from marketplace.services.saved_searches import Sources
from marketplace.services.unsubscribe import unsubscribe_path, unsubscribe_token
from marketplace.types import AlertFrequency

TEMPLATE = "alerts"
AT_ONCE = 200
"""People mailed in one go."""
MOST_ITEMS = 20
"""Things that a mail names; of the rest it says how many there are."""
MOST_FITS = 3
"""Own listings that a mail names beside a thing that fits them; likewise."""
MORNING = time(8)
"""In Norway."""
MONDAY = 0


def fell_due(now: datetime) -> DueBefore:
    """When each pace last fell due. What should have gone at once, and did not, is always due."""
    local = now.astimezone(OSLO)
    days = [local.date() - timedelta(days=back) for back in range(8)]
    mornings = [morning for day in days if (morning := datetime.combine(day, MORNING, OSLO)) <= local]
    return {
        AlertFrequency.IMMEDIATE: None,
        AlertFrequency.DAILY: mornings[0],
        AlertFrequency.WEEKLY: next(each for each in mornings if each.weekday() == MONDAY),
    }


def mail_people(
    session: Session, *, due: DueBefore, signer: LinkSigner, now: datetime, among: Collection[int] | None = None
) -> int:
    """Mail some of those for whom something is due, each one mail; returns how many people, 0 when nobody is left.

    `among` are the listings to tell of, None for all. The caller has taken turns (`services.alerts.take_turns`).
    """
    today = local_date(now)
    people = people_to_mail(session, due=due, today=today, limit=AT_ONCE, among=among)
    if not people:
        return 0
    user_ids = [user.id for user in people]
    waiting = alerts_to_mail(session, user_ids=user_ids, due=due, today=today, among=among)
    by_person = {user_id: list(each) for user_id, each in groupby(waiting, key=lambda one: one.alert.user_id)}
    # Something may have gone out of sight between the two questions.
    mails = {user.id: _mail(user, by_person[user.id], signer=signer) for user in people if user.id in by_person}
    send_mails(session, list(mails.values()))
    told = [{"id": each.alert.id, "mail_id": mails[each.alert.user_id].id, "awaits_mail": False} for each in waiting]
    if told:
        session.execute(update(Alert), told)
        session.expire_all()
    return len(people)


def _mail(user: User, waiting: Sequence[WaitingAlert], *, signer: LinkSigner) -> OutboxMail:
    sources = Sources(
        user_id=user.id,
        search_ids=tuple(sorted({each.alert.saved_search_id for each in waiting if each.alert.saved_search_id})),
        organisation_ids=tuple(sorted({each.own.organisation_id for each in waiting if each.own})),
    )
    token = unsubscribe_token(signer, sources)
    return OutboxMail(
        recipient=user.email,
        template=TEMPLATE,
        locale=user.locale,
        context={"name": user.name, SECRET: token, **_items_context(waiting, locale=user.locale)},
        unsubscribe_path=unsubscribe_path(token),
    )


# What a mail says -------------------------------------------------------------------------------------------------


def _items_context(waiting: Sequence[WaitingAlert], *, locale: str) -> MailContext:
    """The things found, those that fit an own listing best first, then the newest."""
    items: dict[int, list[WaitingAlert]] = {}
    for each in waiting:
        items.setdefault(each.found.id, []).append(each)
    ordered = sorted(items.values(), key=lambda found: (-_best_score(found), -found[0].found.id))
    return {
        "count": len(ordered),
        "more": max(0, len(ordered) - MOST_ITEMS),
        "items": [_item(found, locale=locale) for found in ordered[:MOST_ITEMS]],
    }


def _best_score(found: Sequence[WaitingAlert]) -> float:
    return max((float(each.alert.facts["score"]) for each in found if each.alert.facts), default=0.0)


def _item(found: Sequence[WaitingAlert], *, locale: str) -> MailContext:
    listing = found[0].found
    fits = sorted((each for each in found if each.own), key=lambda each: -_best_score([each]))
    return {
        **listing_words(listing, locale=locale),
        "organisation": listing.organisation.name,
        "municipality": listing.municipality.name,
        "available_from": listing.available_from.isoformat(),
        "searches": [{"name": each.search_name} for each in found if each.search_name],
        "fits": [_fit(each.own, each.alert.facts or {}, locale=locale) for each in fits[:MOST_FITS] if each.own],
        "more_fits": max(0, len(fits) - MOST_FITS),
    }


def _fit(own: Listing, facts: Mapping[str, Any], *, locale: str) -> MailContext:
    """What is said of a match; `quality` is of the surplus: tested, declared, or the number of its class."""
    return {
        **listing_words(own, locale=locale),
        "distance_km": _kilometres(facts["distance_m"]),
        "coverage_percent": facts["coverage_percent"],
        "used_percent": facts["used_percent"],
        "offered": _material(facts["offered"], locale=locale),
        "demanded": _material(facts["demanded"], locale=locale),
        "treatment": facts["treatment"],
        "quality": facts["quality"],
    }


def _material(key: str, *, locale: str) -> str:
    material = taxonomy().material(key)
    return material.name_en if locale == "en" else material.name_no


def _kilometres(distance_m: int) -> str:
    """To a hundred metres below ten kilometres, to whole ones beyond."""
    kilometres = distance_m / M_PER_KM
    return f"{kilometres:.1f}" if kilometres < 10 else f"{kilometres:.0f}"
