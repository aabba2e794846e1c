import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from marketplace.models import GazetteerPlace, PlaceKind
from marketplace.services.gazetteer import BY_HAND, fold_name


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Bærum", "BAERUM"),
        ("Bærum", "Bærum "),
        ("Ålesund", "Aalesund"),
        ("Ålesund", "Alesund"),
        ("Drøbak", "Droebak"),
        ("Drøbak", "Drobak"),
        ("Kárášjohka", "Karasjohka"),
        ("Porsáŋgu", "Porsangu"),
        ("A\u030alesund", "Ålesund"),
        ("Mo i Rana", "mo-i-rana"),
        ("Sør-Varanger", "Sør Varanger"),
    ],
)
def test_spellings_of_one_name_fold_alike(one: str, other: str) -> None:
    assert fold_name(one) == fold_name(other)


@pytest.mark.parametrize("text", ["", " ", "%", "_", "'; --", "…", "\x00"])
def test_what_has_no_letters_folds_to_nothing(text: str) -> None:
    assert fold_name(text) == ""


@given(st.text(max_size=60))
def test_folding_twice_is_folding_once_but_for_digraphs_that_come_together(text: str) -> None:
    folded = fold_name(text)
    assert folded == folded.strip()
    assert "%" not in folded
    assert "_" not in folded
    assert len(fold_name(folded)) <= len(folded)


def test_every_place_put_in_by_hand_lies_in_the_municipality_it_claims(session: Session) -> None:
    rows = session.execute(
        select(GazetteerPlace.name, GazetteerPlace.source_key, GazetteerPlace.municipality_number).where(
            GazetteerPlace.source == BY_HAND
        )
    ).all()
    assert len(rows) > 100
    assert [name for name, key, number in rows if key.partition(":")[0] != number] == []


def test_every_town_and_place_lies_in_a_municipality(session: Session) -> None:
    lost = session.scalars(
        select(GazetteerPlace.name).where(
            GazetteerPlace.municipality_number.is_(None), GazetteerPlace.kind != PlaceKind.COUNTY
        )
    ).all()
    assert lost == []


def test_every_county_and_every_municipality_with_a_polygon_is_a_name(session: Session) -> None:
    rows = session.execute(
        select(GazetteerPlace.kind, func.count())
        .where(
            GazetteerPlace.kind.in_([PlaceKind.COUNTY, PlaceKind.MUNICIPALITY]),
            ~GazetteerPlace.source_key.like("%:%:%"),
        )
        .group_by(GazetteerPlace.kind)
    )
    assert dict(rows.all()) == {PlaceKind.COUNTY: 15, PlaceKind.MUNICIPALITY: 356}
