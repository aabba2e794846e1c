"""Mass-balance plans: rows, years, and the listings that follow them."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from geo.quarters import Quarter
from marketplace.actor import Actor
from marketplace.errors import Conflict, Forbidden, InvalidInput, NotFound
from marketplace.models import Listing, MassPlanRow, PlannedListing, Project
from marketplace.plan_values import PlanRange, PlanRowValues
from marketplace.queries.mass_plans import (
    made_listing,
    made_listings,
    planned_years,
    reduction_in_region,
    reduction_of_organisation,
    rows_of_project,
    targets_of_project,
    years_of,
)
from marketplace.queries.regions import region_of_municipality
from marketplace.services.editing import ChangedMeanwhile
from marketplace.services.listings import close_listing, publish_listing, update_listing
from marketplace.services.mass_plans import (
    Applied,
    EditedRow,
    apply_plan_row,
    copy_quarter,
    make_draft_listings,
    plan_version,
    save_row,
    save_rows,
)
from marketplace.services.plan_listings import details_of_listing, keep_own, step_of, take_plan
from marketplace.services.reductions import record_actuals, set_target
from marketplace.types import ListingKind, ListingStatus, PriceKind, Role
from tests.conftest import NOW
from tests.factories import BAERUM, Factory

LATER = NOW + timedelta(hours=1)
LATER_STILL = NOW + timedelta(hours=2)
TODAY = NOW.date()


def figures(low: int, likely: int, high: int) -> PlanRange:
    return PlanRange(low_t=Decimal(low), likely_t=Decimal(likely), high_t=Decimal(high))


def exactly(mass_t: int) -> PlanRange:
    return figures(mass_t, mass_t, mass_t)


def values(**changes: Any) -> PlanRowValues:
    """A surplus of 9 000 t and a deficit of 2 000 t, in the second quarter of 2027."""
    defaults: dict[str, Any] = {
        "material_key": "blasted_rock",
        "year": 2027,
        "quarter": 2,
        "excavated": figures(9_000, 12_000, 15_000),
        "reused": exactly(3_000),
        "needed": exactly(5_000),
    }
    return PlanRowValues(**{**defaults, **changes})


def only_surplus(mass_t: int = 9_000, **changes: Any) -> PlanRowValues:
    return values(excavated=exactly(mass_t), reused=exactly(0), needed=exactly(0), **changes)


@pytest.fixture
def project(make: Factory) -> Project:
    return make.project(ends_on=date(2029, 12, 31))


@pytest.fixture
def actor(make: Factory, project: Project) -> Actor:
    return make.actor(make.member(project.organisation, role=Role.EDITOR))


class Planner:
    """Plans for one project, as one person."""

    def __init__(self, session: Session, actor: Actor, project: Project) -> None:
        self.session, self.actor, self.project = session, actor, project
        self.make = Factory(session, now=NOW)

    def add(self, row: PlanRowValues, *, now: datetime = NOW) -> MassPlanRow:
        save_row(self.session, self.actor, project_id=self.project.id, row=EditedRow(values=row), now=now)
        return next(each for each in self.rows() if (each.year, each.quarter) == (row.year, row.quarter))

    def change(self, row: MassPlanRow, to: PlanRowValues, *, now: datetime = LATER) -> Any:
        edited = EditedRow(values=to, row_id=row.id)
        return save_row(self.session, self.actor, project_id=self.project.id, row=edited, now=now)

    def remove(self, row: MassPlanRow, *, now: datetime = LATER) -> Any:
        edited = EditedRow(values=values(), row_id=row.id, is_removed=True)
        return save_row(self.session, self.actor, project_id=self.project.id, row=edited, now=now)

    def rows(self, *, with_emptied: bool = False) -> tuple[MassPlanRow, ...]:
        return rows_of_project(self.session, project_id=self.project.id, with_emptied=with_emptied)

    def draft(self, *, now: datetime = NOW) -> Any:
        return make_draft_listings(self.session, self.actor, project_id=self.project.id, now=now)

    def listing(self, kind: ListingKind = ListingKind.SURPLUS) -> Listing:
        return self.session.scalars(
            select(Listing).where(Listing.project_id == self.project.id, Listing.kind == kind)
        ).one()

    def listings(self) -> list[Listing]:
        return list(self.session.scalars(select(Listing).where(Listing.project_id == self.project.id)))

    def published(self) -> Listing:
        """The surplus, with proof that it is clean, and shown to others."""
        listing = self.listing()
        self.make.proof(listing)
        return publish_listing(self.session, self.actor, listing_id=listing.id, now=NOW)

    def edit(self, listing: Listing, *, now: datetime = LATER, **changes: Any) -> None:
        details = replace(details_of_listing(listing), **changes)
        update_listing(self.session, self.actor, listing_id=listing.id, details=details, now=now)

    def differs(self, listing: Listing, today: date = TODAY) -> bool:
        made = made_listing(self.session, listing_id=listing.id)
        assert made is not None
        return step_of(made, self.project, today=today).differs


@pytest.fixture
def planner(session: Session, actor: Actor, project: Project) -> Planner:
    return Planner(session, actor, project)


def refused(error: pytest.ExceptionInfo[InvalidInput]) -> set[str]:
    return {each.field for each in error.value.errors}


# Rows -----------------------------------------------------------------------------------------------------------------


def test_a_row_is_kept_as_it_was_given(planner: Planner) -> None:
    row = planner.add(values(note="  Trinn 1 "))
    assert (row.excavated_low_t, row.excavated_t, row.excavated_high_t) == (9_000, 12_000, 15_000)
    assert (row.needed_t, row.note) == (5_000, "Trinn 1")


def test_what_is_reused_is_needed_where_nothing_else_is_said(planner: Planner) -> None:
    assert planner.add(values(needed=None)).needed_t == 3_000


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"material_key": "gold"}, "material_key"),
        ({"year": 1999}, "year"),
        ({"year": 9999}, "year"),
        ({"quarter": 5}, "quarter"),
        ({"excavated": figures(-1, 0, 0)}, "excavated_low_t"),
        ({"excavated": figures(5_000, 4_000, 6_000)}, "excavated_low_t"),
        ({"excavated": figures(5_000, 6_000, 5_500)}, "excavated_high_t"),
        ({"excavated": exactly(60_000_000)}, "excavated_t"),
        ({"excavated": PlanRange(low_t=Decimal(0), likely_t=Decimal("NaN"), high_t=Decimal(1))}, "excavated_t"),
        ({"excavated": exactly(10**30)}, "excavated_t"),
        ({"reused": exactly(13_000), "needed": exactly(20_000)}, "reused_t"),
        ({"reused": figures(0, 3_000, 16_000), "needed": exactly(20_000)}, "reused_high_t"),
        ({"reused": exactly(6_000)}, "reused_t"),
        ({"excavated": exactly(0), "reused": exactly(0), "needed": exactly(0)}, "excavated_t"),
        ({"note": "x" * 501}, "note"),
        ({"actual_excavated_t": Decimal(-5)}, "actual_excavated_t"),
        ({"actual_excavated_t": Decimal(5)}, "actual_disposed_t"),
    ],
)
def test_what_cannot_be_is_refused_beside_its_cell(planner: Planner, wrong: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as error:
        planner.add(values(**wrong))
    assert field in refused(error)


def test_a_material_stands_in_a_quarter_once(planner: Planner) -> None:
    planner.add(values())
    with pytest.raises(InvalidInput) as error:
        planner.add(values())
    assert refused(error) == {"material_key"}


def test_a_grid_is_written_wholly_or_not_at_all(planner: Planner, session: Session, actor: Actor) -> None:
    good, bad = EditedRow(values=values()), EditedRow(values=values(quarter=3, excavated=exactly(-1)))
    same = EditedRow(values=values())
    with pytest.raises(InvalidInput) as error:
        save_rows(session, actor, project_id=planner.project.id, rows=[good, bad, same], now=NOW)
    assert refused(error) >= {"rows-1-excavated_t", "rows-2-material_key"}
    assert planner.rows() == ()


def test_a_grid_changes_adds_and_removes_at_once(planner: Planner, session: Session, actor: Actor) -> None:
    first, second = planner.add(values()), planner.add(values(quarter=3))
    change = save_rows(
        session,
        actor,
        project_id=planner.project.id,
        rows=[
            EditedRow(values=values(excavated=exactly(7_000)), row_id=first.id),
            EditedRow(values=values(), row_id=second.id, is_removed=True),
            EditedRow(values=values(material_key="clay", needed=exactly(3_000))),
        ],
        now=LATER,
        seen_version=plan_version(planner.rows()),
    )
    assert (change.changed, change.removed, change.added) == (1, 1, 1)
    assert [(row.quarter, row.material_key, row.excavated_t) for row in planner.rows()] == [
        (2, "blasted_rock", 7_000),
        (2, "clay", 12_000),
    ]


def test_two_people_do_not_overwrite_each_other(planner: Planner, session: Session, actor: Actor) -> None:
    row = planner.add(values())
    seen = plan_version(planner.rows())
    planner.change(row, values(excavated=exactly(20_000)))
    edited = EditedRow(values=values(), row_id=row.id)
    with pytest.raises(ChangedMeanwhile):
        save_rows(session, actor, project_id=planner.project.id, rows=[edited], now=LATER, seen_version=seen)
    with pytest.raises(ChangedMeanwhile):
        save_row(session, actor, project_id=planner.project.id, row=edited, now=LATER, seen_version=seen)


def test_a_row_that_has_gone_meanwhile_is_not_made_anew(planner: Planner) -> None:
    row = planner.add(values())
    planner.remove(row)
    with pytest.raises(ChangedMeanwhile):
        planner.change(row, values())


def test_only_editors_plan(planner: Planner, session: Session, make: Factory) -> None:
    viewer = make.actor(make.member(planner.project.organisation, role=Role.VIEWER))
    row = EditedRow(values=values())
    with pytest.raises(Forbidden):
        save_row(session, viewer, project_id=planner.project.id, row=row, now=NOW)
    with pytest.raises(Forbidden):
        save_row(session, make.actor(), project_id=planner.project.id, row=row, now=NOW)
    with pytest.raises(NotFound):
        save_row(session, viewer, project_id=2**40, row=row, now=NOW)


def test_a_row_of_another_project_cannot_be_reached(planner: Planner, session: Session, make: Factory) -> None:
    theirs = Planner(session, planner.actor, make.project(planner.project.organisation))
    with pytest.raises(ChangedMeanwhile):
        planner.change(theirs.add(values()), values())


def test_a_row_of_a_file_is_applied_once(planner: Planner, session: Session, actor: Actor) -> None:
    def apply(row: PlanRowValues, now: datetime = NOW) -> Applied:
        return apply_plan_row(session, actor, project_id=planner.project.id, values=row, now=now)

    assert apply(values(note="fra fil")) is Applied.ADDED
    assert apply(values()) is Applied.UNCHANGED  # an empty note leaves the one there is
    assert apply(values(excavated=exactly(12_000)), LATER) is Applied.CHANGED
    assert [row.note for row in planner.rows()] == ["fra fil"]
    with pytest.raises(InvalidInput) as error:
        apply(values(reused=exactly(50_000)))
    assert refused(error) == {"reused_t"}


def test_a_quarter_is_copied_without_what_it_came_to(planner: Planner, session: Session, actor: Actor) -> None:
    planner.add(values(quarter=1, year=2027, note="som sist"))
    done = dict.fromkeys(
        ("actual_excavated_t", "actual_reused_t", "actual_passed_on_t", "actual_disposed_t"), Decimal(1)
    )
    record_actuals(session, actor, row_id=planner.rows()[0].id, actuals={**done}, now=NOW)
    planner.add(values(quarter=2, material_key="clay"))
    save_row(
        session,
        actor,
        project_id=planner.project.id,
        row=EditedRow(values=values(quarter=1, material_key="clay")),
        now=NOW,
    )
    copied = copy_quarter(
        session, actor, project_id=planner.project.id, source=Quarter(2027, 1), target=Quarter(2027, 2), now=LATER
    )
    assert (copied.added, copied.left) == (1, 1)
    row = next(row for row in planner.rows() if (row.quarter, row.material_key) == (2, "blasted_rock"))
    assert (row.excavated_t, row.actual_excavated_t, row.note) == (12_000, None, "som sist")


def test_a_quarter_is_copied_somewhere_else_and_not_from_nowhere(
    planner: Planner, session: Session, actor: Actor
) -> None:
    for source, target in ((Quarter(2027, 1), Quarter(2027, 1)), (Quarter(2028, 1), Quarter(2028, 2))):
        with pytest.raises(InvalidInput):
            copy_quarter(session, actor, project_id=planner.project.id, source=source, target=target, now=NOW)


# Drafts ---------------------------------------------------------------------------------------------------------------


def test_each_surplus_and_each_deficit_becomes_a_draft(planner: Planner) -> None:
    planner.add(values())
    assert planner.draft().made == 2
    surplus, demand = planner.listing(), planner.listing(ListingKind.DEMAND)
    assert (surplus.status, surplus.mass_t, surplus.material_key) == (ListingStatus.DRAFT, 9_000, "blasted_rock")
    assert surplus.period == (date(2027, 4, 1), date(2027, 6, 30))
    assert demand.mass_t == 2_000
    assert "9" in surplus.description
    assert "12" in surplus.description


def test_the_period_is_cut_to_today_and_to_the_project(planner: Planner) -> None:
    planner.project.ends_on = date(2027, 5, 15)
    planner.add(only_surplus(quarter=1))
    planner.add(only_surplus(quarter=2))
    planner.draft()
    assert sorted(listing.period for listing in planner.listings()) == [
        (TODAY, date(2027, 3, 31)),
        (date(2027, 4, 1), date(2027, 5, 15)),
    ]


def test_a_quarter_outside_the_project_keeps_its_own_days(planner: Planner) -> None:
    planner.project.ends_on = date(2027, 3, 31)
    planner.add(only_surplus(quarter=3))
    planner.draft()
    assert planner.listing().period == (date(2027, 7, 1), date(2027, 9, 30))


def test_what_is_over_or_balanced_gets_no_draft(planner: Planner) -> None:
    planner.add(only_surplus(year=2026, quarter=4))
    planner.add(values(excavated=exactly(100), reused=exactly(100), needed=exactly(100)))
    changes = planner.draft()
    assert (changes.made, changes.over) == (0, 1)


def test_pressing_twice_makes_nothing_twice(planner: Planner) -> None:
    planner.add(values())
    planner.draft()
    changes = planner.draft(now=LATER)
    assert (changes.made, changes.updated, len(planner.listings())) == (0, 0, 2)


def test_without_a_plan_there_is_nothing_to_make(planner: Planner) -> None:
    with pytest.raises(Conflict):
        planner.draft()


def test_a_draft_follows_its_row(planner: Planner) -> None:
    row = planner.add(values())
    planner.draft()
    change = planner.change(row, values(excavated=figures(10_000, 13_000, 20_000)))
    assert change.drafts.updated == 1
    assert planner.listing().mass_t == 10_000
    assert "20" in planner.listing().description
    assert planner.listing(ListingKind.DEMAND).mass_t == 2_000
    planner.change(row, values(excavated=exactly(14_000)), now=LATER_STILL)
    assert planner.listing().mass_t == 11_000  # also the second time


def test_a_draft_follows_the_project_to_other_days(planner: Planner) -> None:
    planner.add(only_surplus())
    planner.draft()
    planner.project.ends_on = date(2027, 5, 31)
    assert planner.draft(now=LATER).updated == 1
    assert planner.listing().period == (date(2027, 4, 1), date(2027, 5, 31))


def test_passing_days_are_no_change_of_plan(planner: Planner) -> None:
    planner.add(only_surplus(quarter=1))
    planner.draft()
    listing = planner.listing()
    assert planner.draft(now=NOW + timedelta(days=10)).updated == 0
    assert listing.period[0] == TODAY
    assert not planner.differs(listing, today=TODAY + timedelta(days=10))


def test_a_draft_goes_with_its_row(planner: Planner, session: Session) -> None:
    row = planner.add(values())
    planner.draft()
    change = planner.remove(row)
    assert change.drafts.removed == 2
    assert planner.listings() == []
    assert planner.rows(with_emptied=True) == ()
    assert session.scalars(select(PlannedListing)).all() == []


def test_a_draft_goes_when_nothing_is_left_over(planner: Planner) -> None:
    row = planner.add(values())
    planner.draft()
    assert planner.change(row, values(excavated=exactly(3_000))).drafts.removed == 1
    assert [listing.kind for listing in planner.listings()] == [ListingKind.DEMAND]


def test_what_a_person_has_written_in_a_draft_stays(planner: Planner) -> None:
    row = planner.add(values())
    planner.draft()
    planner.edit(
        planner.listing(),
        entered_value=Decimal(8_000),
        description="Min egen tekst",
        price_kind=PriceKind.TAKER_PAYS,
        price_nok_per_t=Decimal(20),
    )
    change = planner.change(row, values(excavated=exactly(20_000)), now=LATER_STILL)
    listing = planner.listing()
    assert (listing.mass_t, listing.description, listing.price_nok_per_t) == (8_000, "Min egen tekst", 20)
    assert change.drafts.kept == 1
    assert planner.differs(listing)


def test_the_quantity_of_an_edited_draft_follows_where_it_is_still_the_plans(planner: Planner) -> None:
    row = planner.add(values())
    planner.draft()
    planner.edit(
        planner.listing(), description="Min egen tekst", available_to=date(2027, 5, 1), min_lot_t=Decimal(9_000)
    )
    planner.change(row, values(excavated=exactly(8_000)), now=LATER_STILL)
    listing = planner.listing()
    assert (listing.mass_t, listing.min_lot_t) == (5_000, 5_000)
    assert (listing.description, listing.available_to) == ("Min egen tekst", date(2027, 5, 1))


def test_a_draft_somebody_has_worked_on_is_not_thrown_away(planner: Planner) -> None:
    row = planner.add(only_surplus())
    planner.draft()
    planner.edit(planner.listing(), description="Min egen tekst")
    change = planner.remove(row, now=LATER_STILL)
    assert (change.drafts.removed, change.drafts.kept) == (0, 1)
    assert planner.differs(planner.listing())
    assert planner.rows() == ()
    planner.add(only_surplus(5_000), now=LATER_STILL)  # and where it comes back, it is the same row
    assert planner.listing().plan_row_id == row.id


# What others see ------------------------------------------------------------------------------------------------------


def test_a_published_listing_is_not_changed_in_silence(planner: Planner, session: Session, actor: Actor) -> None:
    row = planner.add(only_surplus())
    planner.draft()
    listing = planner.published()
    assert not planner.differs(listing)
    assert planner.change(row, only_surplus(7_000)).drafts.flagged == 1
    assert listing.mass_t == 9_000
    assert planner.differs(listing)
    take_plan(session, actor, listing_id=listing.id, now=LATER)
    assert (listing.mass_t, listing.status) == (7_000, ListingStatus.PUBLISHED)
    assert not planner.differs(listing)


def test_an_owner_may_keep_what_is_published(planner: Planner, session: Session, actor: Actor) -> None:
    row = planner.add(only_surplus())
    planner.draft()
    listing = planner.published()
    planner.change(row, only_surplus(7_000))
    keep_own(session, actor, listing_id=listing.id, now=LATER)
    assert (listing.mass_t, planner.differs(listing)) == (9_000, False)
    planner.change(row, only_surplus(6_000), now=LATER_STILL)
    assert planner.differs(listing)


def test_an_own_quantity_of_a_published_listing_is_no_difference_until_the_plan_changes(planner: Planner) -> None:
    planner.add(only_surplus())
    planner.draft()
    listing = planner.published()
    planner.edit(listing, entered_value=Decimal(4_000))
    assert not planner.differs(listing)


def test_a_published_listing_outlives_its_row_and_is_flagged(planner: Planner, session: Session, actor: Actor) -> None:
    row = planner.add(only_surplus())
    planner.draft()
    listing = planner.published()
    change = planner.remove(row)
    assert change.drafts.flagged == 1
    assert planner.rows() == ()
    assert planner.differs(listing)
    with pytest.raises(Conflict):
        take_plan(session, actor, listing_id=listing.id, now=LATER)
    keep_own(session, actor, listing_id=listing.id, now=LATER)
    assert not planner.differs(listing)


def test_the_plan_is_taken_by_the_rules_of_any_edit(planner: Planner, session: Session, make: Factory) -> None:
    row = planner.add(only_surplus(quarter=1))
    planner.draft()
    listing = planner.published()
    planner.change(row, only_surplus(7_000, quarter=1))
    with pytest.raises(Forbidden):
        take_plan(session, make.actor(), listing_id=listing.id, now=LATER)
    with pytest.raises(InvalidInput):  # its period is over by then
        take_plan(session, planner.actor, listing_id=listing.id, now=NOW + timedelta(days=60))


def test_a_listing_without_a_plan_takes_none(session: Session, planner: Planner, make: Factory) -> None:
    listing = make.listing(planner.project.organisation)
    with pytest.raises(NotFound):
        take_plan(session, planner.actor, listing_id=listing.id, now=NOW)


def test_a_closed_listing_is_past(planner: Planner, session: Session, actor: Actor) -> None:
    row = planner.add(only_surplus())
    planner.draft()
    listing = planner.published()
    close_listing(session, actor, listing_id=listing.id, now=NOW)
    planner.change(row, only_surplus(7_000))
    changes = planner.draft(now=LATER)
    assert (changes.made, changes.dealt_with, listing.mass_t) == (0, 1, 9_000)
    planner.remove(row, now=LATER_STILL)
    session.refresh(listing)
    assert (listing.status, listing.plan_row_id) == (ListingStatus.CLOSED, None)
    assert planner.rows(with_emptied=True) == ()


def test_an_emptied_row_goes_once_its_listing_is_closed(planner: Planner, session: Session, actor: Actor) -> None:
    row = planner.add(only_surplus())
    planner.draft()
    listing = planner.published()
    planner.remove(row)
    assert len(planner.rows(with_emptied=True)) == 1
    close_listing(session, actor, listing_id=listing.id, now=LATER)
    planner.add(only_surplus(quarter=4), now=LATER_STILL)
    assert [each.quarter for each in planner.rows(with_emptied=True)] == [4]


def test_listings_are_found_with_their_rows(planner: Planner) -> None:
    planner.add(values())
    planner.draft()
    made = made_listings(planner.session, project_id=planner.project.id)
    assert {each.listing.kind for each in made} == {ListingKind.SURPLUS, ListingKind.DEMAND}


# Years ----------------------------------------------------------------------------------------------------------------

DONE = {
    "actual_excavated_t": Decimal(10_000),
    "actual_reused_t": Decimal(4_000),
    "actual_passed_on_t": Decimal(5_000),
    "actual_disposed_t": Decimal(500),
}


def test_a_year_holds_target_plan_and_record_together(planner: Planner, session: Session, actor: Actor) -> None:
    past = planner.add(values(quarter=1))
    planner.add(values(quarter=3))
    record_actuals(session, actor, row_id=past.id, actuals={**DONE}, now=NOW)
    set_target(
        session,
        actor,
        project_id=planner.project.id,
        year=2027,
        surplus_target_t=Decimal(16_000),
        measures="Knuse",
        now=NOW,
    )
    targets = targets_of_project(session, project_id=planner.project.id)
    year = years_of(planner.rows(), targets, today=TODAY)[2027]
    assert (year.target_t, year.plan.surplus.value, year.recorded_t) == (16_000, 18_000, 5_500)
    assert (year.outlook.low, year.outlook.value, year.outlook.high) == (11_500, 14_500, 17_500)
    assert year.keeps_target
    assert year.outcome.unaccounted_t == 500


def test_nothing_can_have_come_of_what_has_not_begun(planner: Planner, session: Session, actor: Actor) -> None:
    row = planner.add(values())
    with pytest.raises(InvalidInput) as error:
        record_actuals(session, actor, row_id=row.id, actuals={**DONE}, now=NOW)
    assert refused(error) == {"actual_excavated_t"}


def test_what_was_recorded_can_be_taken_back(planner: Planner, session: Session, actor: Actor) -> None:
    row = planner.add(values(quarter=1))
    record_actuals(session, actor, row_id=row.id, actuals={**DONE}, now=NOW)
    record_actuals(session, actor, row_id=row.id, actuals={}, now=LATER, seen_version=plan_version([row]))
    assert row.actual_excavated_t is None


@pytest.mark.parametrize(
    ("target_t", "field"), [(Decimal(-1), "surplus_target_t"), (Decimal(10**9), "surplus_target_t")]
)
def test_an_impossible_target_is_refused(planner: Planner, target_t: Decimal, field: str) -> None:
    with pytest.raises(InvalidInput) as error:
        set_target(
            planner.session,
            planner.actor,
            project_id=planner.project.id,
            year=2027,
            surplus_target_t=target_t,
            measures="",
            now=NOW,
        )
    assert refused(error) == {field}


def test_a_target_can_be_taken_away(planner: Planner, session: Session, actor: Actor) -> None:
    for target_t in (Decimal(1_000), None):
        set_target(
            session, actor, project_id=planner.project.id, year=2027, surplus_target_t=target_t, measures="", now=NOW
        )
    assert targets_of_project(session, project_id=planner.project.id) == {}


def test_an_organisation_and_a_municipality_see_the_sum_of_projects(
    planner: Planner, session: Session, make: Factory
) -> None:
    other = Planner(session, planner.actor, make.project(planner.project.organisation, ends_on=date(2029, 12, 31)))
    strangers = make.project()
    theirs = Planner(session, make.actor(make.member(strangers.organisation)), strangers)
    for each in (planner, other, theirs):
        each.add(only_surplus(1_000))
    set_target(
        session,
        planner.actor,
        project_id=other.project.id,
        year=2027,
        surplus_target_t=Decimal(500),
        measures="",
        now=NOW,
    )
    own = reduction_of_organisation(session, organisation_id=planner.project.organisation_id, year=2027, today=TODAY)
    assert (len(own.projects), own.together.plan.surplus.value, own.together.target_t) == (2, 2_000, 500)
    assert own.without_target == 1
    region = region_of_municipality(session, BAERUM)
    assert region is not None
    there = reduction_in_region(session, region=region, year=2027, today=TODAY)
    assert there.together.plan.surplus.value == 3_000
    assert planned_years(session, organisation_id=planner.project.organisation_id) == (2027,)
