"""Boxes of longitudes and latitudes in the stored system."""

import shapely
from hypothesis import given
from hypothesis import strategies as st

from geo.crs import box_inside, stored_box
from geo.geometry import BBox
from geo.prepared import BoxForm, box_form

edges = st.tuples(st.floats(4.0, 31.0), st.floats(57.5, 71.0), st.floats(0.001, 20.0), st.floats(0.001, 8.0)).map(
    lambda box: (box[0], box[1], min(box[0] + box[2], 32.5), min(box[1] + box[3], 71.8))
)


@given(edges)
def test_the_upright_box_lies_inside_the_bent_one(box: tuple[float, float, float, float]) -> None:
    inside = box_inside(*box)
    assert inside is None or stored_box(*box).covers(shapely.box(*inside))


def test_a_map_is_mostly_an_upright_box() -> None:
    city = (10.6, 59.85, 10.9, 59.98)
    inside = box_inside(*city)
    assert inside is not None
    assert shapely.box(*inside).area > 0.8 * stored_box(*city).area


def test_a_box_has_the_form_that_its_place_and_size_give_it() -> None:
    assert box_form(BBox(west=3.0, south=57.0, east=33.0, north=72.0)) is BoxForm.WHOLE
    assert box_form(BBox(west=10.6, south=59.85, east=10.9, north=59.98)) is BoxForm.BENT
    assert box_form(BBox(west=29.0, south=69.0, east=29.3, north=71.0)) is BoxForm.SMALL
    assert box_form(BBox(west=10.7, south=59.9, east=10.75, north=59.92)) is BoxForm.SMALL
