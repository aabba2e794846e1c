"""Keeping searches, and saying how often to be told of what is new."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from marketplace.actor import Actor
from marketplace.errors import Forbidden, field_error
from marketplace.i18n_marker import N_
from marketplace.models import Alert, AlertPreference, Listing, MatchSubscription, SavedSearch
from marketplace.queries.saved_searches import default_frequency
from marketplace.queries.search_filters import SearchFilters
from marketplace.queries.search_words import words_as_written
from marketplace.queries.waiting_searches import columns_of
from marketplace.types import AlertFrequency

MOST_SEARCHES = 50
LONGEST_NAME = 120
LONGEST_QUERY = 6_000


def save_search(
    session: Session,
    actor: Actor,
    *,
    name: str,
    query: str,
    filters: SearchFilters,
    frequency: AlertFrequency,
    now: datetime,
) -> SavedSearch:
    """A search that waits from now on. `query` is the address's part that gives these filters.

    Words are waited for as they are written, whether or not any listing has them yet.

    Raises:
        Forbidden: nobody is logged in.
        InvalidInput: no name, too many searches, or one that is too long to keep.
    """
    if actor.user_id is None:
        raise Forbidden
    _require_name(name)
    if len(query) > LONGEST_QUERY:
        raise field_error("", N_("This search is too long to keep. Leave out some of its filters."))
    kept = session.scalar(select(func.count()).where(SavedSearch.user_id == actor.user_id)) or 0
    if kept >= MOST_SEARCHES:
        raise field_error(
            "", N_("You keep %(count)s searches, and no more can be kept. Delete one first."), count=MOST_SEARCHES
        )
    words = words_as_written(session, filters.text).words
    search = SavedSearch(
        user_id=actor.user_id,
        name=name,
        query=query,
        frequency=frequency,
        created_at=now,
        seen_at=now,
        **columns_of(filters, words),
    )
    session.add(search)
    session.flush()
    return search


def change_search(session: Session, search: SavedSearch, *, name: str, frequency: AlertFrequency) -> None:
    """Give a search another name or pace. Where it falls silent, what waits to be mailed is mailed no more.

    Raises:
        InvalidInput: no name.
    """
    _require_name(name)
    search.name = name
    if frequency is not search.frequency:
        search.frequency, search.unsubscribed_at = frequency, None
    if frequency is AlertFrequency.NEVER:
        _forget_waiting(session, Alert.saved_search_id == search.id)
    session.flush()


def delete_search(session: Session, search: SavedSearch) -> None:
    session.delete(search)
    session.flush()


def see_search(session: Session, search: SavedSearch, *, now: datetime) -> None:
    """Note that its owner has looked: nothing found so far is new any more."""
    search.seen_at = now
    session.flush()


def _require_name(name: str) -> None:
    if not name:
        raise field_error("name", N_("Give the search a name, so that you know it in a mail."))
    if len(name) > LONGEST_NAME:
        raise field_error("name", N_("At most %(count)s characters."), count=LONGEST_NAME)


# How often --------------------------------------------------------------------------------------------------------


def set_paces(
    session: Session,
    actor: Actor,
    *,
    of_new_searches: AlertFrequency,
    of_matches: Mapping[int, AlertFrequency],
) -> None:
    """How often a person wants mail unless a search says otherwise, and of what fits each organisation's listings.

    Raises:
        Forbidden: they are no member of one of the organisations.
    """
    if actor.user_id is None or not all(map(actor.is_member, of_matches)):
        raise Forbidden
    user_id = actor.user_id
    if default_frequency(session, user_id=user_id) is not of_new_searches:
        preference = insert(AlertPreference).values(user_id=user_id, default_frequency=of_new_searches)
        session.execute(
            preference.on_conflict_do_update(
                index_elements=[AlertPreference.user_id],
                set_={"default_frequency": preference.excluded.default_frequency},
            )
        )
    for organisation_id, frequency in of_matches.items():
        _set_pace_of_matches(session, user_id=user_id, organisation_id=organisation_id, frequency=frequency)


def _set_pace_of_matches(
    session: Session,
    *,
    user_id: int,
    organisation_id: int,
    frequency: AlertFrequency,
    unsubscribed_at: datetime | None = None,
) -> None:
    chosen = insert(MatchSubscription).values(
        user_id=user_id, organisation_id=organisation_id, frequency=frequency, unsubscribed_at=unsubscribed_at
    )
    session.execute(
        chosen.on_conflict_do_update(
            index_elements=[MatchSubscription.user_id, MatchSubscription.organisation_id],
            set_={"frequency": chosen.excluded.frequency, "unsubscribed_at": chosen.excluded.unsubscribed_at},
            # Saying "never" once more keeps the day when a mail's link said it.
            where=MatchSubscription.frequency != chosen.excluded.frequency,
        )
    )
    if frequency is AlertFrequency.NEVER:
        own = select(Listing.id).where(Listing.organisation_id == organisation_id)
        _forget_waiting(session, Alert.user_id == user_id, Alert.listing_id.in_(own))


# By the link of a mail --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """What a mail's link stops: searches of a person, and matches with the listings of organisations."""

    user_id: int
    search_ids: tuple[int, ...] = ()
    organisation_ids: tuple[int, ...] = ()


def stop_mails(session: Session, sources: Sources, *, now: datetime) -> None:
    """Stop the mails of some sources, whoever asks by their link. Done twice it is done once.

    The searches stay, and say that their mails were stopped. What was deleted since is left out of account.
    """
    stopped = (
        update(SavedSearch)
        .where(
            SavedSearch.id.in_(sources.search_ids),
            SavedSearch.user_id == sources.user_id,
            SavedSearch.frequency != AlertFrequency.NEVER,
        )
        .values(frequency=AlertFrequency.NEVER, unsubscribed_at=now)
    )
    session.execute(stopped)
    _forget_waiting(session, Alert.user_id == sources.user_id, Alert.saved_search_id.in_(sources.search_ids))
    for organisation_id in sources.organisation_ids:
        _set_pace_of_matches(
            session,
            user_id=sources.user_id,
            organisation_id=organisation_id,
            frequency=AlertFrequency.NEVER,
            unsubscribed_at=now,
        )
    session.flush()


def _forget_waiting(session: Session, *which: object) -> None:
    session.execute(update(Alert).where(Alert.awaits_mail, *which).values(awaits_mail=False))  # type: ignore[arg-type]
