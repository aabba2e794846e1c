"""Reading deals: one with all its page says, an organisation's own, and how many wait for somebody."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum, auto
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, case, exists, func, literal, or_, select
from sqlalchemy.orm import Session, aliased, joinedload, selectinload

from geo.materials import MaterialGroup
from marketplace.models import Deal, DealOffer, Listing, MaterialRow, Notice, Organisation
from marketplace.queries.deal_steps import TURNS, DealStep, is_turn, step_of
from marketplace.queries.paging import Cursor, IdPage, page_by_id
from marketplace.types import DealStatus, OfferStatus, Side

ONGOING = (DealStatus.NEGOTIATING, DealStatus.AGREED)
OF_A_LISTING_AT_MOST = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class DealCounts:
    """How many deals there are, and how many each tab of the list holds."""

    total: int
    of: Mapping["DealFilter", int]


class DealFilter(StrEnum):
    """The tabs of the list."""

    TURN = auto()
    NEGOTIATING = auto()
    AGREED = auto()
    OVER = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class DealRow:
    """A deal as a list shows it to one side.

    `planned_t` is what was asked for or offered first, `offered_t` what is on the table now; None where nothing is.
    """

    id: int
    status: DealStatus
    side: Side
    step: DealStep
    other_name: str
    material_key: str
    material_group: MaterialGroup
    planned_t: Decimal
    offered_t: Decimal | None
    offer_expires_at: datetime | None
    agreed_t: Decimal
    delivered_t: Decimal
    period: tuple[date, date]
    origin_name: str
    destination_name: str
    is_chain: bool
    is_unread: bool
    is_example: bool
    touched_at: datetime

    @property
    def is_turn(self) -> bool:
        return self.step in TURNS


@dataclass(frozen=True, slots=True, kw_only=True)
class Ours:
    """For whom deals are read: the organisations of a person, and the person for what they have read."""

    organisation_ids: tuple[int, ...]
    user_id: int | None


def deal_for_page(session: Session, *, deal_id: int) -> Deal | None:
    """The deal with both sides, the lot, what it is taken for, both ends and its offers with their makers."""
    query = (
        select(Deal)
        .where(Deal.id == deal_id)
        .options(
            joinedload(Deal.giver_organisation),
            joinedload(Deal.taker_organisation),
            joinedload(Deal.surplus).joinedload(Listing.project),
            joinedload(Deal.taking_listing),
            joinedload(Deal.source_deal),
            joinedload(Deal.origin_facility),
            joinedload(Deal.origin_municipality),
            joinedload(Deal.destination_project),
            joinedload(Deal.destination_facility),
            joinedload(Deal.destination_municipality),
            selectinload(Deal.offers).options(joinedload(DealOffer.maker), joinedload(DealOffer.answerer)),
        )
    )
    return session.scalars(query).one_or_none()


def step_of_deal(session: Session, *, deal_id: int, side: Side, today: date) -> DealStep:
    return DealStep(session.execute(select(step_of(side, today=today)).where(Deal.id == deal_id)).scalar_one())


def deals_of(
    session: Session,
    *,
    ours: Ours,
    show: DealFilter | None = None,
    side: Side | None = None,
    unread_only: bool = False,
    today: date,
    cursor: Cursor,
) -> IdPage[DealRow]:
    """The deals of some organisations: those that wait for them first, then the newest."""
    # Which ones, before all that a row shows of each is read: an organisation may have had thousands.
    place = _place(ours, today=today)
    query = select(Deal.id).add_columns(place.label("place")).where(_is_ours(ours))
    if show is not None:
        query = query.where(_shown(show, ours, today=today))
    if side is not None:
        query = query.where(_own_side(ours) == side.value)
    if unread_only:
        query = query.where(_is_unread(ours))
    page = page_by_id(
        session, query, key=place, make=lambda row: (row.id, row.place), id_of=lambda placed: placed[1], cursor=cursor
    )
    rows = _rows_of(session, [deal_id for deal_id, _ in page.items], ours=ours, today=today)
    return IdPage(items=rows, newer=page.newer, older=page.older)


def deals_of_listing(session: Session, *, listing_id: int, ours: Ours, today: date) -> tuple[DealRow, ...]:
    """What was asked, agreed and delivered of a listing, or for it; those that wait first, then the newest."""
    is_of_lot = and_(Deal.surplus_id == listing_id, Deal.source_deal_id.is_(None))
    query = (
        select(Deal.id)
        .where(_is_ours(ours), or_(is_of_lot, Deal.taking_listing_id == listing_id))
        .order_by(_place(ours, today=today).desc())
        .limit(OF_A_LISTING_AT_MOST)
    )
    return _rows_of(session, session.scalars(query).all(), ours=ours, today=today)


def count_deals_of(session: Session, *, ours: Ours, today: date) -> DealCounts:
    counts = [func.count().filter(_shown(show, ours, today=today)).label(show.value) for show in DealFilter]
    row = session.execute(select(func.count().label("total"), *counts).select_from(Deal).where(_is_ours(ours))).one()
    return DealCounts(total=row.total, of={show: getattr(row, show.value) for show in DealFilter})


def count_waiting(session: Session, *, organisation_ids: tuple[int, ...], today: date) -> int:
    """How many deals wait for one of some organisations."""
    ours = Ours(organisation_ids=organisation_ids, user_id=None)
    waiting = _shown(DealFilter.TURN, ours, today=today)
    return session.execute(select(func.count()).select_from(Deal).where(_is_ours(ours), waiting)).scalar_one()


STEP_OF_TURN = 1 << 56
"""More than any id: a deal's place in the list is one number."""


