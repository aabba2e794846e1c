"""A generated set looks like Norway: on land, near people, in the sizes and seasons of its materials."""

from collections.abc import Iterator
from datetime import date

import numpy as np
import pytest
from sqlalchemy import Connection, Engine, delete, func, select
from sqlalchemy.orm import Session

from marketplace.clock import local_date
from marketplace.db import make_sessions
from marketplace.models import GazetteerPlace, Listing, Municipality, Organisation, Project, User
from marketplace.queries.accounts import example_accounts
from marketplace.registers.orgnr import parse_org_number
from marketplace.services.accounts import authenticate
from marketplace.services.example_numbers import REAL_SERIES
from marketplace.services.scale import OWNER_EMAIL, UNUSABLE_PASSWORD, NothingToSpreadOver, ScaleLoaded, load_scale
from marketplace.services.scale_draws import draw_listings, draw_project_sizes, material_draws
from marketplace.types import Documentation, ListingKind, ListingStatus
from tests.conftest import NOW

LISTINGS = 1_500
TODAY = local_date(NOW)


@pytest.fixture(scope="module")
def scale(engine: Engine) -> Iterator[tuple[Connection, ScaleLoaded]]:
    """A generated set that is loaded once for this file and never committed."""
    with engine.connect() as connection:
        transaction = connection.begin()
        with make_sessions(connection).begin() as session:
            loaded = load_scale(session, listings=LISTINGS, now=NOW)
        yield connection, loaded
        transaction.rollback()


@pytest.fixture
def session(scale: tuple[Connection, ScaleLoaded]) -> Iterator[Session]:
    """A session on the generated set; what a test changes is undone after it."""
    connection, _ = scale
    savepoint = connection.begin_nested()
    with make_sessions(connection)() as opened:
        yield opened
    savepoint.rollback()


@pytest.fixture
def loaded(scale: tuple[Connection, ScaleLoaded]) -> ScaleLoaded:
    return scale[1]


def contents(session: Session, *, above: int) -> list[tuple[object, ...]]:
    """What was drawn, without numbers and names that grow from set to set."""
    query = (
        select(
            Listing.kind,
            Listing.status,
            Listing.material_key,
            Listing.mass_t,
            Listing.available_from,
            Listing.available_to,
            Listing.price_nok_per_t,
            Listing.min_lot_t,
            func.ST_AsText(Listing.position_25833),
            Listing.municipality_number,
            Listing.published_at,
        )
        .where(Listing.id > above)
        .order_by(Listing.id)
    )
    return [tuple(row) for row in session.execute(query)]


def test_as_many_as_were_asked_for(session: Session, loaded: ScaleLoaded) -> None:
    counts = [session.scalar(select(func.count()).select_from(table)) for table in (Organisation, Project, Listing)]

    assert counts == [loaded.organisations, loaded.projects, LISTINGS]
    assert LISTINGS / 6 < loaded.projects < LISTINGS / 3


def test_all_of_it_is_marked_as_an_example(session: Session, loaded: ScaleLoaded) -> None:
    for table in (User, Organisation, Project, Listing):
        assert session.scalar(select(func.count()).where(~table.is_example)) == 0


def test_every_position_lies_on_land_in_the_municipality_it_names(session: Session, loaded: ScaleLoaded) -> None:
    for table in (Listing, Project):
        inside = (
            select(func.count(table.id))
            .join(Municipality, Municipality.number == table.municipality_number)
            .where(func.ST_Covers(Municipality.area_25833, table.position_25833))
        )
        assert session.scalar(inside) == session.scalar(select(func.count()).select_from(table))


def test_most_projects_lie_near_a_town_and_cities_have_the_most(session: Session, loaded: ScaleLoaded) -> None:
    def share_near(population: int, reach_m: int) -> float:
        near = (
            select(GazetteerPlace.id)
            .where(GazetteerPlace.population >= population)
            .where(func.ST_DWithin(GazetteerPlace.position_25833, Project.position_25833, reach_m))
        )
        found = session.scalar(select(func.count(Project.id)).where(near.exists())) or 0
        return found / loaded.projects

    assert share_near(10_000, 60_000) > 0.8
    assert share_near(100_000, 25_000) > 0.2, "cities hold a quarter of the people"
    counties = session.scalar(select(func.count(func.distinct(func.left(Project.municipality_number, 2)))))
    assert counties == 15, "all of the country has some"


def test_listings_of_a_project_stand_at_it_or_close_by(session: Session, loaded: ScaleLoaded) -> None:
    apart_m = func.ST_Distance(Listing.position_25833, Project.position_25833)
    rows = session.execute(select(Listing.has_own_position, apart_m).join(Listing.project)).all()

    assert all(distance == 0 for own, distance in rows if not own)
    assert all(0 < distance < 1_000 for own, distance in rows if own)
    assert 0.1 < sum(own for own, _ in rows) / len(rows) < 0.3


def test_nothing_is_over_and_nothing_is_from_the_future(session: Session, loaded: ScaleLoaded) -> None:
    first_end, last_written, last_closed = session.execute(
        select(func.min(Listing.available_to), func.max(Listing.created_at), func.max(Listing.closed_at))
    ).one()

    assert first_end > TODAY
    assert last_written < NOW
    assert last_closed < NOW
    assert session.scalar(select(func.count()).where(Listing.published_at < Listing.created_at)) == 0


