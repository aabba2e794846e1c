"""Telling people of what is new: by the searches they keep, and by what fits their own listings.

Triggers of the database note each listing that is new or says something new. A job takes the notes, finds by one
statement the searches that wait for such a thing, and by the matching of `queries.matches` the listings it fits; keeps
a row for each that was found; and mails at once those who want it at once. All of it is one transaction: whatever is
killed in the middle begins anew, and what was told is never told again.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from itertools import batched

from sqlalchemy import DateTime, delete, exists, func, literal, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, aliased

from geo.assessment import Assessment
from geo.matching import CLEAN_CLASS
from marketplace.clock import local_date
from marketplace.models import Alert, Listing, ListingNews, MatchSubscription, Membership, SavedSearch
from marketplace.queries.matches import Match, matches_for_listings
from marketplace.queries.open_listings import is_open
from marketplace.queries.saved_searches import MATCH_FREQUENCY, is_subscription_of
from marketplace.queries.waiting_searches import searches_that_find
from marketplace.services.alert_mails import fell_due, mail_people
from marketplace.services.links import LinkSigner
from marketplace.types import AlertFrequency

AT_ONCE = 50
"""Listings told of in one transaction."""
MATCHED_AT_ONCE = 10
"""Of those, matched side by side."""
FIRST_MATCHES = 25
"""As many fit most listings at most; where more do, they are found in steps."""
GROWTH = 8
ROWS_AT_ONCE = 1_000
KEPT_FOR = timedelta(days=90)
type Pair = tuple[Listing, Match]
"""Something new, and a listing that it fits."""
ALERT_LOCK = 7_305_114_208
"""The advisory lock that those who tell take in turn, so that two of them cannot mail one person of one thing."""


def tell_of_news(session: Session, *, signer: LinkSigner, now: datetime) -> int:
    """Tell of some listings that are new or changed; returns how many, 0 when nothing is left to tell of."""
    take_turns(session)
    listing_ids = _take_news(session)
    if not listing_ids:
        return 0
    _note_found_by_searches(session, listing_ids, now=now)
    _note_matches(session, listing_ids, now=now)
    _hush_what_was_told(session, listing_ids)
    while mail_people(session, due={AlertFrequency.IMMEDIATE: None}, signer=signer, now=now, among=listing_ids):
        pass
    return len(listing_ids)


def send_digests(session: Session, *, signer: LinkSigner, now: datetime) -> int:
    """Mail some of those whose daily or weekly mail has fallen due; returns how many, 0 when nobody is left."""
    take_turns(session)
    return mail_people(session, due=fell_due(now), signer=signer, now=now)


def forget_closed(session: Session, *, now: datetime) -> None:
    """Forget who was told of what has long been closed, which for good it is: nobody is told of it again."""
    closed = select(Listing.id).where(Listing.closed_at < now - KEPT_FOR)
    session.execute(delete(Alert).where(Alert.found_listing_id.in_(closed)))


def take_turns(session: Session) -> None:
    """Wait until nobody else tells; held to the end of the transaction."""
    session.execute(select(func.pg_advisory_xact_lock(ALERT_LOCK)))


def _take_news(session: Session) -> set[int]:
    oldest = select(ListingNews.id).order_by(ListingNews.id).limit(AT_ONCE)
    taken = delete(ListingNews).where(ListingNews.id.in_(oldest)).returning(ListingNews.listing_id)
    return set(session.scalars(taken))


# Found by a search ------------------------------------------------------------------------------------------------


def _note_found_by_searches(session: Session, listing_ids: Collection[int], *, now: datetime) -> None:
    """One statement, however many searches wait. Nobody is told of what their own organisation offers."""
    is_own = exists().where(
        Membership.user_id == SavedSearch.user_id, Membership.organisation_id == Listing.organisation_id
    )
    found = searches_that_find(
        columns=(
            SavedSearch.user_id,
            SavedSearch.id,
            Listing.id,
            literal(now, DateTime(timezone=True)),
            (SavedSearch.frequency != AlertFrequency.NEVER),
        ),
        listing_ids=listing_ids,
        today=local_date(now),
    ).where(~is_own)
    columns = ["user_id", "saved_search_id", "found_listing_id", "created_at", "awaits_mail"]
    session.execute(insert(Alert).from_select(columns, found).on_conflict_do_nothing())


# Fitting a listing ------------------------------------------------------------------------------------------------


def _note_matches(session: Session, listing_ids: Collection[int], *, now: datetime) -> None:
    """Tell those who want it of each listing of theirs that something new fits, however many others it fits better."""
    today = local_date(now)
    new = session.scalars(select(Listing).where(Listing.id.in_(listing_ids), is_open(today)).order_by(Listing.id)).all()
    for some in batched(new, MATCHED_AT_ONCE):
        for pairs in _fits(session, some, today=today):
            _note_pairs(session, pairs, now=now)


def _fits(session: Session, new: Sequence[Listing], *, today: date) -> Iterator[list[Pair]]:
    """All that fits each of the listings, the best first: some of all of them, then more where there is more."""
    limit = FIRST_MATCHES
    seen: set[tuple[int, int]] = set()  # by id: between two questions something may come, or go
    while new:
        found = matches_for_listings(session, new, today=today, limit=limit, near_limit=0, with_own=False)
        pairs = [(each, match) for each in new for match in found[each.id].fits]
        yield [(each, match) for each, match in pairs if (each.id, match.listing.id) not in seen]
        seen |= {(each.id, match.listing.id) for each, match in pairs}
        new = [each for each in new if found[each.id].has_more_fits]
        limit *= GROWTH


def _note_pairs(session: Session, pairs: Sequence[Pair], *, now: datetime) -> None:
    wanting = _members(session, {match.listing.organisation_id for _, match in pairs}, wanting=True)
    own = _members(session, {listing.organisation_id for listing, _ in pairs}, wanting=False)
    rows = (
        {
            "user_id": user_id,
            "listing_id": match.listing.id,
            "found_listing_id": listing.id,
            "created_at": now,
            "awaits_mail": True,
            "facts": facts_of(match.assessment),
        }
        for listing, match in pairs
        for user_id in sorted(wanting[match.listing.organisation_id] - own[listing.organisation_id])
    )
    for some in batched(rows, ROWS_AT_ONCE):
        session.execute(insert(Alert).on_conflict_do_nothing(), list(some))


def _members(session: Session, organisation_ids: Collection[int], *, wanting: bool) -> Mapping[int, set[int]]:
    """The ids of the members of each organisation, all of them or those who want to be told of matches."""
    query = select(Membership.organisation_id, Membership.user_id).where(
        Membership.organisation_id.in_(organisation_ids)
    )
    if wanting:
        query = query.outerjoin(MatchSubscription, is_subscription_of(Membership)).where(
            MATCH_FREQUENCY.not_in((AlertFrequency.NEVER.value,))
        )
    members: dict[int, set[int]] = {each: set() for each in organisation_ids}
    for row in session.execute(query):
        members[row.organisation_id].add(row.user_id)
    return members


def facts_of(assessment: Assessment) -> dict[str, str | int | float]:
    """The figures that a mail's sentences about a match are made of."""
    substitution = assessment.material.substitution
    quality = assessment.quality
    is_of_class = quality.quality_class is not None and quality.quality_class > CLEAN_CLASS
    return {
        "score": assessment.score,
        "distance_m": round(assessment.distance.distance_m),
        "coverage_percent": _percent(assessment.coverage),
        "used_percent": _percent(assessment.share_used),
        "offered": substitution.offered if substitution else "",
        "demanded": substitution.demanded if substitution else "",
        "treatment": substitution.treatment.value if substitution else "",
        "overlap_days": assessment.period.overlap_days,
        "quality": f"{quality.quality_class}" if is_of_class else quality.documentation.value,
    }


def _percent(share: float) -> int:
    """A share that is not the whole is never rounded up to it, nor down to nothing."""
    return 100 if share >= 1 else min(max(round(share * 100), 1), 99)


# Told once --------------------------------------------------------------------------------------------------------


def _hush_what_was_told(session: Session, listing_ids: Collection[int]) -> None:
    """Nobody is mailed of a thing that an earlier mail told them of, whatever has found it now."""
    told = aliased(Alert)
    was_told = exists().where(
        told.user_id == Alert.user_id, told.found_listing_id == Alert.found_listing_id, told.mail_id.is_not(None)
    )
    session.execute(
        update(Alert)
        .where(Alert.awaits_mail, Alert.found_listing_id.in_(listing_ids), was_told)
        .values(awaits_mail=False)
        .execution_options(synchronize_session=False)
    )
