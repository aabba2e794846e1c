"""An address is read without fail, and what is written from it reads the same."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from urllib.parse import parse_qsl

import pytest
from flask import Flask
from flask_babel import force_locale
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.datastructures import MultiDict

from geo.geometry import BBox, Position
from geo.materials import MaterialGroup, taxonomy
from marketplace.queries.search import Mark, Sort
from marketplace.queries.search_filters import Centre, SearchFilters
from marketplace.text import clean_line
from marketplace.types import Documentation, ListingKind, PriceKind
from marketplace.web.search_marks import read_mark, write_mark
from marketplace.web.search_reading import LIMITS, LONGEST_LABEL, LONGEST_TEXT, read_area, read_state, read_zoom
from marketplace.web.search_state import PARAMETERS, Origin, OriginKind, SearchState

ids = st.integers(1, 2**63 - 1)
ranks = st.integers(0, 10**6)
degrees = st.integers(-900_000, 900_000).map(lambda n: n / 100_000)
amounts = st.decimals(0, 10**6, places=4)
texts = st.text(max_size=LONGEST_TEXT).map(clean_line).filter(lambda text: len(text) <= LONGEST_TEXT)
labels = st.text(max_size=LONGEST_LABEL).map(clean_line).filter(bool)
marks = st.one_of(
    st.builds(
        Mark,
        sort=st.just(Sort.NEWEST),
        key=st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)),
        listing_id=ids,
        rank=ranks,
    ),
    st.builds(Mark, sort=st.just(Sort.QUANTITY), key=st.decimals(0, 10**8, places=3), listing_id=ids, rank=ranks),
    st.builds(Mark, sort=st.just(Sort.DISTANCE), key=st.floats(0, 10**7), listing_id=ids, rank=ranks),
)


@st.composite
def boxes(draw: st.DrawFn) -> BBox:
    west, south = 4 + abs(draw(degrees)), 58 + abs(draw(degrees))
    return BBox(west=round(west, 5), south=round(south, 5), east=round(west + 1, 5), north=round(south + 1, 5))


@st.composite
def states(draw: st.DrawFn) -> SearchState:
    mass = sorted(draw(st.tuples(amounts, amounts)))
    days = sorted(draw(st.tuples(st.dates(), st.dates())))
    position = Position(lon=round(10 + draw(degrees), 5), lat=round(65 + draw(degrees), 5))
    centre = draw(st.none() | st.builds(Centre, position=st.just(position), label=labels))
    origin = draw(st.none() | st.builds(Origin, kind=st.sampled_from(OriginKind), id=ids)) if centre is None else None
    return SearchState(
        filters=SearchFilters(
            text=draw(texts),
            kind=draw(st.none() | st.sampled_from(ListingKind)),
            documentation=draw(st.none() | st.sampled_from([Documentation.DECLARED, Documentation.TESTED])),
            groups=draw(st.frozensets(st.sampled_from(MaterialGroup))),
            materials=draw(st.frozensets(st.sampled_from(sorted(taxonomy().materials)), max_size=4)),
            mass_min_t=draw(st.none() | st.just(mass[0])),
            mass_max_t=draw(st.none() | st.just(mass[1])),
            period_from=draw(st.none() | st.just(days[0])),
            period_to=draw(st.none() | st.just(days[1])),
            price_kind=draw(st.none() | st.sampled_from(PriceKind)),
            price_max_nok_per_t=draw(st.none() | amounts),
            centre=centre,
            within_km=draw(st.none() | st.decimals(1, 3000, places=1)),
            area=draw(st.none() | boxes()),
            municipalities=draw(st.frozensets(st.sampled_from(["0301", "3201", "4601"]))),
        ),
        origin=origin,
        chosen_sort=draw(st.none() | st.sampled_from(Sort)),
        is_following=draw(st.booleans()),
        shows_map=draw(st.booleans()),
        after=draw(st.none() | marks),
    )


def read(app: Flask, query: str) -> SearchState:
    with app.test_request_context():
        return read_state(MultiDict(parse_qsl(query)))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(state=states())
def test_an_address_says_the_whole_state(app: Flask, state: SearchState) -> None:
    assert read(app, state.query()) == state


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    given=st.lists(
        st.tuples(
            st.sampled_from(sorted(PARAMETERS)),
            st.text(max_size=60) | st.from_regex(r"-?[0-9]{1,4}([.,][0-9]{1,4}){0,4}", fullmatch=True),
        ),
        max_size=12,
    )
)
def test_what_is_read_is_written_as_it_reads(app: Flask, given: list[tuple[str, str]]) -> None:
    with app.test_request_context():
        once = read_state(MultiDict(given))
    again = read(app, once.query())
    assert again.query() == once.query()
    assert not [problem for problem in again.problems if problem.field != "q"]


@settings(max_examples=100, deadline=None)
@given(mark=marks)
def test_a_mark_survives_being_written(mark: Mark) -> None:
    assert read_mark(write_mark(mark)) == mark


@settings(max_examples=200, deadline=None)
@given(text=st.text(max_size=80) | st.binary(max_size=60).map(lambda raw: raw.decode("latin-1")))
def test_no_forged_mark_breaks_anything(text: str) -> None:
    mark = read_mark(text)
    assert mark is None or mark.listing_id > 0


def test_a_language_does_not_change_what_an_address_says(app: Flask) -> None:
    state = SearchState(filters=SearchFilters(mass_min_t=Decimal("12.125")))
    assert state.query() == "mass_min=12.1250"
    for locale in ("nb", "en"):
        with app.test_request_context(), force_locale(locale):
            assert read_state(MultiDict(parse_qsl(state.query()))).filters == state.filters


@pytest.mark.parametrize(
    ("text", "edges"),
    [
        ("10,59,11,60", (10, 59, 11, 60)),
        ("-180,-90,180,90", (LIMITS.west, LIMITS.south, LIMITS.east, LIMITS.north)),
        ("9,57,60,85", (9, 57, LIMITS.east, LIMITS.north)),
    ],
)
def test_an_area_is_cut_to_the_surroundings_of_norway(text: str, edges: tuple[float, ...]) -> None:
    box = read_area(text)
    assert box is not None
    assert (box.west, box.south, box.east, box.north) == edges


@pytest.mark.parametrize(
    ("text", "zoom"), [("7", 7), ("7.5", 7.5), ("99", 22), ("-3", 0), ("x", 4), ("nan", 4), (None, 4)]
)
def test_a_zoom_level_is_one_of_a_map(text: str | None, zoom: float) -> None:
    assert read_zoom(text) == zoom


def test_the_nearest_come_first_once_there_is_a_place() -> None:
    centre = Centre(position=Position(lon=10.0, lat=60.0), label="X")
    assert SearchState().sort is Sort.NEWEST
    assert SearchState(chosen_sort=Sort.DISTANCE).sort is Sort.NEWEST
    assert SearchState(filters=SearchFilters(centre=centre)).sort is Sort.DISTANCE
    assert SearchState(filters=SearchFilters(centre=centre), chosen_sort=Sort.QUANTITY).sort is Sort.QUANTITY


def test_days_are_read_as_browsers_and_as_people_write_them(app: Flask) -> None:
    for typed in ("2027-03-31", "31.3.2027", "31/03/2027"):
        assert read(app, f"from_day={typed}").filters.period_from == date(2027, 3, 31)


def test_a_mark_without_a_time_zone_is_taken_as_utc() -> None:
    moment = datetime(2027, 3, 1, tzinfo=UTC) + timedelta(hours=1)
    mark = Mark(sort=Sort.NEWEST, key=moment, listing_id=1, rank=0)
    assert read_mark(write_mark(mark)) == mark
