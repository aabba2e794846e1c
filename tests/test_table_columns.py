"""The columns of tables: their names in both languages, and the words that their cells understand."""

import pytest
from flask import Flask
from flask_babel import force_locale

from geo.materials import taxonomy
from geo.proof import DeclarationKind
from geo.units import EnteredUnit
from marketplace.labels import LABELS, label, material_name
from marketplace.listing_columns import STATEMENTS, listing_columns
from marketplace.plan_columns import PLAN_COLUMNS
from marketplace.table_columns import Column, RowReader, find_header, folded_heading, read_header
from marketplace.tables import Row
from marketplace.types import Haulage, ListingKind, Loading, PriceKind

LISTING = listing_columns()
BY_KEY = {column.key: column for column in LISTING}


def reader(**cells: str) -> RowReader:
    return RowReader(cells=cells, decimal_sign=",", columns=BY_KEY)


@pytest.mark.parametrize("columns", [LISTING, PLAN_COLUMNS], ids=["listings", "plan"])
def test_no_two_columns_share_a_name(columns: tuple[Column, ...]) -> None:
    names = [
        {folded_heading(name) for name in (column.key, column.header_no, column.header_en, *column.synonyms)}
        for column in columns
    ]
    assert sum(map(len, names)) == len(set.union(*names))


@pytest.mark.parametrize("columns", [LISTING, PLAN_COLUMNS], ids=["listings", "plan"])
@pytest.mark.parametrize("locale", ["nb", "en"])
def test_the_headings_and_examples_of_a_template_are_understood(columns: tuple[Column, ...], locale: str) -> None:
    header = read_header([column.header(locale) for column in columns], columns)
    assert (len(header.places), header.unknown, header.twice) == (len(columns), (), ())
    read = RowReader(
        cells={column.key: column.example(locale) for column in columns},
        decimal_sign="." if locale == "en" else ",",
        columns={column.key: column for column in columns},
    )
    for column in columns:
        {"number": read.number, "day": read.day, "choice": read.choice}.get(column.kind, read.text)(column.key)
    assert read.problems == []


@pytest.mark.parametrize("locale", ["nb", "en"])
@pytest.mark.parametrize(
    ("key", "members"),
    [
        ("kind", (ListingKind.SURPLUS, ListingKind.DEMAND)),
        ("entered_unit", tuple(EnteredUnit)),
        ("price_kind", tuple(PriceKind)),
        ("loading", tuple(Loading)),
        ("haulage", tuple(Haulage)),
    ],
)
def test_what_a_page_calls_an_answer_is_understood(
    app: Flask, key: str, members: tuple[ListingKind, ...], locale: str
) -> None:
    with app.test_request_context(), force_locale(locale):
        assert [reader(**{key: label(member)}).choice(key) for member in members] == list(members)
    assert set(members) <= set(LABELS[type(members[0])])


@pytest.mark.parametrize("locale", ["nb", "en"])
def test_materials_go_by_their_names_and_keys(app: Flask, locale: str) -> None:
    with app.test_request_context(), force_locale(locale):
        for key in taxonomy().materials:
            assert reader(material_key=material_name(key)).choice("material_key") == key
            assert reader(material_key=key).choice("material_key") == key


def test_whatever_may_have_to_be_stated_has_a_column() -> None:
    apart = {DeclarationKind.VIRGIN_AREA, DeclarationKind.FLAKES_STORED_SINCE}
    assert set(STATEMENTS) == set(DeclarationKind) - apart


@pytest.mark.parametrize(
    "heading", ["Mengde", " MENGDE ", "mengde*", "Mengde (tonn)", "Mengde [t]", "entered_value", "Quantity:", "Volum"]
)
def test_a_heading_is_known_however_it_is_written(heading: str) -> None:
    assert read_header([heading], LISTING).places == {"entered_value": 0}


def test_the_row_that_names_most_columns_is_the_one_with_the_headings() -> None:
    rows = [
        Row(number=1, cells=("Masser fra sjakt nord",)),
        Row(number=3, cells=("Type", "", "Periode")),
        Row(number=4, cells=("Type", "Materiale", "Mengde", "Fra", "Til")),
        Row(number=5, cells=("Behov", "Grus", "4", "1.3.2027", "2.3.2027")),
    ]
    header = find_header(rows, LISTING)
    assert header is not None
    assert header.line == 4
    assert [column.key for column in header.missing] == ["entered_unit"]
    assert find_header(rows[:1], LISTING) is None
