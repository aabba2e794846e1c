"""The PostGIS expressions of `geo.postgis` and `geo.prepared` say the same as `geo` does in Python."""

import random

import pytest
import shapely
from geoalchemy2 import Geometry
from sqlalchemy import BigInteger, Column, MetaData, Table, select
from sqlalchemy.orm import Session

from geo import norway, postgis, prepared
from geo.geometry import BBox, Position, to_geojson
from geo.prepared import BoxForm
from geo.units import SRID_STORED

OSLO = Position(lon=10.75, lat=59.91)
PLACE = Table(
    "place_of_test",
    MetaData(),
    Column("id", BigInteger, primary_key=True),
    Column("point_25833", Geometry("POINT", srid=SRID_STORED, spatial_index=False)),
    prefixes=["TEMPORARY"],
)
POINT = PLACE.c.point_25833


def scattered(count: int) -> list[Position]:
    """Half of them over all of Norway, half around Oslo; the same each time."""
    chance = random.Random(25833)
    west, south, east, north = norway.BOUNDS_LONLAT
    found: list[Position] = []
    while len(found) < count:
        if len(found) % 2:
            place = Position(lon=round(chance.gauss(OSLO.lon, 0.4), 6), lat=round(chance.gauss(OSLO.lat, 0.2), 6))
        else:
            place = Position(lon=round(chance.uniform(west, east), 6), lat=round(chance.uniform(south, north), 6))
        if shapely.contains_xy(norway.OUTLINE, place.lon, place.lat):
            found.append(place)
    return found


@pytest.fixture
def places(session: Session) -> dict[int, Position]:
    PLACE.create(session.connection())
    made = dict(enumerate(scattered(600)))
    session.execute(
        PLACE.insert(),
        [{"id": id_, "point_25833": postgis.stored(shapely.Point(p.lon, p.lat))} for id_, p in made.items()],
    )
    return made


BOXES = [
    BBox(west=10.5, south=59.8, east=11.0, north=60.0),
    BBox(west=4.5, south=60.0, east=8.0, north=62.5),
    BBox(west=20.0, south=69.0, east=31.0, north=71.2),
    BBox(west=5.0, south=58.0, east=31.0, north=71.0),
    BBox(west=3.0, south=57.0, east=33.0, north=72.0),
    BBox(west=20.0, south=55.0, east=21.0, north=56.0),
]


@pytest.mark.parametrize("bbox", BOXES)
def test_point_in_box_finds_just_what_lies_in_the_box(session, places, bbox):
    """In the form that is chosen for the box, and compared with its outline alone."""
    expected = {
        id_
        for id_, place in places.items()
        if bbox.west <= place.lon <= bbox.east and bbox.south <= place.lat <= bbox.north
    }
    for form in (prepared.box_form(bbox), BoxForm.SMALL):
        query = select(PLACE.c.id).where(prepared.point_in_box(POINT, "view", form=form))
        assert set(session.scalars(query, prepared.box_values("view", bbox, form=form))) == expected


@pytest.mark.parametrize("distance_m", [500, 20_000, 150_000, 1_500_000])
def test_within_distance_finds_just_what_lies_within_the_geodesic_distance(session, places, distance_m):
    expected = {id_ for id_, place in places.items() if OSLO.distance_m(place) <= distance_m}
    values = prepared.place_values("oslo", OSLO) | prepared.distance_values("oslo", distance_m=distance_m)
    exact = set(session.scalars(select(PLACE.c.id).where(prepared.within_distance(POINT, "oslo")), values))
    reach = postgis.within_reach(POINT, postgis.point_25833(OSLO), reach_m=distance_m)
    assert exact == expected
    assert set(session.scalars(select(PLACE.c.id).where(reach))) >= expected


def test_geodesic_distance_is_the_one_python_gives(session, places):
    query = select(PLACE.c.id, prepared.geodesic_m(POINT, "oslo"))
    for id_, distance_m in session.execute(query, prepared.place_values("oslo", OSLO)):
        assert distance_m == pytest.approx(OSLO.distance_m(places[id_]), abs=0.002)


def test_distance_between_columns_is_the_one_python_gives(session, places):
    other = PLACE.alias()
    query = select(postgis.geodesic_between_m(POINT, other.c.point_25833)).where(
        PLACE.c.id == 1, other.c.id == PLACE.c.id + 1
    )
    assert session.scalar(query) == pytest.approx(places[1].distance_m(places[2]), abs=0.002)


def test_nearest_first_orders_as_python_does_around_a_city(session, places):
    point = postgis.point_25833(OSLO)
    found = session.scalars(select(PLACE.c.id).order_by(postgis.nearest_first(POINT, point)).limit(20)).all()
    assert set(found) == set(sorted(places, key=lambda id_: OSLO.distance_m(places[id_]))[:20])


def test_what_is_stored_comes_back_in_every_form(session, places):
    query = select(POINT, *postgis.lon_lat(POINT)).where(PLACE.c.id == 7)
    element, lon, lat = session.execute(query).one()
    back = postgis.loaded(element)
    assert (lon, lat) == pytest.approx((places[7].lon, places[7].lat), abs=1e-9)
    assert (back.x, back.y) == pytest.approx((lon, lat), abs=1e-9)
    assert to_geojson(back)["coordinates"] == [places[7].lon, places[7].lat]


def test_grid_cell_is_64_pixels_of_a_web_map():
    """A pixel of zoom 0 is 156,543 m at the equator, half of that at 60 degrees north."""
    assert postgis.grid_cell_m(0, lat=60) == pytest.approx(64 * 156_543.03 / 2, rel=1e-6)
    assert postgis.grid_cell_m(10, lat=60) == pytest.approx(64 * 156_543.03 / 2 / 1024, rel=1e-6)