def test_most_listings_are_published_and_the_others_of_every_kind(session: Session, loaded: ScaleLoaded) -> None:
    states = dict(map(tuple, session.execute(select(Listing.status, func.count()).group_by(Listing.status))))

    assert set(states) == set(ListingStatus)
    assert states[ListingStatus.PUBLISHED] > 0.9 * LISTINGS


def test_what_was_entered_comes_to_the_mass(session: Session, loaded: ScaleLoaded) -> None:
    density = func.coalesce(Listing.density_t_m3, 1)

    assert session.scalar(select(func.count()).where(Listing.mass_t != Listing.entered_value * density)) == 0


def test_it_is_found_by_its_words(session: Session, loaded: ScaleLoaded) -> None:
    words = func.plainto_tsquery("norwegian", "leire")
    found = session.scalar(select(func.count()).where(Listing.search_vector.op("@@")(words)))

    assert found >= session.scalar(select(func.count()).where(Listing.material_key == "clay")) > 0


def test_organisation_numbers_are_valid_and_of_no_real_enterprise(session: Session, loaded: ScaleLoaded) -> None:
    numbers = session.scalars(select(Organisation.org_number)).all()

    assert all(parse_org_number(number) == number for number in numbers)
    assert not any(number.startswith(REAL_SERIES) for number in numbers)


def test_the_author_of_generated_rows_is_no_log_in(session: Session, loaded: ScaleLoaded) -> None:
    assert authenticate(session, email=OWNER_EMAIL, password=UNUSABLE_PASSWORD) is None
    assert example_accounts(session) == []


def test_a_second_set_with_the_same_seed_is_the_same_and_with_another_is_not(session: Session) -> None:
    last_id = session.scalar(select(func.max(Listing.id))) or 0
    load_scale(session, listings=120, now=NOW, seed=7)
    first = contents(session, above=last_id)
    last_id = session.scalar(select(func.max(Listing.id))) or 0
    load_scale(session, listings=120, now=NOW, seed=7)
    second = contents(session, above=last_id)
    last_id = session.scalar(select(func.max(Listing.id))) or 0
    load_scale(session, listings=120, now=NOW, seed=8)

    assert second == first
    assert contents(session, above=last_id) != first


def test_one_listing_is_a_set_too(session: Session) -> None:
    assert load_scale(session, listings=1, now=NOW) == ScaleLoaded(organisations=2, projects=1, listings=1)


def test_some_are_receptions_of_facilities_that_say_the_same(session: Session, loaded: ScaleLoaded) -> None:
    receptions = session.scalars(select(Listing).where(Listing.kind == ListingKind.RECEPTION)).all()

    assert 0.03 < len(receptions) / LISTINGS < 0.07
    for each in receptions:
        assert each.facility is not None
        assert each.material_key in each.facility.accepts
        assert (each.mass_t, each.accepts_class_max) == (each.facility.capacity_left_t, each.facility.accepts_class_max)


def test_every_surplus_is_documented(session: Session, loaded: ScaleLoaded) -> None:
    shown = set(session.scalars(select(Listing.documentation).where(Listing.kind == ListingKind.SURPLUS)))

    assert shown == {Documentation.TESTED, Documentation.DECLARED}


def test_without_a_gazetteer_it_says_what_to_do(session: Session) -> None:
    session.execute(delete(GazetteerPlace))

    with pytest.raises(NothingToSpreadOver, match="masseflyt migrate"):
        load_scale(session, listings=10, now=NOW)


# Draws, without a database ----------------------------------------------------------------------------------------


def test_project_sizes_add_up() -> None:
    sizes = draw_project_sizes(np.random.default_rng(1), listings=4_321)

    assert sizes.sum() == 4_321
    assert sizes.min() >= 1
    assert sizes.max() > 12, "some projects have many"


def test_masses_are_log_normal_around_the_median_of_their_material() -> None:
    drawn = draw_listings(np.random.default_rng(1), today=TODAY, count=30_000)
    for n, draw in enumerate(material_draws()):
        logs = np.log(drawn.mass_t[drawn.material == n])
        if len(logs) > 1_000:
            assert np.median(logs) == pytest.approx(np.log(draw.median_t), abs=0.15)
            assert logs.std() == pytest.approx(draw.log_sigma, rel=0.15)


def test_asphalt_moves_in_summer() -> None:
    today = date(2027, 1, 1)
    drawn = draw_listings(np.random.default_rng(1), today=today, count=30_000)
    granulate = next(n for n, draw in enumerate(material_draws()) if draw.material.key == "asphalt_granulate")
    starts = drawn.from_day[(drawn.material == granulate) & (drawn.from_day >= 0)]
    in_summer = (starts >= 120) & (starts < 243)

    assert in_summer.mean() > 0.45, "four months of eleven, and near half of the starts"


def test_only_materials_with_grain_sizes_have_a_fraction() -> None:
    drawn = draw_listings(np.random.default_rng(1), today=TODAY, count=3_000)
    for n, fraction in zip(drawn.material.tolist(), drawn.fraction, strict=True):
        assert (fraction is not None) == material_draws()[n].material.has_fraction
