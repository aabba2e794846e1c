"""Reading positions and sites: what is mended, what is refused and why."""

import json

import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from geo import crs
from geo.errors import GeometryError, GeometryFault
from geo.geometry import (
    MAX_SITE_AREA_M2,
    MAX_TEXT_CHARS,
    MAX_VERTICES,
    BBox,
    Position,
    blur_position,
    position_of,
    read_bbox,
    read_point,
    read_position,
    read_site,
    to_geojson,
)
from tests.geo.strategies import positions

SQUARE = [[10.5, 59.9], [10.6, 59.9], [10.6, 59.95], [10.5, 59.95]]
HOLE = [[10.52, 59.91], [10.54, 59.91], [10.54, 59.92]]


def polygon(*rings: object) -> str:
    return json.dumps({"type": "Polygon", "coordinates": rings})


def point(*coordinates: object) -> str:
    return json.dumps({"type": "Point", "coordinates": coordinates})


def fault_of(text: str) -> tuple[GeometryFault, dict[str, object]]:
    with pytest.raises(GeometryError) as caught:
        read_site(text)
    return caught.value.code, caught.value.params


def test_open_ring_is_closed():
    assert list(read_site(polygon(SQUARE)).exterior.coords)[-1] == (10.5, 59.9)


@pytest.mark.parametrize("ring", [SQUARE, SQUARE[::-1]])
def test_outer_ring_turns_anticlockwise_and_holes_clockwise(ring):
    site = read_site(polygon(ring, HOLE))
    assert site.exterior.is_ccw
    assert [hole.is_ccw for hole in site.interiors] == [False]


def test_height_is_dropped():
    assert read_site(point(10.5, 59.9, 132.0)) == shapely.Point(10.5, 59.9)


def test_drawn_feature_and_collection_of_one_are_read():
    feature = {"type": "Feature", "properties": {}, "geometry": json.loads(polygon(SQUARE))}
    assert read_site(json.dumps(feature)) == read_site(polygon(SQUARE))
    assert read_site(json.dumps({"type": "FeatureCollection", "features": [feature]})) == read_site(polygon(SQUARE))


def test_overlapping_parts_become_one_area():
    other = [[10.55, 59.92], [10.65, 59.92], [10.65, 59.96], [10.55, 59.96]]
    site = read_site(json.dumps({"type": "MultiPolygon", "coordinates": [[SQUARE], [other]]}))
    assert site.geom_type == "Polygon"
    assert site.bounds == (10.5, 59.9, 10.65, 59.96)


def test_parts_apart_stay_apart():
    other = [[10.7, 59.92], [10.75, 59.92], [10.75, 59.96]]
    site = read_site(json.dumps({"type": "MultiPolygon", "coordinates": [[SQUARE], [other]]}))
    assert site.geom_type == "MultiPolygon"


def test_self_crossing_outline_is_refused_with_where_it_crosses():
    bow_tie = [[10.5, 59.9], [10.6, 59.95], [10.6, 59.9], [10.5, 59.95]]
    assert fault_of(polygon(bow_tie)) == (GeometryFault.SELF_CROSSING, {"lon": 10.55, "lat": 59.925})


