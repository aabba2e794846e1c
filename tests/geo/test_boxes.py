"""Boxes of longitudes and latitudes in the stored system."""

import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from geo.crs import stored_box
from geo.geometry import BBox
from geo.prepared import BoxForm, bent_box, box_form

CITY = BBox(west=10.6, south=59.85, east=10.9, north=59.98)

boxes = st.tuples(st.floats(4.0, 31.0), st.floats(57.5, 71.0), st.floats(0.001, 25.0), st.floats(0.001, 12.0)).map(
    lambda box: BBox(west=box[0], south=box[1], east=min(box[0] + box[2], 32.5), north=min(box[1] + box[3], 71.8))
)


def exact(box: BBox) -> shapely.Polygon:
    return stored_box(box.west, box.south, box.east, box.north)


@given(boxes)
def test_the_outline_is_true_to_some_metres(box: BBox) -> None:
    apart = shapely.hausdorff_distance(shapely.Polygon(bent_box(box).corners), exact(box), densify=0.5)
    assert apart < (3.0 if box.east - box.west < 12.0 else 20.0)


@given(boxes)
def test_one_upright_box_lies_inside_and_one_around(box: BBox) -> None:
    bent, outline = bent_box(box), exact(box)
    assert bent.inside is None or outline.covers(shapely.box(*bent.inside))
    assert shapely.box(*bent.around).buffer(20.0).covers(outline)


def test_a_city_on_the_map_is_mostly_an_upright_box() -> None:
    inside = bent_box(CITY).inside
    assert inside is not None
    assert shapely.box(*inside).area > 0.8 * exact(CITY).area


@pytest.mark.parametrize(
    ("box", "form"),
    [
        (BBox(west=3.0, south=57.0, east=33.0, north=72.0), BoxForm.WHOLE),
        (CITY, BoxForm.BENT),
        (BBox(west=29.0, south=69.0, east=29.3, north=71.0), BoxForm.SMALL),
        (BBox(west=10.7, south=59.9, east=10.75, north=59.92), BoxForm.SMALL),
    ],
)
def test_a_box_has_the_form_that_its_place_and_size_give_it(box: BBox, form: BoxForm) -> None:
    assert box_form(box) is form
