"""Reading what somebody keeps: their searches, how much is new in each, and how often they want mail."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, and_, case, func, literal, or_, select
from sqlalchemy.orm import Session

from marketplace.actor import EDITING_ROLES
from marketplace.models import Alert, AlertPreference, Listing, MatchSubscription, Membership, Organisation, SavedSearch
from marketplace.queries.open_listings import is_open
from marketplace.types import AlertFrequency

DEFAULT_FREQUENCY = AlertFrequency.DAILY


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptSearch:
    """A saved search in a list. `new_count` is how many open listings it has found since its owner last looked."""

    id: int
    name: str
    query: str
    frequency: AlertFrequency
    unsubscribed_at: datetime | None
    new_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchPace:
    """How often a member is told of what fits an organisation's listings."""

    organisation_id: int
    organisation_name: str
    frequency: AlertFrequency
    unsubscribed_at: datetime | None


def searches_of(session: Session, *, user_id: int, today: date) -> Sequence[KeptSearch]:
    """The searches that somebody keeps, the newest first."""
    is_new = and_(Alert.created_at > SavedSearch.seen_at, is_open(today))
    rows = session.execute(
        select(SavedSearch, func.count(Listing.id).filter(is_new).label("new_count"))
        .outerjoin(Alert, Alert.saved_search_id == SavedSearch.id)
        .outerjoin(Listing, Listing.id == Alert.found_listing_id)
        .where(SavedSearch.user_id == user_id)
        .group_by(SavedSearch.id)
        .order_by(SavedSearch.id.desc())
    )
    return [
        KeptSearch(
            id=row.SavedSearch.id,
            name=row.SavedSearch.name,
            query=row.SavedSearch.query,
            frequency=row.SavedSearch.frequency,
            unsubscribed_at=row.SavedSearch.unsubscribed_at,
            new_count=row.new_count,
        )
        for row in rows
    ]


def saved_search_by_id(session: Session, *, search_id: int) -> SavedSearch | None:
    return session.get(SavedSearch, search_id)


def saved_search_by_query(session: Session, *, user_id: int, query: str) -> SavedSearch | None:
    """The search that somebody keeps already under the same address."""
    is_same = and_(func.md5(SavedSearch.query) == func.md5(query), SavedSearch.query == query)
    return session.scalars(select(SavedSearch).where(SavedSearch.user_id == user_id, is_same)).one_or_none()


def default_frequency(session: Session, *, user_id: int) -> AlertFrequency:
    chosen = select(AlertPreference.default_frequency).where(AlertPreference.user_id == user_id)
    return session.scalar(chosen) or DEFAULT_FREQUENCY


@dataclass(frozen=True, slots=True, kw_only=True)
class MailSources:
    """What a mail told of: searches of its recipient, and the matches of their organisations."""

    searches: Sequence[SavedSearch]
    paces: Sequence[MatchPace]


def mail_sources(
    session: Session, *, user_id: int, search_ids: Collection[int], organisation_ids: Collection[int]
) -> MailSources:
    """Those of some sources that are still there."""
    searches = session.scalars(
        select(SavedSearch)
        .where(SavedSearch.user_id == user_id, SavedSearch.id.in_(search_ids))
        .order_by(SavedSearch.id)
        .execution_options(populate_existing=True)
    ).all()
    paces = [each for each in match_paces(session, user_id=user_id) if each.organisation_id in organisation_ids]
    return MailSources(searches=searches, paces=paces)


def match_paces(session: Session, *, user_id: int) -> Sequence[MatchPace]:
    """How often a person is told of matches, for each organisation that they are a member of, by name."""
    rows = session.execute(
        select(
            Organisation.id,
            Organisation.name,
            MATCH_FREQUENCY.label("frequency"),
            MatchSubscription.unsubscribed_at,
        )
        .join(Membership, Membership.organisation_id == Organisation.id)
        .outerjoin(MatchSubscription, is_subscription_of(Membership))
        .where(Membership.user_id == user_id)
        .order_by(Organisation.name, Organisation.id)
    )
    return [
        MatchPace(
            organisation_id=row.id,
            organisation_name=row.name,
            frequency=AlertFrequency(row.frequency),
            unsubscribed_at=row.unsubscribed_at,
        )
        for row in rows
    ]


def is_subscription_of(membership: type[Membership]) -> ColumnElement[bool]:
    """The condition that joins what a member has chosen, if anything."""
    return and_(
        MatchSubscription.user_id == membership.user_id,
        MatchSubscription.organisation_id == membership.organisation_id,
    )


MATCH_FREQUENCY: ColumnElement[str] = func.coalesce(
    MatchSubscription.frequency,
    case(
        (or_(*(Membership.role == role for role in sorted(EDITING_ROLES))), literal(DEFAULT_FREQUENCY.value)),
        else_=literal(AlertFrequency.NEVER.value),
    ),
)
"""How often a member is told of matches: what they have chosen, else daily for who may act on them."""
