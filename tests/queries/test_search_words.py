"""Free text: beginnings, endings, compounds, typing errors, and what must not be read as a pattern."""

from datetime import date

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.models import Listing
from marketplace.queries.search_words import (
    look_up_words,
    nearest_word,
    slips_between,
    split_words,
    word_found,
    word_values,
)
from tests.factories import Factory


def found(session: Session, text: str, *, today: date) -> set[str]:
    """The texts of the listings that have every word."""
    words = look_up_words(session, text, today=today).words
    conditions = [word_found(place, is_inside=word.is_sought_inside) for place, word in enumerate(words)]
    values = {name: value for place, word in enumerate(words) for name, value in word_values(place, word).items()}
    return set(session.scalars(select(Listing.search_text).where(*conditions), values))


def test_words_are_split_folded_and_kept_once() -> None:
    assert split_words('  Sprengstein, "PUKK"  pukk (8/16) - ') == ("sprengstein", "pukk", "8/16")


def test_only_so_many_words_of_some_length_are_looked_for() -> None:
    words = split_words(" ".join(f"{n}{'x' * 100}" for n in range(50)))
    assert len(words) == 8
    assert max(map(len, words)) == 40


@pytest.mark.parametrize(
    ("one", "other", "slips"),
    [
        ("leire", "leire", 0),
        ("leier", "leire", 1),
        ("betnog", "betong", 1),
        ("sprengsten", "sprengstein", 1),
        ("", "grus", 4),
        ("ca", "abc", 3),
    ],
)
def test_slips_between_words_are_counted(one: str, other: str, slips: int) -> None:
    assert slips_between(one, other) == slips_between(other, one) == slips


@pytest.mark.parametrize(
    ("typed", "candidates", "meant"),
    [
        ("leier", ["eier", "leire"], "leire"),
        ("betnog", ["beton", "betong"], "betong"),
        ("gurs", ["grus", "gras"], "grus"),
        ("asfalt", ["betong", "asfaltgranulat"], None),
        ("xyzw", [], None),
    ],
)
def test_the_nearest_word_is_meant(typed: str, candidates: list[str], meant: str | None) -> None:
    assert nearest_word(typed, candidates) == meant


@pytest.mark.parametrize(
    "text",
    ["sprengstein", "SPRENG", "sprengsteinen", "stein", "steinen", "tunnel stein", "Fornebu", "fornebubanens"],
)
def test_a_listing_is_found_by(text: str, session: Session, make: Factory) -> None:
    make.listing(search_text="sprengstein\nTunnelmasser fra Fornebubanen")
    make.listing(search_text="matjord\nÅker")
    assert found(session, text, today=make.today) == {"sprengstein\nTunnelmasser fra Fornebubanen"}


@pytest.mark.parametrize(
    "text", ["%", "_prengstein", "spr%", "\\", "'", "':*", "stein & leire", "!stein", "st*n", "(", "<->"]
)
def test_no_text_is_read_as_a_pattern(text: str, session: Session, make: Factory) -> None:
    make.listing(search_text="pukk")
    words = look_up_words(session, text, today=make.today).words
    assert not words or found(session, text, today=make.today) == set()


def test_every_word_must_be_found(session: Session, make: Factory) -> None:
    make.listing(search_text="grus Bergen")
    make.listing(search_text="grus Oslo")
    assert found(session, "grus oslo", today=make.today) == {"grus Oslo"}


def test_a_short_word_is_not_looked_for_inside_others(session: Session, make: Factory) -> None:
    make.listing(search_text="sand")
    make.listing(search_text="Andebu")
    assert found(session, "and", today=make.today) == {"Andebu"}


def test_a_typing_error_is_taken_for_the_nearest_material(session: Session, make: Factory) -> None:
    make.listing(search_text="betong")
    word = look_up_words(session, "betnog", today=make.today).words[0]
    assert (word.typed, word.sought, word.is_corrected) == ("betnog", "betong", True)


def test_a_typing_error_is_taken_for_the_nearest_word_of_a_listing(session: Session, make: Factory) -> None:
    make.listing(search_text="grus\nRinghøydeterrassen")
    assert look_up_words(session, "ringhøydeterasen", today=make.today).words[0].sought == "ringhøydeterrassen"


def test_a_word_that_listings_have_is_never_corrected(session: Session, make: Factory) -> None:
    make.listing(search_text="leirer")
    make.listing(search_text="leire")
    assert not look_up_words(session, "leirer", today=make.today).words[0].is_corrected


def test_words_too_common_to_search_for_are_named(session: Session, make: Factory) -> None:
    make.listing(search_text="grus og sand")
    looked_up = look_up_words(session, "og grus", today=make.today)
    assert looked_up.ignored == ("og",)
    assert [word.sought for word in looked_up.words] == ["grus"]


def test_a_text_of_common_words_only_leaves_nothing_to_search_for(session: Session, make: Factory) -> None:
    assert look_up_words(session, "og i på", today=make.today).words == ()
