"""Matching finds what comparing a listing with every open counterpart finds, in the same order."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from geoalchemy2.shape import to_shape
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import URL, Text, cast, func, insert, select
from sqlalchemy.orm import Session

from geo.assessment import LotKind, rank_key
from geo.geometry import Position
from geo.matching import DEFAULT_REACH_KM, Lot, assess_pair, counterparts
from geo.materials import MaterialGroup, taxonomy
from geo.near_misses import near_miss_key, prospect
from geo.units import SRID_LONLAT, SRID_STORED, EnteredUnit
from marketplace.clock import local_date
from marketplace.db import make_engine, make_sessions
from marketplace.models import Listing, MaterialRow
from marketplace.queries import match_askers, matches
from marketplace.queries.match_askers import asker_of
from marketplace.queries.match_candidates import AT_ONCE, candidate_statement, candidate_values, candidates
from marketplace.queries.matches import Matches, lot_of, matches_for_listing, matches_for_listings
from marketplace.queries.projects import position_of
from marketplace.services.scale import load_scale
from marketplace.types import ClosedReason, Documentation, Haulage, ListingKind, ListingStatus, Loading, PriceKind
from tests.conftest import NOW, QueryCounter, fresh_database, test_settings
from tests.factories import BAERUM, SANDVIKA, Factory, stored_point
from tests.geo import strategies

TODAY = local_date(NOW)
TAXONOMY = taxonomy()
SURPLUS, DEMAND = ListingKind.SURPLUS, ListingKind.DEMAND
MOST_IN_A_CROWD = 25


# The oracle -------------------------------------------------------------------------------------------------------


type Everyone = Sequence[tuple[int, Lot, Position]]


def everyone_open(session: Session) -> Everyone:
    """What an assessment needs of every open listing, read and turned into degrees in Python."""
    query = select(Listing).where(Listing.status == ListingStatus.PUBLISHED, Listing.available_to >= TODAY)
    return [(each.id, lot_of(each, today=TODAY), position_of(each)) for each in session.scalars(query)]


def found_by_brute_force(
    session: Session, listing: Listing, *, everyone: Everyone | None = None
) -> tuple[list[int], list[int]]:
    """The ids of all matches and of all near misses, in order: every open counterpart is assessed."""
    here, lot = position_of(listing), lot_of(listing, today=TODAY)
    assessed = [
        (id_, assess_pair(lot, other, distance_m=here.distance_m(place), taxonomy=TAXONOMY))
        for id_, other, place in everyone or everyone_open(session)
        if (other.kind is LotKind.SURPLUS) != (lot.kind is LotKind.SURPLUS)
    ]
    fits = [(rank_key(each, tie_break=id_), id_) for id_, each in assessed if each.is_match]
    near = [(near_miss_key(each, tie_break=id_), id_) for id_, each in assessed if matches.is_worth_telling(each)]
    return [id_ for _, id_ in sorted(fits)], [id_ for _, id_ in sorted(near)]


def ids_of(found: Matches) -> tuple[list[int], list[int]]:
    return [match.listing.id for match in found.fits], [match.listing.id for match in found.near_misses]


def assert_exact(session: Session, listing: Listing, *, limit: int, near_limit: int) -> None:
    fits, near = found_by_brute_force(session, listing)
    found = matches_for_listing(session, listing, today=TODAY, limit=limit, near_limit=near_limit)
    assert ids_of(found) == (fits[:limit], near[:near_limit])
    assert (found.has_more_fits, found.has_more_near_misses) == (len(fits) > limit, len(near) > near_limit)


# Random listings --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    lot: Lot
    position: tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """What every listing has to belong to."""

    organisation_id: int
    user_id: int
    facility_ids: tuple[int, ...]


@pytest.fixture
def owner(make: Factory) -> Owner:
    organisation = make.organisation()
    facilities = [make.facility() for _ in range(MOST_IN_A_CROWD + 1)]
    return Owner(
        organisation_id=organisation.id,
        user_id=make.member(organisation).id,
        facility_ids=tuple(each.id for each in facilities),
    )


def row_of(placed: Placed, owner: Owner, *, place: int = MOST_IN_A_CROWD, **values: object) -> dict[str, Any]:
    lot = placed.lot
    return {
        "kind": ListingKind(lot.kind.value),
        "facility_id": owner.facility_ids[place] if lot.kind is LotKind.RECEPTION else None,
        "documentation": lot.documentation,
        "quality_class": lot.quality_class,
        "accepts_declared": lot.accepts_declared,
        "accepts_class_max": lot.accepts_class_max,
        "status": ListingStatus.PUBLISHED,
        "organisation_id": owner.organisation_id,
        "created_by_id": owner.user_id,
        "material_key": lot.material,
        "fraction_min_mm": lot.fraction.lower_mm if lot.fraction else None,
        "fraction_max_mm": lot.fraction.upper_mm if lot.fraction else None,
        "mass_t": lot.mass_t,
        "entered_value": lot.mass_t,
        "entered_unit": EnteredUnit.TONNE,
        "min_lot_t": lot.min_lot_t,
        "available_from": lot.available_from,
        "available_to": lot.available_to,
        "max_distance_km": lot.max_distance_km,
        "price_kind": PriceKind.FREE,
        "loading": Loading.GIVER,
        "haulage": Haulage.BY_AGREEMENT,
        "position_25833": stored_point(placed.position),
        "municipality_number": BAERUM,
        "published_at": NOW,
        "renewed_at": NOW,
        **values,
    }


@contextmanager
def stored(session: Session, owner: Owner, crowd: Sequence[Placed]) -> Iterator[None]:
    """The listings are there inside the block, and gone after it."""
    savepoint = session.begin_nested()
    if crowd:
        session.execute(insert(Listing), [row_of(each, owner, place=place) for place, each in enumerate(crowd)])
    yield
    savepoint.rollback()
    session.expire_all()


def store(session: Session, owner: Owner, placed: Placed, **values: object) -> Listing:
    """A listing that asks. A surplus is a draft: it may be anything, and one that is published is clean."""
    if placed.lot.kind is LotKind.SURPLUS:
        values = {"status": ListingStatus.DRAFT, **values}
    listing = session.scalars(insert(Listing).returning(Listing), [row_of(placed, owner, **values)]).one()
    session.flush()
    return listing


@st.composite
def places(draw: st.DrawFn) -> tuple[float, float]:
    """(lon, lat) in southern Norway: on one spot, some metres apart, or up to far beyond every default reach."""
    spread = draw(st.sampled_from([0.0, 0.0005, 0.1, 0.4, 1.2, 4.0]))
    turn = st.floats(-1, 1)
    return round(SANDVIKA[0] + spread * draw(turn), 6), round(SANDVIKA[1] + spread * draw(turn) / 2, 6)


@st.composite
def lots_about(draw: st.DrawFn, asking: Lot) -> Lot:
    """A counterpart that is often compatible, so that what the other criteria say comes into play."""
    is_surplus = asking.kind is LotKind.SURPLUS
    lot = draw(strategies.takers if is_surplus else strategies.surpluses)
    if not is_surplus:  # what is published is clean
        documentation = draw(st.sampled_from([Documentation.DECLARED, Documentation.TESTED]))
        lot = replace(lot, documentation=documentation, quality_class=draw(st.sampled_from([None, 1])))
    if draw(st.integers(0, 5)):
        serving = counterparts(asking.kind, material=asking.material, taxonomy=TAXONOMY)[lot.kind]
        lot = replace(lot, material=draw(st.sampled_from(sorted(serving))))
    if asking.fraction and draw(st.integers(0, 3)) == 0:
        lot = replace(lot, fraction=asking.fraction)
    starts = TODAY + timedelta(days=draw(st.integers(-60, 200)))
    return replace(lot, available_from=starts, available_to=starts + timedelta(days=draw(st.integers(0, 120))))


@st.composite
def scenes(draw: st.DrawFn) -> tuple[Placed, list[Placed]]:
    """A listing that asks, and a crowd of others for it to choose from."""
    lot = draw(strategies.surpluses | strategies.takers)
    starts = TODAY + timedelta(days=draw(st.integers(-60, 120)))
    ends = max(TODAY, starts + timedelta(days=draw(st.integers(0, 120))))
    lot = replace(lot, available_from=starts, available_to=ends)
    crowd = draw(st.lists(st.builds(Placed, lot=lots_about(lot), position=places()), max_size=MOST_IN_A_CROWD))
    return Placed(lot=lot, position=draw(places())), crowd


random_scenes = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


@random_scenes
@given(scene=scenes(), limit=st.integers(1, 6), near_limit=st.integers(1, 4), count=st.sampled_from([1, 3, 32]))
def test_matches_are_those_of_the_brute_force(session, owner, scene, limit, near_limit, count):
    asking, crowd = scene
    with stored(session, owner, crowd), pytest.MonkeyPatch.context() as patch:
        patch.setattr(matches, "FIRST_COUNT", count)  # few at a time, so that it has to go on
        assert_exact(session, store(session, owner, asking), limit=limit, near_limit=near_limit)


@random_scenes
@given(scene=scenes())
def test_no_match_is_left_out_and_none_exceeds_its_bound(session, owner, scene):
    asking, crowd = scene
    with stored(session, owner, crowd):
        listing = store(session, owner, asking)
        fits, near = found_by_brute_force(session, listing)
        found = all_candidates(session, listing)
        assert {row.id for row, _ in found if row.may_fit} >= set(fits)
        assert {row.id for row, _ in found if row.may_miss} >= set(near)
        for row, assessment in found:
            if assessment.is_match:
                assert assessment.score <= row.bound + matches.ROUNDING
            if assessment.is_near_miss:
                assert prospect(assessment) <= row.bound + matches.ROUNDING


@random_scenes
@given(scene=scenes(), reach_m=st.floats(100, 60_000))
def test_nothing_farther_away_exceeds_what_is_promised_of_it(session, owner, scene, reach_m):
    asking, crowd = scene
    with stored(session, owner, crowd):
        listing = store(session, owner, asking)
        most = asker(listing).most_beyond(reach_m)
        for row, assessment in all_candidates(session, listing):
            if row.distance_m > reach_m and assessment.is_match:
                assert assessment.score <= most.score + matches.ROUNDING
            if row.distance_m > reach_m and assessment.is_near_miss:
                assert prospect(assessment) <= most.prospect + matches.ROUNDING


def asker(listing: Listing) -> match_askers.Asker:
    x, y = listing_xy(listing)
    return asker_of(listing.id, lot_of(listing, today=TODAY), x=x, y=y, taxonomy=TAXONOMY)


def listing_xy(listing: Listing) -> tuple[float, float]:
    point = to_shape(listing.position_25833)
    return point.x, point.y


def all_candidates(session: Session, listing: Listing) -> list[tuple[Any, Any]]:
    asking = asker(listing)
    rows = candidates(session, [(asking, asking.steps_m[-1])], count=1000, today=TODAY)[listing.id].rows
    lot = lot_of(listing, today=TODAY)
    return [
        (row, assess_pair(lot, lot_of(row, today=TODAY), distance_m=row.distance_m, taxonomy=TAXONOMY)) for row in rows
    ]


# All of Norway ----------------------------------------------------------------------------------------------------

EVERYWHERE = 10_000
SANDVIKA_POINT = func.ST_Transform(func.ST_SetSRID(func.ST_MakePoint(*SANDVIKA), SRID_LONLAT), SRID_STORED)


@pytest.fixture(scope="module")
def norway(database_server: URL, filled_template: str) -> Iterator[Session]:
    """A generated set as large as a marketplace in its first years, loaded once, where it is in nobody's way."""
    with fresh_database(database_server, template=filled_template) as url:
        engine = make_engine(test_settings(url))
        with make_sessions(engine)() as session:
            load_scale(session, listings=EVERYWHERE, now=NOW)
            yield session
        engine.dispose()


