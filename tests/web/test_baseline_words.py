"""How a page says whom a deal is compared with, and why it replaces nothing."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from flask import Flask
from flask_babel import Babel, force_locale

from geo.impact import Method
from geo.materials import Treatment
from geo.pyramid import Level
from marketplace.impact_basis import Basis, BasisPlace, Chosen
from marketplace.impact_wording import landfill_words, quarry_words
from marketplace.recovery import Recovery
from marketplace.types import FacilityKind
from marketplace.web.impact_sheet import _replaces, _why_s

PLACE = BasisPlace(name="Her", municipality="Bærum", municipality_number="3201", lon=None, lat=None)
BASIS = Basis(
    level=Level.REUSE,
    recovery=Recovery.RECOVERY,
    is_assumed=False,
    material_key="gravel",
    needed_key="crushed_rock",
    replaced_family="aggregates",
    treatment=Treatment.NONE,
    stops=(PLACE, PLACE),
    landfill=replace(PLACE, kind=FacilityKind.LANDFILL),
    landfill_chosen=Chosen.NEAREST,
    quarry=replace(PLACE, kind=FacilityKind.QUARRY),
    quarry_chosen=Chosen.NEAREST,
    method=Method.ESTIMATE,
    network_version=None,
    region="oslo_region",
    legs=(),
    landfill_key="gravel",
    reach_km=100,
    replaced_note_no="Som det sto.",
    replaced_note_en="As it was written.",
)


@pytest.fixture(autouse=True)
def _english() -> Iterator[None]:
    app = Flask(__name__)
    Babel(app, default_locale="nb")
    with app.test_request_context(), force_locale("en"):
        yield


def test_a_landfill_that_is_taken_to_accept_it_says_what_it_accepts() -> None:
    assert "accepts moraine; gravel is taken to be accepted there, too (not verified)" in landfill_words(
        replace(BASIS, landfill_key="moraine")
    )
    assert "not verified" not in landfill_words(BASIS)


def test_where_nobody_was_found_the_greatest_distance_is_told() -> None:
    assert "within 100 km, as the crow flies" in landfill_words(replace(BASIS, landfill=None))
    assert "within 100 km, as the crow flies" in quarry_words(replace(BASIS, quarry=None))
    assert "km" not in quarry_words(replace(BASIS, quarry=None, reach_km=None))


def test_a_supplier_that_was_passed_over_is_not_said_to_be_unnamed() -> None:
    assert "does not sell it" in quarry_words(replace(BASIS, is_supplier_passed_over=True))


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"is_fit": False}, "no use of gravel where crushed rock is needed"),
        ({"stops": (PLACE, replace(PLACE, kind=FacilityKind.QUARRY))}, "itself a quarry"),
        ({"quarry": None}, "nobody is known to sell"),
        ({"level": Level.DISPOSAL}, "disposal itself"),
        ({"recovery": Recovery.UNANSWERED, "is_assumed": True, "is_fit": False}, "no use of gravel"),
        ({"recovery": Recovery.UNANSWERED, "is_assumed": True}, "As if the three tests"),
        ({"recovery": Recovery.NOT_RECOVERY, "level": Level.DISPOSAL}, "do not all hold"),
        ({}, "The three tests of recovery hold."),
    ],
)
def test_why_new_material_is_replaced_or_not(changed: dict[str, object], words: str) -> None:
    assert words in _why_s(replace(BASIS, **changed))  # type: ignore[arg-type]


def test_what_is_replaced_is_told_as_it_was_frozen() -> None:
    assert _replaces(BASIS) == "As it was written."
    assert _replaces(replace(BASIS, replaced_note_no="", replaced_note_en="")) == "New crushed rock from a quarry."