def _place(ours: Ours, *, today: date) -> ColumnElement[int]:
    return case((_waits(ours, today=today), STEP_OF_TURN), else_=0) + Deal.id


def _shown(show: DealFilter, ours: Ours, *, today: date) -> ColumnElement[bool]:
    if show is DealFilter.TURN:
        return _waits(ours, today=today)
    if show is DealFilter.OVER:
        return Deal.status.not_in(ONGOING)
    return Deal.status == DealStatus(show.value)


def _waits(ours: Ours, *, today: date) -> ColumnElement[bool]:
    # What is over is settled before the steps are looked at: nothing of it waits, and it is most of what there is.
    return and_(Deal.status.in_(ONGOING), is_turn(_own_step(ours, today=today)))


def _is_ours(ours: Ours) -> ColumnElement[bool]:
    return or_(
        Deal.giver_organisation_id.in_(ours.organisation_ids), Deal.taker_organisation_id.in_(ours.organisation_ids)
    )


def _own_side(ours: Ours) -> ColumnElement[str]:
    return case((Deal.giver_organisation_id.in_(ours.organisation_ids), Side.GIVER.value), else_=Side.TAKER.value)


def _own_step(ours: Ours, *, today: date) -> ColumnElement[str]:
    return case(
        (Deal.giver_organisation_id.in_(ours.organisation_ids), step_of(Side.GIVER, today=today)),
        else_=step_of(Side.TAKER, today=today),
    )


def _is_unread(ours: Ours) -> ColumnElement[bool]:
    if ours.user_id is None:
        return literal(False)
    return exists().where(Notice.deal_id == Deal.id, Notice.user_id == ours.user_id, Notice.read_at.is_(None))


def _rows_of(session: Session, deal_ids: Sequence[int], *, ours: Ours, today: date) -> tuple[DealRow, ...]:
    """What lists show of deals, in the order of `deal_ids`."""
    if not deal_ids:
        return ()
    found = {row.Deal.id: _row(row) for row in session.execute(_rows(ours, today=today).where(Deal.id.in_(deal_ids)))}
    return tuple(found[deal_id] for deal_id in deal_ids)