def asking_listings(session: Session, *, count: int, near_sandvika: bool) -> Sequence[Listing]:
    """Some open listings: the nearest to Sandvika, where there are many, or one here and there."""
    order = Listing.position_25833.op("<->")(SANDVIKA_POINT) if near_sandvika else func.md5(cast(Listing.id, Text))
    query = select(Listing).where(Listing.status == ListingStatus.PUBLISHED, Listing.available_to >= TODAY)
    return session.scalars(query.order_by(order).limit(count)).all()


def test_matches_in_norway_are_those_of_the_brute_force(norway):
    everyone = everyone_open(norway)
    for near_sandvika in (True, False):
        asking = asking_listings(norway, count=8, near_sandvika=near_sandvika)
        found = matches_for_listings(norway, asking, today=TODAY)
        crowded = 0
        for listing in asking:
            fits, near = found_by_brute_force(norway, listing, everyone=everyone)
            crowded += len(fits) > 3 * matches.LIMIT and len(near) > 3 * matches.NEAR_LIMIT
            assert ids_of(found[listing.id]) == (fits[: matches.LIMIT], near[: matches.NEAR_LIMIT])
        assert crowded > 4 or not near_sandvika  # there it has far more to choose from than it shows


def test_a_listing_found_with_others_has_the_matches_it_has_alone(norway):
    some = asking_listings(norway, count=6, near_sandvika=False)
    together = matches_for_listings(norway, some, today=TODAY, limit=4)
    for listing in some:
        assert together[listing.id] == matches_for_listing(norway, listing, today=TODAY, limit=4)


