"""What is held back, and that it cannot be found again by subtracting."""

from dataclasses import dataclass
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from marketplace.actor import NOBODY, Actor
from marketplace.disclosure import (
    LEAST_DEALS,
    LEAST_ORGANISATIONS,
    Disclosure,
    disclosure_for,
    fulfils_rule,
    may_show,
    shown,
)

OSLO, ASKER, BAERUM = "0301", "3203", "3201"


@dataclass(frozen=True)
class Cell:
    name: str
    deals: int
    organisations: int
    mass_t: Decimal = Decimal(1000)


BIG = Cell("big", deals=9, organisations=7, mass_t=Decimal(9000))
FAIR = Cell("fair", deals=3, organisations=4, mass_t=Decimal(3000))
LONE = Cell("lone", deals=1, organisations=2)


def test_everybody_sees_only_what_rests_on_many() -> None:
    assert disclosure_for(NOBODY, region_numbers=[OSLO], own_numbers=[]) is Disclosure.OPEN


def test_a_municipality_sees_all_of_its_county_and_no_more() -> None:
    member = Actor(user_id=1)

    assert disclosure_for(member, region_numbers=[ASKER], own_numbers=[ASKER]) is Disclosure.FULL
    assert disclosure_for(member, region_numbers=[BAERUM, ASKER], own_numbers=[ASKER]) is Disclosure.FULL
    assert disclosure_for(member, region_numbers=[OSLO], own_numbers=[ASKER]) is Disclosure.OPEN
    assert disclosure_for(member, region_numbers=[], own_numbers=[ASKER]) is Disclosure.OPEN


def test_a_region_put_together_to_look_at_others_shows_no_more() -> None:
    assert disclosure_for(Actor(user_id=1), region_numbers=[OSLO, ASKER], own_numbers=[ASKER]) is Disclosure.OPEN
    assert disclosure_for(Actor(user_id=1), region_numbers=[OSLO, ASKER], own_numbers=[ASKER, OSLO]) is Disclosure.FULL


def test_an_administrator_sees_all() -> None:
    assert disclosure_for(Actor(user_id=1, is_admin=True), region_numbers=[], own_numbers=[]) is Disclosure.FULL


def test_with_full_sight_nothing_is_held_back() -> None:
    given_out = shown([LONE], Disclosure.FULL)

    assert (given_out.groups, given_out.held_back_deals) == ((LONE,), 0)


def test_a_group_of_few_deals_or_few_organisations_is_held_back() -> None:
    between_two = Cell("between two", deals=50, organisations=2)

    given_out = shown([BIG, between_two, LONE, FAIR], Disclosure.OPEN)

    assert [group.name for group in given_out.groups] == ["big"]
    assert given_out.held_back_deals == 50 + 1 + 3
    assert given_out.mass_t == 9000


def test_one_group_alone_is_not_held_back_without_another() -> None:
    given_out = shown([BIG, FAIR, LONE], Disclosure.OPEN)

    assert [group.name for group in given_out.groups] == ["big"]
    assert given_out.held_back_groups == 2


def test_a_group_of_nothing_is_shown() -> None:
    empty = Cell("empty", deals=0, organisations=0, mass_t=Decimal(0))

    assert shown([empty, BIG], Disclosure.OPEN).groups == (empty, BIG)


cells = st.lists(
    st.builds(
        Cell,
        name=st.text(max_size=3),
        deals=st.integers(1, 8),
        organisations=st.integers(2, 8),
        mass_t=st.decimals(0, 10_000, places=3),
    ),
    max_size=12,
)


@given(cells)
def test_all_that_is_shown_fulfils_the_rule_and_what_is_held_back_is_never_one_alone(groups: list[Cell]) -> None:
    given_out = shown(groups, Disclosure.OPEN)

    assert all(fulfils_rule(group) for group in given_out.groups)
    assert len(given_out.groups) + given_out.held_back_groups == len(groups)
    if given_out.groups and given_out.held_back_groups:
        held = [group for group in groups if not any(group is each for each in given_out.groups)]
        assert sum(group.deals for group in held) >= LEAST_DEALS
        assert max(group.organisations for group in held) >= LEAST_ORGANISATIONS


@given(deals=st.integers(0, 6), organisations=st.integers(0, 6))
def test_a_figure_by_itself_is_held_to_the_rule_of_groups(deals: int, organisations: int) -> None:
    found = shown([Cell("one", deals=deals, organisations=organisations)], Disclosure.OPEN)
    assert may_show(Disclosure.OPEN, deals=deals, organisations=organisations) is bool(found.groups)
    assert may_show(Disclosure.FULL, deals=deals, organisations=organisations)
