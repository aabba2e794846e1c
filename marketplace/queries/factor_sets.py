"""Factor sets: all versions, and the figures of one to work things out with."""

from collections.abc import Sequence
from decimal import Decimal
from types import MappingProxyType

from sqlalchemy import Select, case, func, select
from sqlalchemy.orm import Session, joinedload, selectinload

from geo.factors import Factor
from geo.factors import FactorSet as Figures
from geo.quantities import Quantity
from geo.routing import Region
from marketplace.errors import NotFound
from marketplace.models import DealImpact, FactorRow, FactorSet
from marketplace.types import FactorSetStatus

STATUS_ORDER = case(
    {FactorSetStatus.ACTIVE: 0, FactorSetStatus.DRAFT: 1, FactorSetStatus.RETIRED: 2}, value=FactorSet.status
)


def all_sets(session: Session) -> Sequence[FactorSet]:
    """Every version without its figures: the active one, drafts, and then those that are no longer in use."""
    return session.scalars(
        select(FactorSet)
        .options(joinedload(FactorSet.created_by))
        .order_by(STATUS_ORDER, FactorSet.created_at.desc(), FactorSet.id.desc())
    ).all()


def find_set(session: Session, *, set_id: int) -> FactorSet | None:
    """A version with its figures, in the order of their keys."""
    return session.scalars(_with_figures().where(FactorSet.id == set_id)).one_or_none()


def active_set(session: Session) -> FactorSet:
    """The version that things are worked out with from now on, with its figures.

    Raises:
        NotFound: no version is active, so the reference data has not been loaded.
    """
    found = session.scalars(_with_figures().where(FactorSet.status == FactorSetStatus.ACTIVE)).one_or_none()
    if found is None:
        raise NotFound
    return found


def winding_in_use(session: Session) -> dict[Region, Decimal]:
    """How much longer than the straight line roads are taken to be, by the active version; nothing without one."""
    keys = {f"circuity.{region}": region for region in Region}
    rows = session.execute(
        select(FactorRow.key, FactorRow.value)
        .join(FactorRow.factor_set)
        .where(FactorSet.status == FactorSetStatus.ACTIVE, FactorRow.key.in_(keys))
    )
    return {keys[row.key]: plain(row.value) for row in rows}


def set_of_version(session: Session, version: str) -> FactorSet | None:
    """The version of that name, with its figures."""
    return session.scalars(_with_figures().where(FactorSet.version == version)).one_or_none()


def factor_with_set(session: Session, *, factor_id: int) -> FactorRow | None:
    """A figure, and the version that it is of."""
    return session.scalars(
        select(FactorRow).options(joinedload(FactorRow.factor_set)).where(FactorRow.id == factor_id)
    ).one_or_none()


def record_counts(session: Session) -> dict[int, int]:
    """How many records rest on each version, by its id; none where it is not in it."""
    records = func.count().label("records")
    rows = session.execute(select(DealImpact.factor_set_id, records).group_by(DealImpact.factor_set_id))
    return {each.factor_set_id: each.records for each in rows}


def _with_figures() -> Select[FactorSet]:
    return select(FactorSet).options(selectinload(FactorSet.factors))


def figures_of(kept: FactorSet) -> Figures:
    """The figures of a version, as `geo` works with them."""
    return Figures(
        version=kept.version,
        default_vehicle=kept.default_vehicle,
        default_fuel=kept.default_fuel,
        factors=MappingProxyType({row.key: factor_of(row) for row in kept.factors}),
    )


def factor_of(row: FactorRow) -> Factor:
    quantity = Quantity(
        value=plain(row.value), low=plain(row.low), high=plain(row.high), unit=row.unit, source=row.source
    )
    return Factor(key=row.key, quantity=quantity, is_verified=row.is_verified, note=row.note)


def plain(value: Decimal) -> Decimal:
    """The same number without the zeros that the database fills it up with."""
    return Decimal(f"{value.normalize():f}")