def plan_of(session: Session, listing: Listing, *, reach_m: float) -> str:
    values = candidate_values([(asker(listing), reach_m)], count=32, today=TODAY)
    statement = candidate_statement(1).compile(session.get_bind())
    lines = session.connection().exec_driver_sql(
        f"EXPLAIN {statement}", statement.construct_params({**statement.params, **values})
    )
    return "\n".join(line for (line,) in lines)


def test_candidates_are_read_from_the_index_of_kind_material_and_place(norway):
    listing = asking_listings(norway, count=1, near_sandvika=True)[0]
    plan = plan_of(norway, listing, reach_m=8_000)
    assert "Seq Scan" not in plan
    assert re.findall(r"ix_listing_\w+", plan) == ["ix_listing_kind_material_key_position_25833"]
    assert re.search(r"Index Cond: .*kind.* = .*position_25833 && ", plan)


def test_candidates_far_away_are_read_from_the_index_of_those_that_reach_far(norway):
    """Which also holds the number in that index to the default reach of `geo.matching`."""
    listings = asking_listings(norway, count=40, near_sandvika=True)
    unlimited = next(listing for listing in listings if listing.max_distance_km is None)
    plan = plan_of(norway, unlimited, reach_m=750_000)
    assert "Seq Scan" not in plan
    assert "ix_listing_far_reaching" in plan


