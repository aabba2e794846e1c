"""Reading what people are still to be told."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, Select, and_, case, literal, or_, select, tuple_
from sqlalchemy.orm import Session, aliased, joinedload

from marketplace.models import Alert, Listing, MatchSubscription, Membership, Organisation, SavedSearch, User
from marketplace.queries.open_listings import is_open
from marketplace.queries.saved_searches import MATCH_FREQUENCY, is_subscription_of
from marketplace.types import AlertFrequency

Found = aliased(Listing, name="found")
Own = aliased(Listing, name="own")

type DueBefore = Mapping[AlertFrequency, datetime | None]
"""The paces of which mail is due, each with when it last fell due: what was found since waits. None: nothing waits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingAlert:
    """Something found that its person has not been mailed of. Either a search found it, or it fits `own`."""

    alert: Alert
    found: Listing
    search_name: str | None
    own: Listing | None


def people_to_mail(
    session: Session, *, due: DueBefore, today: date, limit: int, among: Collection[int] | None = None
) -> Sequence[User]:
    """Some of those for whom mail is due, by id; `among` leaves all but some listings out of account."""
    whom = _waiting(Alert.user_id, today=today, among=among).where(_is_due(due))
    return session.scalars(
        select(User)
        .where(User.id.in_(whom), User.email_confirmed_at.is_not(None), User.banned_at.is_(None))
        .order_by(User.id)
        .limit(limit)
    ).all()


def alerts_to_mail(
    session: Session,
    *,
    user_ids: Collection[int],
    due: DueBefore,
    today: date,
    among: Collection[int] | None = None,
) -> Sequence[WaitingAlert]:
    """What is due for some people, and what else of theirs has found the same: by person, the newest things first."""
    is_due = _waiting(Alert.user_id, Alert.found_listing_id, today=today, among=among).where(_is_due(due))
    items = is_due.where(Alert.user_id.in_(user_ids)).subquery("items")
    rows = session.execute(
        _waiting(Alert, Found, Own, SavedSearch.name.label("search_name"), today=today, among=among)
        .where(tuple_(Alert.user_id, Alert.found_listing_id).in_(select(items.c.user_id, items.c.found_listing_id)))
        .options(joinedload(Found.organisation).load_only(Organisation.name), joinedload(Found.municipality))
        .order_by(Alert.user_id, Found.id.desc(), Alert.id)
    )
    return [WaitingAlert(alert=row.Alert, found=row.found, search_name=row.search_name, own=row.own) for row in rows]


def _waiting(*columns: object, today: date, among: Collection[int] | None) -> Select[*tuple[object, ...]]:
    """Alerts that await mail, of things that others can still see and that are still asked for."""
    waiting: Select[*tuple[object, ...]] = (
        select(*columns)  # type: ignore[call-overload]
        .select_from(Alert)
        .join(Found, Found.id == Alert.found_listing_id)
        .outerjoin(SavedSearch, SavedSearch.id == Alert.saved_search_id)
        .outerjoin(Own, Own.id == Alert.listing_id)
        .outerjoin(
            Membership,
            and_(Membership.user_id == Alert.user_id, Membership.organisation_id == Own.organisation_id),
        )
        .outerjoin(MatchSubscription, is_subscription_of(Membership))
        .where(Alert.awaits_mail, is_open(today, Found), or_(Own.id.is_(None), is_open(today, Own)))
    )
    return waiting if among is None else waiting.where(Alert.found_listing_id.in_(among))


FREQUENCY: ColumnElement[str] = case(
    (Alert.saved_search_id.is_not(None), SavedSearch.frequency),
    (Membership.user_id.is_(None), literal(AlertFrequency.NEVER.value)),  # no member any more
    else_=MATCH_FREQUENCY,
)


def _is_due(due: DueBefore) -> ColumnElement[bool]:
    def has_fallen_due(pace: AlertFrequency, before: datetime | None) -> ColumnElement[bool]:
        is_of_pace = FREQUENCY.in_((pace.value,))
        return is_of_pace if before is None else and_(is_of_pace, Alert.created_at < before)

    return or_(*(has_fallen_due(pace, before) for pace, before in due.items()))
