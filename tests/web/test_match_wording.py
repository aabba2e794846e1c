"""What is said of a pair, in words."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from flask import Flask
from flask_babel import Babel, force_locale

from geo.assessment import Assessment, LotKind
from geo.matching import Lot, assess
from geo.materials import Treatment, read_fraction, taxonomy
from geo.proof import Documentation
from marketplace.durations import days_in_words
from marketplace.match_wording import (
    Fractions,
    Mark,
    changes_in_words,
    coverage,
    reasons,
    share_in_words,
    surplus_used,
)

TAXONOMY = taxonomy()
NBSP = "\N{NO-BREAK SPACE}"
MARCH = date(2027, 3, 1)
SURPLUS = Lot(
    kind=LotKind.SURPLUS,
    material="blasted_rock",
    mass_t=Decimal(1000),
    available_from=MARCH,
    available_to=MARCH + timedelta(days=55),
    documentation=Documentation.TESTED,
)
DEMAND = replace(SURPLUS, kind=LotKind.DEMAND)


@pytest.fixture(autouse=True)
def _english() -> Iterator[None]:
    app = Flask(__name__)
    Babel(app, default_locale="nb")
    with app.test_request_context(), force_locale("en"):
        yield


def judged(surplus: Lot = SURPLUS, demand: Lot = DEMAND, *, distance_m: float = 6_500) -> Assessment:
    return assess(surplus, demand, distance_m=distance_m, taxonomy=TAXONOMY)


def told(surplus: Lot = SURPLUS, demand: Lot = DEMAND, *, distance_m: float = 6_500) -> dict[str, str]:
    """Each title with its mark."""
    fractions = Fractions(offered=surplus.fraction, demanded=demand.fraction)
    found = reasons(judged(surplus, demand, distance_m=distance_m), fractions=fractions)
    return {reason.title.replace(NBSP, " "): reason.mark.value for reason in found}


def changes(surplus: Lot = SURPLUS, demand: Lot = DEMAND, *, distance_m: float = 6_500) -> list[str]:
    found = judged(surplus, demand, distance_m=distance_m)
    assert found.is_near_miss
    return [change.replace(NBSP, " ") for change in changes_in_words(found)]


@pytest.mark.parametrize(
    ("days", "words"),
    [
        (1, "one day"),
        (2, "two days"),
        (7, "one week"),
        (12, "twelve days"),
        (13, "13 days"),
        (21, "three weeks"),
        (22, "about three weeks"),
        (28, "four weeks"),
        (45, "about six weeks"),
        (70, "ten weeks"),
        (75, "about two months"),
        (300, "about ten months"),
        (900, "about 30 months"),
    ],
)
def test_days_are_said_as_people_say_them(days, words):
    assert days_in_words(days) == words


# Why it fits ------------------------------------------------------------------------------------------------------


def test_two_of_a_kind_fit_in_few_words():
    assert told() == {
        "The same material": "ok",
        "Neither side has said which grain fraction": "unknown",
        "Clean by laboratory results": "ok",
        "The periods share eight weeks": "ok",
    }


@pytest.mark.parametrize(
    ("offered", "demanded", "title"),
    [
        ("0/32", "0/63", "Grain fraction 0/32 mm lies within 0/63 mm"),
        ("0/32", "0/32", "The same grain fraction, 0/32 mm"),
        ("0/32", None, "The taker has not said which grain fraction"),
        (None, "0/32", "The giver has not said which grain fraction"),
    ],
)
def test_fractions_are_compared_in_words(offered, demanded, title):
    surplus = replace(SURPLUS, fraction=read_fraction(offered) if offered else None)
    demand = replace(DEMAND, fraction=read_fraction(demanded) if demanded else None)
    assert title in told(surplus, demand)


def test_a_treatment_says_what_it_gives():
    demand = replace(DEMAND, material="crushed_rock", fraction=read_fraction("8/16"))
    surplus = replace(SURPLUS, fraction=read_fraction("0/400"))
    assert told(surplus, demand)["Blasted rock can serve as crushed rock after crushing"] == "treatment"
    assert told(surplus, demand)["Sieving gives the wanted fraction, 8/16 mm"] == "treatment"
    block = replace(SURPLUS, fraction=read_fraction("100/400"))
    assert told(block, demand)["Crushing gives the wanted fraction, 8/16 mm"] == "treatment"
    fine = replace(SURPLUS, material="base_course", fraction=read_fraction("0/11"))
    assert told(fine, demand)["Sieving gives 8/11 mm of the wanted 8/16 mm"] == "treatment"


@pytest.mark.parametrize("pair", sorted(TAXONOMY.substitutions))
def test_every_substitution_is_told_with_its_note_and_whether_it_is_verified(pair):
    demanded, offered = pair
    found = judged(replace(SURPLUS, material=offered), replace(DEMAND, material=demanded))
    substitution = TAXONOMY.substitutions[pair]
    told_of = reasons(found, fractions=Fractions(offered=None, demanded=None))[0]
    assert told_of.text == substitution.note_en
    assert told_of.caveat == ("" if substitution.is_verified else "Engineering judgement, not verified.")
    assert (told_of.mark is Mark.FITS) == (substitution.treatment is Treatment.NONE)
    with force_locale("nb"):
        assert reasons(found, fractions=Fractions(offered=None, demanded=None))[0].text == substitution.note_no


@pytest.mark.parametrize(
    ("of_giver", "of_taker", "title"),
    [
        (30, None, "Within the giver's limit of 30 km"),
        (30, 20, "Within the taker's limit of 20 km"),
        (30, 30, "Within the limit of 30 km that both have set"),
    ],
)
def test_whose_limit_it_is_is_said(of_giver, of_taker, title):
    limits = [None if limit is None else Decimal(limit) for limit in (of_giver, of_taker)]
    surplus, demand = replace(SURPLUS, max_distance_km=limits[0]), replace(DEMAND, max_distance_km=limits[1])
    assert told(surplus, demand)[title] == "ok"


def test_what_its_being_clean_rests_on_is_said():
    assert told(replace(SURPLUS, documentation=Documentation.DECLARED))["Declared clean, not tested"] == "unknown"
    reception = replace(DEMAND, kind=LotKind.RECEPTION, accepts_class_max=4)
    assert told(replace(SURPLUS, quality_class=3), reception)["May take masses of class 3"] == "ok"


# How much ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("surplus_t", "demand_t", "covers", "takes"),
    [
        (400, 1000, "Covers 40% of the need", "Takes the whole surplus"),
        (1000, 400, "Covers the whole need", "Takes 40% of the surplus"),
        (500, 500, "Covers the whole need", "Takes the whole surplus"),
        (9_999, 10_000, "Covers 99% of the need", "Takes the whole surplus"),
        (1, 10_000, "Covers less than 1% of the need", "Takes the whole surplus"),
    ],
)
def test_shares_of_need_and_surplus_are_told(surplus_t, demand_t, covers, takes):
    found = judged(replace(SURPLUS, mass_t=Decimal(surplus_t)), replace(DEMAND, mass_t=Decimal(demand_t)))
    assert (coverage(found), surplus_used(found)) == (covers, takes)


def test_a_share_is_never_rounded_up_to_the_whole():
    assert [share_in_words(share) for share in (0.996, 1.0, 0.004)] == ["99%", "100%", "less than 1%"]


# What would have to change ----------------------------------------------------------------------------------------


def test_early_and_late_surpluses_say_by_how_much():
    early = replace(SURPLUS, available_from=date(2027, 1, 1), available_to=MARCH - timedelta(days=21))
    late = replace(SURPLUS, available_from=DEMAND.available_to + timedelta(days=1), available_to=date(2027, 9, 1))
    assert changes(early) == ["Available three weeks too early"]
    assert changes(late) == ["Available one day too late"]


def test_smallest_lots_say_what_there_is():
    assert changes(replace(SURPLUS, min_lot_t=Decimal(500)), replace(DEMAND, mass_t=Decimal(300))) == [
        "The giver's smallest lot is 500 t, and only 300 t are needed"
    ]
    assert changes(replace(SURPLUS, mass_t=Decimal(300)), replace(DEMAND, min_lot_t=Decimal(500))) == [
        "The taker's smallest lot is 500 t, and there are only 300 t"
    ]


@pytest.mark.parametrize(
    ("of_giver", "of_taker", "distance_m", "sentences"),
    [
        (30, None, 34_000, ["4 km beyond the giver's limit of 30 km"]),
        (None, 30, 34_000, ["4 km beyond the taker's limit of 30 km"]),
        (30, 30, 34_000, ["4 km beyond the limit of 30 km that both have set"]),
        (
            30,
            32,
            34_000,
            ["4 km beyond the giver's limit of 30 km", "2 km beyond the taker's limit of 32 km"],
        ),
        (
            None,
            None,
            60_000,
            ["10 km beyond the 50 km that masses are reckoned to go where nobody has set a limit"],
        ),
        (30, None, 30_001, ["10 m beyond the giver's limit of 30 km"]),
    ],
)
def test_too_long_hauls_say_whose_limit_they_pass(of_giver, of_taker, distance_m, sentences):
    limits = [None if limit is None else Decimal(limit) for limit in (of_giver, of_taker)]
    surplus, demand = replace(SURPLUS, max_distance_km=limits[0]), replace(DEMAND, max_distance_km=limits[1])
    assert changes(surplus, demand, distance_m=distance_m) == sentences


@pytest.mark.parametrize(
    ("offered", "sentence"),
    [("0/63", "Would have to be sieved to 8/16 mm"), ("32/63", "Would have to be crushed to 8/16 mm")],
)
def test_wrong_fractions_say_what_would_give_the_right_one(offered, sentence):
    surplus = replace(SURPLUS, material="crushed_rock", fraction=read_fraction(offered))
    demand = replace(DEMAND, material="crushed_rock", fraction=read_fraction("8/16"))
    assert changes(surplus, demand) == [sentence]


def test_two_things_to_change_are_told_one_by_one():
    late = replace(SURPLUS, available_from=DEMAND.available_to + timedelta(days=14), available_to=date(2027, 9, 1))
    far = replace(DEMAND, max_distance_km=Decimal(6))
    assert changes(late, far) == ["Available two weeks too late", "500 m beyond the taker's limit of 6 km"]


@pytest.mark.parametrize(
    ("surplus", "taker", "sentence"),
    [
        (
            {"documentation": Documentation.DECLARED},
            {"accepts_declared": False},
            "Needs laboratory results: the taker does not accept what is only declared",
        ),
        ({"documentation": Documentation.NONE}, {}, "Nothing shows yet that it is clean"),
        (
            {"quality_class": 3},
            {"kind": LotKind.RECEPTION, "accepts_class_max": 2},
            "Class 3, and the taker takes class 2 at most",
        ),
    ],
)
def test_what_is_missing_of_the_proof_is_said(surplus, taker, sentence):
    assert changes(replace(SURPLUS, **surplus), replace(DEMAND, **taker)) == [sentence]