def test_where_many_are_near_a_look_or_two_is_enough(norway):
    with QueryCounter(norway.connection())() as statements:
        matches_for_listing(norway, asking_listings(norway, count=1, near_sandvika=True)[0], today=TODAY)
    assert len(statements) <= 5  # the listing itself, the looks, and what is shown of those found


# How many statements ----------------------------------------------------------------------------------------------


def test_several_listings_take_as_many_statements_as_one(session, make, count_queries):
    project = make.project()
    listings = [make.listing(project=project, project_id=project.id) for _ in range(3)]
    for _ in range(12):
        make.listing(kind=DEMAND)
    with count_queries() as for_one:
        matches_for_listings(session, listings[:1], today=TODAY)
    with count_queries() as for_three:
        found = matches_for_listings(session, listings, today=TODAY)
    assert len(for_three) == len(for_one)
    assert all(each.fits for each in found.values())


def test_more_listings_than_one_statement_holds_all_have_their_matches(session, make):
    project = make.project()
    listings = [make.listing(project=project, project_id=project.id) for _ in range(AT_ONCE + 2)]
    demand = make.listing(kind=DEMAND)
    found = matches_for_listings(session, listings, today=TODAY)
    assert [ids_of(found[listing.id])[0] for listing in listings] == [[demand.id]] * len(listings)


# Who asks, and who is found ---------------------------------------------------------------------------------------


@pytest.fixture
def demand(make: Factory) -> Listing:
    return make.listing(kind=DEMAND, mass_t=500)


def matched_ids(session: Session, listing: Listing) -> list[int]:
    return ids_of(matches_for_listing(session, listing, today=TODAY))[0]


def test_a_match_carries_what_a_row_shows(session, make, demand):
    organisation = make.organisation(name="Eksempel Anlegg AS")
    project = make.project(organisation, name="Eksempel: tunnel")
    surplus = make.listing(
        project=project,
        mass_t=1000,
        min_lot_t=Decimal(100),
        fraction_min_mm=Decimal(0),
        fraction_max_mm=Decimal(400),
        price_kind=PriceKind.TAKER_PAYS,
        price_nok_per_t=Decimal(45),
        position=(10.60, 59.90),
        is_example=True,
    )
    (match,) = matches_for_listing(session, demand, today=TODAY).fits
    shown = match.listing
    assert (shown.id, shown.kind, shown.material_key) == (surplus.id, SURPLUS, "blasted_rock")
    assert (shown.mass_t, shown.min_lot_t, shown.fraction_mm) == (1000, 100, (0, 400))
    assert (shown.price_kind, shown.price_nok_per_t) == (PriceKind.TAKER_PAYS, 45)
    assert (shown.organisation_name, shown.project_name) == ("Eksempel Anlegg AS", "Eksempel: tunnel")
    assert (shown.municipality_name, shown.is_example) == ("Bærum", True)
    assert (shown.position.lon, shown.position.lat) == pytest.approx((10.60, 59.90), abs=1e-6)
    assert match.distance_m == pytest.approx(Position(lon=10.60, lat=59.90).distance_m(position_of(demand)), abs=0.01)
    assert match.assessment.coverage == 1
    assert match.assessment.share_used == 0.5


@pytest.mark.parametrize("status", [ListingStatus.DRAFT, ListingStatus.PAUSED, ListingStatus.CLOSED])
def test_only_open_listings_are_found(session, make, demand, status):
    closed = {"closed_at": NOW, "closed_reason": ClosedReason.OWNER} if status is ListingStatus.CLOSED else {}
    make.listing(status=status, **closed)
    make.listing(available_from=TODAY - timedelta(days=40), available_to=TODAY - timedelta(days=1))
    assert matches_for_listing(session, demand, today=TODAY).is_empty


