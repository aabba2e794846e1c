"""What the pages, files and papers of a mass-balance plan show: ready values, and the bars of its chart."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from geo.mass_balance import Balance, Outcome, Year, total
from geo.quantities import Quantity
from geo.quarters import Quarter
from marketplace import db
from marketplace.models import Listing, MassPlanRow, Project, ReductionTarget
from marketplace.queries import mass_plans as queries
from marketplace.services.plan_listings import Step, lot_of, step_of
from marketplace.types import ListingKind, ListingStatus

MOST_QUARTERS = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class RowView:
    row: MassPlanRow
    balance: Balance
    outcome: Outcome | None
    is_due: bool
    """Whether what it came to is waited for."""
    listings: tuple["ListingView", ...]

    @property
    def more_reuse_t(self) -> Decimal:
        """What is both left over and wanting: it might have been reused."""
        return min(self.balance.surplus.value, self.balance.deficit.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListingView:
    """A listing that was made from the plan, and how it stands to it."""

    listing: Listing
    row: MassPlanRow
    quarter: Quarter
    step: Step
    has_own_figures: bool
    """A draft that somebody has given another quantity than the plan's."""

    @property
    def is_closed(self) -> bool:
        return self.listing.status is ListingStatus.CLOSED


@dataclass(frozen=True, slots=True, kw_only=True)
class QuarterView:
    quarter: Quarter
    rows: tuple[RowView, ...]
    balance: Balance


@dataclass(frozen=True, slots=True, kw_only=True)
class YearView:
    number: int
    year: Year
    measures: str
    quarters: tuple[QuarterView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A bar from nothing, and the line of its range over it, in per cent of the chart's width."""

    mass: Quantity
    length: str
    low: str
    high: str

    @property
    def has_range(self) -> bool:
        return self.mass.low != self.mass.high


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartRow:
    quarter: Quarter
    surplus: Bar
    deficit: Bar


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanView:
    """All that a plan's page shows."""

    years: tuple[YearView, ...]
    materials: Mapping[str, Balance]
    whole: Balance
    chart: tuple[ChartRow, ...]
    chart_end_t: Decimal
    listings: tuple[ListingView, ...]
    pending: int
    """Draft listings that a press would make."""
    over: int
    """Surpluses and deficits of quarters that are over, too late for a listing."""

    @property
    def is_empty(self) -> bool:
        return not self.materials

    @property
    def planned(self) -> tuple[Quarter, ...]:
        return tuple(each.quarter for year in self.years for each in year.quarters)

    @property
    def differing(self) -> tuple[ListingView, ...]:
        """Open listings that say otherwise than the plan does now."""
        return tuple(each for each in self.listings if not each.is_closed and each.step.differs)


def plan_view(
    project: Project,
    rows: Sequence[MassPlanRow],
    made: Iterable[queries.MadeListing],
    targets: Mapping[int, ReductionTarget],
    *,
    today: date,
) -> PlanView:
    """The plan's page; `rows` are those of the plan, `made` also of rows that were taken out of it."""
    listings = tuple(_listing_view(each, project, today=today) for each in made)
    by_row: dict[int, list[ListingView]] = {}
    for each in listings:
        by_row.setdefault(each.row.id, []).append(each)
    years = queries.years_of(rows, targets, today=today)
    chart, end_t = chart_of(queries.by_quarter(rows))
    pending, over = _pending(rows, project, by_row, today=today)
    return PlanView(
        years=tuple(
            YearView(
                number=number,
                year=year,
                measures=targets[number].measures if number in targets else "",
                quarters=_quarters([row for row in rows if row.year == number], by_row, today=today),
            )
            for number, year in years.items()
        ),
        materials=queries.by_material(rows),
        whole=total(queries.balance_of(row) for row in rows),
        chart=chart,
        chart_end_t=end_t,
        listings=listings,
        pending=pending,
        over=over,
    )


def _listing_view(made: queries.MadeListing, project: Project, *, today: date) -> ListingView:
    return ListingView(
        listing=made.listing,
        row=made.row,
        quarter=queries.time_of(made.row),
        step=step_of(made, project, today=today),
        has_own_figures=made.listing.mass_t != made.written.mass_t,
    )


def _quarters(
    rows: Sequence[MassPlanRow], by_row: Mapping[int, list[ListingView]], *, today: date
) -> tuple[QuarterView, ...]:
    views: dict[Quarter, list[RowView]] = {}
    for row in rows:
        counted = queries.year_row(row, today=today)
        view = RowView(
            row=row,
            balance=counted.balance,
            outcome=counted.outcome,
            is_due=counted.is_over and counted.outcome is None,
            listings=tuple(by_row.get(row.id, ())),
        )
        views.setdefault(queries.time_of(row), []).append(view)
    return tuple(
        QuarterView(quarter=quarter, rows=tuple(each), balance=total(view.balance for view in each))
        for quarter, each in views.items()
    )


def _pending(
    rows: Sequence[MassPlanRow], project: Project, by_row: Mapping[int, list[ListingView]], *, today: date
) -> tuple[int, int]:
    pending = over = 0
    for row in rows:
        kinds = {each.listing.kind for each in by_row.get(row.id, ())}
        for kind in {ListingKind.SURPLUS, ListingKind.DEMAND} - kinds:
            lot = lot_of(row, kind, project)
            if lot.is_something:
                is_over = lot.days_from(today) is None
                over += is_over
                pending += not is_over
    return pending, over


def plan_step_of(listing: Listing, *, today: date) -> Step | None:
    """How a listing stands to the plan it was made from; None where it was made by itself."""
    if listing.plan_row_id is None:
        return None
    made = queries.made_listing(db.session, listing_id=listing.id)
    return None if made is None else step_of(made, made.row.project, today=today)


# The chart ------------------------------------------------------------------------------------------------------------


def chart_of(quarters: Mapping[Quarter, Balance]) -> tuple[tuple[ChartRow, ...], Decimal]:
    """A row for each quarter, and the mass at the right edge; every quarter between the first and the last is there."""
    ends = [figure.high for each in quarters.values() for figure in (each.surplus, each.deficit)]
    end_t = rounded_up(max(ends, default=Decimal(0)))
    nothing = total([])
    return (
        tuple(
            ChartRow(
                quarter=quarter,
                surplus=_bar(quarters.get(quarter, nothing).surplus, end_t),
                deficit=_bar(quarters.get(quarter, nothing).deficit, end_t),
            )
            for quarter in _without_gaps(quarters)
        ),
        end_t,
    )


def _without_gaps(quarters: Mapping[Quarter, Balance]) -> list[Quarter]:
    """All quarters from the first to the last; only those there are where the gaps are long."""
    if not quarters:
        return []
    filled = list(quarters_between(min(quarters), max(quarters)))
    return filled if len(filled) <= 2 * len(quarters) + 4 else list(quarters)


def quarters_between(first: Quarter, last: Quarter) -> Iterable[Quarter]:
    each = first
    for _number in range(MOST_QUARTERS):
        if each > last:
            return
        yield each
        each = each.next


def rounded_up(mass_t: Decimal) -> Decimal:
    """The next round figure, for the end of an axis; half of it is round too."""
    step = Decimal(1)
    while True:
        for factor in (1, 2, 3, 4, 5, 6, 8):
            if mass_t <= factor * step:
                return factor * step
        step *= 10


def _bar(mass: Quantity, end_t: Decimal) -> Bar:
    def share(value_t: Decimal) -> str:
        return f"{value_t / end_t * 100:.2f}%"

    return Bar(mass=mass, length=share(mass.value), low=share(mass.low), high=share(mass.high))