def _rows(ours: Ours, *, today: date) -> Select[Any]:
    giver, taker = aliased(Organisation, name="giver"), aliased(Organisation, name="taker")
    first, last = aliased(DealOffer, name="first_offer"), aliased(DealOffer, name="open_offer")
    latest = (
        select(DealOffer.starts_on, DealOffer.ends_on)
        .where(DealOffer.deal_id == Deal.id)
        .order_by(DealOffer.number.desc())
        .limit(1)
        .correlate(Deal)
        .lateral("latest_offer")
    )
    return (
        select(
            Deal,
            _own_side(ours).label("side"),
            _own_step(ours, today=today).label("step"),
            giver.name.label("giver_name"),
            taker.name.label("taker_name"),
            MaterialRow.group.label("material_group"),
            first.mass_t.label("planned_t"),
            last.mass_t.label("offered_t"),
            last.expires_at.label("offer_expires_at"),
            latest.c.starts_on,
            latest.c.ends_on,
            _is_unread(ours).label("is_unread"),
        )
        .join(giver, Deal.giver_organisation)
        .join(taker, Deal.taker_organisation)
        .join(Deal.material)
        .join(first, and_(first.deal_id == Deal.id, first.number == 1))
        .outerjoin(last, and_(last.deal_id == Deal.id, last.status == OfferStatus.OPEN))
        .join(latest, literal(True))
        .where(_is_ours(ours))
    )


def _row(row: Row[Any]) -> DealRow:
    deal: Deal = row.Deal
    side = Side(row.side)
    return DealRow(
        id=deal.id,
        status=deal.status,
        side=side,
        step=DealStep(row.step),
        other_name=row.taker_name if side is Side.GIVER else row.giver_name,
        material_key=deal.material_key,
        material_group=row.material_group,
        planned_t=row.planned_t,
        offered_t=row.offered_t,
        offer_expires_at=row.offer_expires_at,
        agreed_t=deal.agreed_t,
        delivered_t=deal.delivered_t,
        period=deal.agreed_period or (row.starts_on, row.ends_on),
        origin_name=deal.origin_name,
        destination_name=deal.destination_name,
        is_chain=deal.source_deal_id is not None,
        is_unread=row.is_unread,
        is_example=deal.is_example,
        touched_at=deal.touched_at,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """Another leg of a chain, as the parties of one see it: how much goes when, and between which two."""

    id: int
    status: DealStatus
    organisation_ids: tuple[int, int]
    giver_name: str
    taker_name: str
    is_before: bool
    mass_t: Decimal
    delivered_t: Decimal
    period: tuple[date, date]


def legs_of(session: Session, *, deal_id: int, source_deal_id: int | None) -> tuple[Leg, ...]:
    """The leg that a deal comes from, and those that go on from it, in the order of their first days."""
    giver, taker = aliased(Organisation, name="giver"), aliased(Organisation, name="taker")
    latest = (
        select(DealOffer.mass_t, DealOffer.starts_on, DealOffer.ends_on)
        .where(DealOffer.deal_id == Deal.id)
        .order_by(DealOffer.number.desc())
        .limit(1)
        .correlate(Deal)
        .lateral("latest_offer")
    )
    rows = session.execute(
        select(Deal, giver.name.label("giver_name"), taker.name.label("taker_name"), *latest.c)
        .join(giver, Deal.giver_organisation)
        .join(taker, Deal.taker_organisation)
        .join(latest, literal(True))
        .where(or_(Deal.id == source_deal_id, Deal.source_deal_id == deal_id))
        .order_by(Deal.id)
        .limit(OF_A_LISTING_AT_MOST)
    )
    return tuple(
        Leg(
            id=row.Deal.id,
            status=row.Deal.status,
            organisation_ids=row.Deal.organisation_ids,
            giver_name=row.giver_name,
            taker_name=row.taker_name,
            is_before=row.Deal.id == source_deal_id,
            mass_t=row.Deal.agreed_t or row.mass_t,
            delivered_t=row.Deal.delivered_t,
            period=row.Deal.agreed_period or (row.starts_on, row.ends_on),
        )
        for row in rows
    )