@pytest.mark.parametrize("status", [ListingStatus.DRAFT, ListingStatus.PAUSED])
def test_a_listing_nobody_else_sees_has_matches_for_its_owner(session, make, status):
    surplus = make.listing()
    assert matched_ids(session, make.listing(kind=DEMAND, status=status)) == [surplus.id]


def test_a_closed_listing_has_none(session, make):
    make.listing()
    closed = make.listing(kind=DEMAND, status=ListingStatus.CLOSED, closed_at=NOW, closed_reason=ClosedReason.OWNER)
    assert matches_for_listing(session, closed, today=TODAY).is_empty


def test_a_listing_whose_period_is_over_has_none(session, make):
    make.listing()
    over = make.listing(kind=DEMAND, available_from=TODAY - timedelta(days=9), available_to=TODAY - timedelta(days=1))
    assert matches_for_listing(session, over, today=TODAY).is_empty


def test_only_what_is_still_to_come_of_two_periods_counts(session, make):
    begun = {"available_from": TODAY - timedelta(days=200), "available_to": TODAY + timedelta(days=4)}
    make.listing(**begun)
    (match,) = matches_for_listing(session, make.listing(kind=DEMAND, **begun), today=TODAY).fits
    assert match.assessment.period.overlap_days == 5


def test_what_ones_own_organisation_has_is_found_and_marked(session, make, demand):
    own = make.listing(demand.organisation, project=None)
    other = make.listing()
    found = matches_for_listing(session, demand, today=TODAY).fits
    assert {match.listing.id: match.is_own for match in found} == {own.id: True, other.id: False}


def test_a_listing_that_reaches_far_is_found_beyond_the_default(session, make):
    """140 km apart, where nobody who has said nothing would go."""
    far = make.listing(position=(10.4662, 61.1153), max_distance_km=Decimal(200))
    make.listing(position=(10.4662, 61.1153))
    found = matches_for_listing(session, make.listing(kind=DEMAND), today=TODAY)
    assert ids_of(found) == ([far.id], [])
    assert found.fits[0].distance_m > DEFAULT_REACH_KM * 2_500


def test_a_near_miss_is_no_match(session, make):
    early = make.listing(available_to=TODAY + timedelta(days=9))
    demand = make.listing(
        kind=DEMAND, available_from=TODAY + timedelta(days=30), available_to=TODAY + timedelta(days=90)
    )
    assert ids_of(matches_for_listing(session, demand, today=TODAY)) == ([], [early.id])


def test_small_changes_come_before_large_ones(session, make):
    demand = make.listing(
        kind=DEMAND, available_from=TODAY + timedelta(days=90), available_to=TODAY + timedelta(days=120)
    )
    gaps = {gap: make.listing(available_to=TODAY + timedelta(days=90 - gap)).id for gap in (60, 3, 20)}
    found = matches_for_listing(session, demand, today=TODAY)
    assert ids_of(found) == ([], [gaps[3], gaps[20], gaps[60]])


# Bad data ---------------------------------------------------------------------------------------------------------


def test_fractions_that_no_form_takes_count_as_not_given(session, make):
    coarse = {"fraction_min_mm": Decimal(0), "fraction_max_mm": Decimal(9000)}
    odd = make.listing(material="crushed_rock", **coarse)
    asked = make.listing(kind=DEMAND, material="crushed_rock", fraction_min_mm=Decimal(8), fraction_max_mm=Decimal(16))
    assert matched_ids(session, asked) == [odd.id]
    assert matched_ids(session, odd) == [asked.id]


def test_a_limit_beyond_all_sense_counts_as_the_farthest(session, make):
    there = make.listing(position=(18.9553, 69.6492), max_distance_km=Decimal(900_000))
    here = make.listing(kind=DEMAND, max_distance_km=Decimal(900_000))
    assert matched_ids(session, here) == []
    near = make.listing(position=(10.3951, 63.4305), max_distance_km=Decimal(900_000))
    assert matched_ids(session, here) == [near.id]
    assert there.id != near.id


def test_a_material_that_the_taxonomy_no_longer_has_has_no_matches(session, make):
    session.add(MaterialRow(key="gone", group=MaterialGroup.STONE, name_no="Borte", name_en="Gone", rank=999))
    session.flush()
    make.listing(material="gone", is_proven=False)
    assert matches_for_listing(session, make.listing(kind=DEMAND, material="gone"), today=TODAY).is_empty