def test_hole_outside_its_polygon_is_refused_with_where():
    outside = [[10.72, 59.91], [10.74, 59.91], [10.74, 59.92]]
    code, params = fault_of(polygon(SQUARE, outside))
    assert code is GeometryFault.INVALID_SHAPE
    assert params["lon"] >= 10.7


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", GeometryFault.NOT_JSON),
        ("<b>10</b>", GeometryFault.NOT_JSON),
        ("[" * 100_000, GeometryFault.NOT_JSON),
        ("[]", GeometryFault.NOT_JSON),
        ("null", GeometryFault.NOT_JSON),
        ("NaN", GeometryFault.NOT_FINITE),
        (point(10.5, 59.9).replace("59.9", "NaN"), GeometryFault.NOT_FINITE),
        (point(10.5, 59.9).replace("59.9", "1e999"), GeometryFault.NOT_FINITE),
        (point(10.5, 59.9).replace("59.9", "9" * 400), GeometryFault.NOT_FINITE),
        (point(10.5, 59.9).replace("59.9", "9" * 5000), GeometryFault.NOT_JSON),
        ("x" * (MAX_TEXT_CHARS + 1), GeometryFault.TOO_LONG),
        (point(True, 59.9), GeometryFault.BAD_COORDINATES),
        (point("10.5", "59.9"), GeometryFault.BAD_COORDINATES),
        (point(10.5), GeometryFault.BAD_COORDINATES),
        (point([10.5, 59.9]), GeometryFault.BAD_COORDINATES),
        (point(), GeometryFault.EMPTY),
        (polygon(), GeometryFault.EMPTY),
        (polygon([]), GeometryFault.EMPTY),
        (polygon(SQUARE, []), GeometryFault.EMPTY),
        (polygon(*SQUARE), GeometryFault.BAD_COORDINATES),
        (polygon([[[[[[1]]]]]]), GeometryFault.BAD_COORDINATES),
        ('{"type": "Point", "coordinates": {"lon": 10}}', GeometryFault.BAD_COORDINATES),
        ('{"type": "Point"}', GeometryFault.BAD_COORDINATES),
        ('{"type": "Feature", "geometry": null}', GeometryFault.EMPTY),
        ('{"type": "FeatureCollection", "features": []}', GeometryFault.EMPTY),
        ('{"type": "LineString", "coordinates": [[10.5, 59.9], [10.6, 59.9]]}', GeometryFault.UNSUPPORTED_TYPE),
        ('{"type": ["Point"], "coordinates": [10.5, 59.9]}', GeometryFault.UNSUPPORTED_TYPE),
        (polygon(SQUARE[:2]), GeometryFault.TOO_FEW_POINTS),
        (polygon([SQUARE[0]] * 5), GeometryFault.TOO_FEW_POINTS),
        (polygon([[10.5, 59.9], [10.6, 59.9], [10.7, 59.9]]), GeometryFault.NO_AREA),
        (point(59.9, 10.5), GeometryFault.SWAPPED_LAT_LON),
        (polygon([[lat, lon] for lon, lat in SQUARE]), GeometryFault.SWAPPED_LAT_LON),
        (point(18.07, 59.33), GeometryFault.OUTSIDE_NORWAY),
        (point(0, 0), GeometryFault.OUTSIDE_NORWAY),
        (polygon([*SQUARE, [2.0, 59.0]]), GeometryFault.OUTSIDE_NORWAY),
        (point(250125.11, 6653015.14), GeometryFault.NOT_DEGREES),
    ],
)
def test_bad_site_is_refused_with_its_reason(text, fault):
    assert fault_of(text)[0] is fault


def test_site_larger_than_any_project_is_refused():
    code, params = fault_of(polygon([[10, 59.9], [10.4, 59.9], [10.4, 60.2], [10, 60.2]]))
    assert code is GeometryFault.TOO_LARGE_AREA
    assert params["area_m2"] > params["limit_m2"] == MAX_SITE_AREA_M2


