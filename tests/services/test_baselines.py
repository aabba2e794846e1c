"""What would have happened without a deal: as said of a listing, and found for many comparisons at once."""

from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from geo.geometry import Position
from geo.impact import Method
from geo.routing import CircuityRouter, LegStatus, Stop
from geo.routing import Leg as RoadLeg
from geo.units import EnteredUnit
from marketplace import routing
from marketplace.errors import InvalidInput
from marketplace.impact_basis import BasisPlace, Chosen
from marketplace.models import Listing
from marketplace.queries.baselines import Near, facilities_near
from marketplace.services.impact_baselines import Way, WayStop, bases_of
from marketplace.services.listings import ListingDetails, create_listing, duplicate_listing, update_listing
from marketplace.types import FacilityKind, ListingKind
from tests.conftest import NOW
from tests.factories import BAERUM, SANDVIKA, Factory
from tests.services.test_bulk import check, csv_file, problems_of, row, send, stage

DRAMMEN, SKUI, LIER, FAR = (10.2100, 59.7050), (10.4700, 59.9180), (10.2400, 59.7900), (10.9700, 59.9050)


def stop(place: tuple[float, float], *, name: str = "Her", number: str = BAERUM) -> WayStop:
    lon, lat = place
    kept = BasisPlace(name=name, municipality="Bærum", municipality_number=number, lon=lon, lat=lat)
    return WayStop(place=kept, position=Position(lon=lon, lat=lat))


def way(**values: object) -> Way:
    defaults = {"stops": (stop(SANDVIKA), stop(LIER)), "material_key": "blasted_rock", "needed_key": "blasted_rock"}
    return Way(**{**defaults, **values})


@pytest.fixture
def today(make: Factory) -> object:
    return make.today


def test_only_those_that_are_open_and_may_take_it_are_near(session: Session, make: Factory) -> None:
    near = make.facility(kind=FacilityKind.LANDFILL, position=DRAMMEN, accepts=["clay", "blasted_rock"])
    make.facility(kind=FacilityKind.LANDFILL, accepts=["clay"])
    make.facility(kind=FacilityKind.LANDFILL, closes_on=make.today - timedelta(days=1))
    make.facility(kind=FacilityKind.LANDFILL, opens_on=make.today + timedelta(days=1))
    make.facility(kind=FacilityKind.LANDFILL, permit_ends_on=make.today - timedelta(days=1))
    make.facility(kind=FacilityKind.LANDFILL, closed_at=NOW)
    make.facility(kind=FacilityKind.QUARRY)
    asked = Near(
        kind=FacilityKind.LANDFILL,
        materials=("blasted_rock",),
        position=Position(lon=SANDVIKA[0], lat=SANDVIKA[1]),
    )
    found = facilities_near(session, [asked, asked], today=make.today)
    assert [each.id for each in found[asked]] == [near.id]


def test_many_comparisons_ask_as_often_as_one(session: Session, make: Factory, count_queries: object) -> None:
    make.facility(kind=FacilityKind.LANDFILL, position=DRAMMEN)
    make.facility(kind=FacilityKind.QUARRY, position=SKUI)
    counts = []
    for ways in ([way()], [way(), way(stops=(stop(FAR), stop(LIER))), way(stops=(stop(SKUI), stop(FAR)))]):
        with count_queries() as asked:  # type: ignore[operator]
            assert len(bases_of(session, ways, today=make.today)) == len(ways)
        counts.append(len(asked))
    assert counts[0] == counts[1]


class HalfRoads(CircuityRouter):
    """Knows every road but those to one place."""

    method = Method.ROAD  # type: ignore[assignment,misc]

    def __init__(self, *, unknown: tuple[float, float] | None) -> None:
        super().__init__()
        self.unknown = unknown

    def matrix(self, origins: object, destinations: object) -> list[list[RoadLeg]]:
        return [[self.route(one, other) for other in destinations] for one in origins]  # type: ignore[attr-defined]

    def route(self, origin: Stop, destination: Stop) -> RoadLeg:
        is_unknown = self.unknown is not None and abs(destination.position.lon - self.unknown[0]) < 1e-4
        leg = self.estimate(origin, destination, status=LegStatus.NO_ROUTE if is_unknown else LegStatus.FOUND)
        if is_unknown:
            return leg
        return RoadLeg(
            status=LegStatus.FOUND, straight_m=leg.straight_m, factor=leg.factor, road_m=leg.straight_m * 2, road_s=60.0
        )


def test_by_road_where_every_leg_is_known(session: Session, make: Factory, monkeypatch: pytest.MonkeyPatch) -> None:
    make.facility(kind=FacilityKind.LANDFILL, position=DRAMMEN)
    monkeypatch.setattr(routing, "router", lambda *_: HalfRoads(unknown=None))
    (basis,) = bases_of(session, [way()], today=make.today)
    assert basis.method is Method.ROAD
    assert basis.network_version


