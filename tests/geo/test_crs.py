"""Transforms against worked vectors, and distances."""

import math

import pytest
import shapely
from hypothesis import assume, given

from geo import crs, norway
from geo.geometry import Position
from geo.units import SRID_LONLAT, SRID_STORED, SRID_UTM32
from tests.geo.strategies import positions

STEINSKOGEN = Position(lon=10.52619, lat=59.93853)
BONDKALL = Position(lon=10.92407, lat=59.97992)


@pytest.mark.parametrize(
    ("position", "srid", "east", "north"),
    [
        (STEINSKOGEN, SRID_UTM32, 585280.19, 6645548.56),
        (STEINSKOGEN, SRID_STORED, 250125.11, 6653015.14),
        (BONDKALL, SRID_UTM32, 607375.12, 6650736.19),
        (BONDKALL, SRID_STORED, 272612.18, 6656182.37),
    ],
)
def test_known_places_project_to_the_centimetre(position, srid, east, north):
    x, y = crs.transform_point(position.lon, position.lat, source_srid=SRID_LONLAT, target_srid=srid)
    assert (x, y) == pytest.approx((east, north), abs=0.006)


def test_geodesic_distance_of_the_two_quarries():
    assert STEINSKOGEN.distance_m(BONDKALL) == pytest.approx(22_702, abs=0.5)


@pytest.mark.parametrize(
    ("lon", "srid"),
    [(5.32, 25832), (10.75, 25832), (11.99, 25832), (12.0, 25833), (18.96, 25834), (25.5, 25835), (31.1, 25836)],
)
def test_utm_zone_is_the_one_site_drawings_use(lon, srid):
    assert crs.utm_srid(lon) == srid


def test_area_of_a_square_with_a_hole_leaves_the_hole_out_whichever_way_its_rings_turn():
    square = shapely.box(10.5, 59.9, 10.6, 59.95)
    hole = shapely.box(10.52, 59.91, 10.54, 59.92)
    both = shapely.Polygon(square.exterior, [hole.exterior])
    assert crs.area_m2(both) == pytest.approx(crs.area_m2(square) - crs.area_m2(hole))
    assert crs.area_m2(both.reverse()) == pytest.approx(crs.area_m2(both))


def test_area_of_a_cell_of_the_graticule():
    """R^2 x width x (sin north - sin south) on a sphere of the local radius (6,384 km); the ellipsoid within 0.2 %."""
    spherical = 6_384_000**2 * math.radians(0.1) * (math.sin(math.radians(60)) - math.sin(math.radians(59.9)))
    assert crs.area_m2(shapely.box(10, 59.9, 10.1, 60)) == pytest.approx(spherical, rel=0.002)


@given(position=positions())
def test_stored_position_comes_back_within_a_millimetre(position):
    back = crs.from_stored(crs.to_stored(shapely.Point(position.lon, position.lat)))
    assert crs.distance_m(position.lon, position.lat, back.x, back.y) < 0.001


@given(one=positions(), other=positions())
def test_distance_is_the_same_from_either_end(one, other):
    assert one.distance_m(other) == pytest.approx(other.distance_m(one), abs=1e-6)


@given(one=positions(), other=positions())
def test_planar_distance_stays_within_the_stated_stretch(one, other):
    planar_m = shapely.distance(*(crs.to_stored(shapely.Point(p.lon, p.lat)) for p in (one, other)))
    geodesic_m = one.distance_m(other)
    assert geodesic_m * crs.PLANAR_STRETCH_MIN - 0.001 <= planar_m <= geodesic_m * crs.PLANAR_STRETCH_MAX + 0.001


@given(one=positions(), other=positions(), inside=positions())
def test_stored_box_holds_everything_in_the_box(one, other, inside):
    west, east = sorted((one.lon, other.lon))
    south, north = sorted((one.lat, other.lat))
    assume(west < east and south < north)
    box = crs.stored_box(west, south, east, north)
    place = crs.to_stored(shapely.Point(min(max(inside.lon, west), east), min(max(inside.lat, south), north)))
    assert shapely.distance(box, place) < 2


@pytest.mark.parametrize(
    ("place", "lon", "lat", "is_inside"),
    [
        ("Lindesnes", 7.05, 57.98, True),
        ("Vardø", 31.1, 70.37, True),
        ("Røst", 12.08, 67.52, True),
        ("Utsira", 4.88, 59.31, True),
        ("Nordkapp", 25.78, 71.17, True),
        ("Halden", 11.39, 59.12, True),
        ("Stockholm", 18.07, 59.33, False),
        ("Göteborg", 11.97, 57.71, False),
        ("Kiruna", 20.22, 67.86, False),
        ("Murmansk", 33.08, 68.97, False),
        ("Longyearbyen", 15.63, 78.22, False),
    ],
)
def test_outline_holds_norway_and_not_its_neighbours(place, lon, lat, is_inside):
    assert shapely.contains_xy(norway.OUTLINE, lon, lat) == is_inside, place