def test_too_many_vertices_are_counted_over_all_parts():
    ring = [[round(10.5 + i * 1e-5, 6), 59.9] for i in range(MAX_VERTICES // 2 + 1)]
    code, params = fault_of(json.dumps({"type": "MultiPolygon", "coordinates": [[ring], [ring]]}))
    assert code is GeometryFault.TOO_MANY_VERTICES
    assert params == {"count": MAX_VERTICES + 2, "limit": MAX_VERTICES}


def test_position_is_read_with_decimal_comma():
    assert read_position(" 10,52619", "59.93853 ") == Position(lon=10.52619, lat=59.93853)


@pytest.mark.parametrize(
    ("lon", "lat", "fault"),
    [
        ("59.9", "10.5", GeometryFault.SWAPPED_LAT_LON),
        ("18.07", "59.33", GeometryFault.OUTSIDE_NORWAY),
        ("", "59.9", GeometryFault.BAD_COORDINATES),
        ("10.5 E", "59.9", GeometryFault.BAD_COORDINATES),
        ("nan", "59.9", GeometryFault.NOT_FINITE),
        ("10.5", "inf", GeometryFault.NOT_FINITE),
        ("585280", "6645548", GeometryFault.NOT_DEGREES),
    ],
)
def test_bad_position_is_refused_with_its_reason(lon, lat, fault):
    with pytest.raises(GeometryError) as caught:
        read_position(lon, lat)
    assert caught.value.code is fault


def test_swapped_position_tells_what_was_given():
    with pytest.raises(GeometryError, match=r"swapped_lat_lon lon=59\.9 lat=10\.5"):
        read_point(point(59.9, 10.5))


def test_point_reader_takes_no_polygon():
    with pytest.raises(GeometryError, match="unsupported_type type=Polygon allowed=Point"):
        read_point(polygon(SQUARE))


def test_bbox_is_read():
    assert read_bbox("10.1, 59.7,10.9,60.1") == BBox(west=10.1, south=59.7, east=10.9, north=60.1)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("10,59,11", GeometryFault.BAD_COORDINATES),
        ("10,59,11,60,61", GeometryFault.BAD_COORDINATES),
        ("10,59,x,60", GeometryFault.BAD_COORDINATES),
        ("11,59,10,60", GeometryFault.WRONG_RANGE),
        ("10,60,11,59", GeometryFault.WRONG_RANGE),
        ("10,59,nan,60", GeometryFault.NOT_FINITE),
        ("10,59,11,95", GeometryFault.NOT_DEGREES),
    ],
)
def test_bad_bbox_is_refused_with_its_reason(text, fault):
    with pytest.raises(GeometryError) as caught:
        read_bbox(text)
    assert caught.value.code is fault


def test_position_of_a_polygon_lies_in_it_and_not_in_its_hole():
    site = read_site(polygon(SQUARE, [[10.51, 59.905], [10.59, 59.905], [10.59, 59.945], [10.51, 59.945]]))
    place = position_of(site)
    assert site.contains(shapely.Point(place.lon, place.lat))


@st.composite
def stars(draw: st.DrawFn) -> shapely.Polygon:
    """A star-shaped site around a place in Norway, some tens of metres to two kilometres wide."""
    centre = draw(positions())
    reaches_m = draw(st.lists(st.floats(20, 2000), min_size=3, max_size=30))
    return shapely.Polygon(
        [
            crs.destination(centre.lon, centre.lat, azimuth_deg=360 * number / len(reaches_m), distance_m=reach_m)
            for number, reach_m in enumerate(reaches_m)
        ]
    )


def accepted(text: str) -> bool:
    """Whether a site is accepted; a star at the rim of the outline, or a sliver, is not."""
    try:
        read_site(text)
    except GeometryError as error:
        return error.code not in {GeometryFault.OUTSIDE_NORWAY, GeometryFault.SELF_CROSSING, GeometryFault.NO_AREA}
    return True


@given(text=stars().map(shapely.to_geojson).filter(accepted))
def test_accepted_site_given_out_and_read_again_is_the_same(text):
    site = read_site(text)
    assert read_site(json.dumps(to_geojson(site))) == site
    assert read_site(json.dumps(to_geojson(crs.from_stored(crs.to_stored(site))))) == site


@given(position=positions())
def test_position_given_out_and_read_again_is_the_same(position):
    assert read_point(json.dumps(to_geojson(shapely.Point(position.lon, position.lat)))) == position


@given(position=positions(), key=st.binary(max_size=200), radius_m=st.floats(1, 5000))
def test_blurred_position_is_within_the_radius_and_always_the_same(position, key, radius_m):
    blurred = blur_position(position, key=key, radius_m=radius_m)
    assert position.distance_m(blurred) <= radius_m + 0.001
    assert blur_position(position, key=key, radius_m=radius_m) == blurred


def test_blur_spreads_over_the_whole_circle():
    """Uniform over the disc: the mean distance is 2/3 of the radius, and the mean place the true one."""
    true = Position(lon=10.5, lat=59.9)
    blurred = [blur_position(true, key=str(number).encode()) for number in range(2000)]
    assert sum(true.distance_m(place) for place in blurred) / len(blurred) == pytest.approx(667, abs=20)
    mean = Position(lon=sum(p.lon for p in blurred) / 2000, lat=sum(p.lat for p in blurred) / 2000)
    assert true.distance_m(mean) < 50


def test_blur_depends_on_the_key():
    true = Position(lon=10.5, lat=59.9)
    assert blur_position(true, key=b"one") != blur_position(true, key=b"other")