def test_one_leg_off_the_roads_and_all_are_estimates(
    session: Session, make: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    make.facility(kind=FacilityKind.LANDFILL, position=DRAMMEN)
    (straight,) = bases_of(session, [way()], today=make.today)
    monkeypatch.setattr(routing, "router", lambda *_: HalfRoads(unknown=DRAMMEN))
    (basis,) = bases_of(session, [way()], today=make.today)
    assert (basis.method, basis.network_version) == (Method.ESTIMATE, None)
    assert [leg.length_km for leg in basis.legs] == [leg.length_km for leg in straight.legs]


def test_a_landfill_that_no_road_leads_to_is_passed_over(
    session: Session, make: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    make.facility(kind=FacilityKind.LANDFILL, position=DRAMMEN)
    reached = make.facility(kind=FacilityKind.LANDFILL, position=FAR)
    monkeypatch.setattr(routing, "router", lambda *_: HalfRoads(unknown=DRAMMEN))
    (basis,) = bases_of(session, [way()], today=make.today)
    assert basis.method is Method.ROAD
    assert basis.landfill is not None
    assert basis.landfill.facility_id == reached.id


def test_who_takes_concrete_in_takes_crushed_concrete_in(session: Session, make: Factory) -> None:
    landfill = make.facility(kind=FacilityKind.LANDFILL, accepts=["concrete"])
    (basis,) = bases_of(session, [way(material_key="crushed_concrete", needed_key="base_course")], today=make.today)
    assert basis.landfill is not None
    assert basis.landfill.facility_id == landfill.id
    assert (basis.quarry, basis.quarry_chosen) == (None, Chosen.NOBODY)


# As said of a listing ---------------------------------------------------------------------------------------------


def details(make: Factory, **values: object) -> ListingDetails:
    defaults = {
        "kind": ListingKind.SURPLUS,
        "material_key": "clay",
        "entered_value": Decimal(500),
        "entered_unit": EnteredUnit.TONNE,
        "available_from": make.today,
        "available_to": make.today + timedelta(days=30),
        "own_position": Position(lon=SANDVIKA[0], lat=SANDVIKA[1]),
    }
    return ListingDetails(**{**defaults, **values})


def test_a_surplus_names_where_it_would_have_gone(session: Session, make: Factory) -> None:
    organisation = make.organisation()
    actor = make.actor(make.member(organisation))
    landfill = make.facility(kind=FacilityKind.LANDFILL, accepts=["clay"])
    listing = create_listing(
        session,
        actor,
        organisation_id=organisation.id,
        details=details(make, baseline_facility_id=landfill.id),
        now=NOW,
    )
    assert listing.baseline_facility_id == landfill.id
    update_listing(session, actor, listing_id=listing.id, details=details(make), now=NOW)
    assert listing.baseline_facility_id == landfill.id, "what nobody speaks of stays"
    assert duplicate_listing(session, actor, listing_id=listing.id, now=NOW).baseline_facility_id == landfill.id
    update_listing(session, actor, listing_id=listing.id, details=details(make, baseline_facility_id=None), now=NOW)
    assert listing.baseline_facility_id is None


@pytest.mark.parametrize(
    ("kind", "facility"),
    [
        (ListingKind.SURPLUS, {"kind": FacilityKind.LANDFILL, "accepts": ["blasted_rock"]}),
        (ListingKind.DEMAND, {"kind": FacilityKind.LANDFILL, "accepts": ["clay"]}),
    ],
)
def test_what_makes_no_sense_cannot_be_named(
    session: Session, make: Factory, kind: ListingKind, facility: dict[str, object]
) -> None:
    organisation = make.organisation()
    named = make.facility(**facility)
    with pytest.raises(InvalidInput) as refused:
        create_listing(
            session,
            make.actor(make.member(organisation)),
            organisation_id=organisation.id,
            details=details(make, kind=kind, baseline_facility_id=named.id),
            now=NOW,
        )
    assert [each.field for each in refused.value.errors] == ["baseline_facility_id"]


def test_a_facility_that_is_none_cannot_be_named(session: Session, make: Factory) -> None:
    organisation = make.organisation()
    with pytest.raises(InvalidInput):
        create_listing(
            session,
            make.actor(make.member(organisation)),
            organisation_id=organisation.id,
            details=details(make, baseline_facility_id=9_999_999),
            now=NOW,
        )


def test_a_row_of_a_file_names_it_too(session: Session, make: Factory) -> None:
    actor = make.actor(make.member())
    quarry = make.facility(kind=FacilityKind.QUARRY, name="Pukkverket Nord", accepts=["blasted_rock"])
    send(session, actor, [row(Alternativt_anlegg="pukkverket nord")])
    listing = session.scalars(select(Listing)).one()
    assert listing.baseline_facility_id == quarry.id
    send(session, actor, [row(Mengde="13 000")])
    session.refresh(listing)
    assert (listing.mass_t, listing.baseline_facility_id) == (13_000, quarry.id), "what a file does not name stays"
    bad = check(session, stage(session, actor, csv_file([row(Alternativt_anlegg="Ingen")])).batch)
    assert [column for _, column, _ in problems_of(session, bad)] == ["baseline_facility_id"]
