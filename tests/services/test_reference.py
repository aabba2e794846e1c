import csv
import gzip
import json

import pytest
from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session

from geo.materials import taxonomy
from marketplace.models import County, GazetteerPlace, Installation, MaterialRow, Municipality, MunicipalityAlias
from marketplace.queries.municipalities import HAS_AREA
from marketplace.services.gazetteer import FOLDER, read_seed
from marketplace.services.reference import has_imported_division, load_reference_data


def reload(session: Session) -> bool:
    """As after an upgrade whose seed files differ."""
    session.execute(update(Installation).values(reference_hash="another"))
    session.expire_all()
    return load_reference_data(session)


def counts(session: Session) -> list[int | None]:
    tables = (County, Municipality, MunicipalityAlias, GazetteerPlace, MaterialRow)
    return [session.scalar(select(func.count()).select_from(table)) for table in tables]


def test_nothing_is_done_when_the_seed_files_are_the_same(session: Session) -> None:
    assert not load_reference_data(session)


def test_loading_again_gives_the_same(session: Session) -> None:
    before = counts(session)
    assert reload(session)
    assert counts(session) == before
    assert not load_reference_data(session)


def test_a_row_that_somebody_changed_is_put_right(session: Session) -> None:
    session.execute(update(Municipality).where(Municipality.number == "3201").values(name="Wrong"))
    session.execute(update(MaterialRow).where(MaterialRow.key == "clay").values(name_no="feil"))
    reload(session)
    assert session.get_one(Municipality, "3201").name == "Bærum"
    assert session.get_one(MaterialRow, "clay").name_no == taxonomy().material("clay").name_no


def test_an_imported_division_is_left_alone(session: Session) -> None:
    session.execute(update(Municipality).where(HAS_AREA).values(source="official.gpkg, imported 2027-03-01"))
    session.execute(update(Municipality).where(Municipality.number == "3201").values(name="Bærum, officially"))
    assert has_imported_division(session)
    reload(session)
    assert session.get_one(Municipality, "3201").name == "Bærum, officially"


def test_all_materials_are_rows_in_the_order_of_the_table(session: Session) -> None:
    keys = session.scalars(select(MaterialRow.key).order_by(MaterialRow.rank)).all()
    assert keys == list(taxonomy().materials)


def test_every_area_is_valid_and_all_of_norway_is_covered(session: Session) -> None:
    invalid, total_km2 = session.execute(
        text(
            "SELECT count(*) FILTER (WHERE NOT ST_IsValid(area_25833)), sum(ST_Area(area_25833)) / 1e6"
            " FROM municipality"
        )
    ).one()
    assert invalid == 0
    assert 322_000 < total_km2 < 326_000  # Statistics Norway: 324,000 km2 of land and lakes on the mainland


def test_municipalities_do_not_overlap(session: Session) -> None:
    overlap_km2 = session.scalar(
        text(
            "SELECT coalesce(sum(ST_Area(ST_Intersection(a.area_25833, b.area_25833))), 0) / 1e6 FROM municipality a"
            " JOIN municipality b ON a.number < b.number AND a.area_25833 && b.area_25833"
            " WHERE a.county_number IN ('03', '32') AND b.county_number IN ('03', '32')"
        )
    )
    assert overlap_km2 < 0.1


def test_the_names_keep_their_letters(session: Session) -> None:
    names = set(session.scalars(select(Municipality.name)))
    assert {"Bærum", "Ås", "Tromsø", "Kåfjord", "Snåsa", "Ørsta", "Øygarden"} <= names


# The seed files themselves


@pytest.fixture(scope="module")
def municipalities() -> dict[str, dict[str, str]]:
    return {row["number"]: row for row in read_seed("municipalities_2024.csv")}


def test_the_division_of_2024_has_357_municipalities_in_15_counties(
    municipalities: dict[str, dict[str, str]],
) -> None:
    counties = {row["number"] for row in read_seed("counties_2024.csv")}
    assert len(municipalities) == 357
    assert len(counties) == 15
    assert {row["county_number"] for row in municipalities.values()} == counties


def test_every_municipality_but_haram_has_a_polygon(municipalities: dict[str, dict[str, str]]) -> None:
    collection = json.loads(gzip.decompress((FOLDER / "municipalities_2024.geojson.gz").read_bytes()))
    drawn = {feature["properties"]["number"] for feature in collection["features"]}
    assert municipalities.keys() - drawn == {"1580"}
    assert "Haram" in municipalities["1508"]["note"]


def test_old_numbers_lead_to_numbers_of_2024(municipalities: dict[str, dict[str, str]]) -> None:
    renumbered = list(read_seed("kommune_2020_to_2024.csv"))
    assert {row["new_number"] for row in renumbered} <= municipalities.keys()
    assert not {row["old_number"] for row in renumbered} & municipalities.keys()


def test_official_names_belong_to_the_municipality_of_that_number(
    municipalities: dict[str, dict[str, str]],
) -> None:
    for row in read_seed("official_names.csv"):
        if row["division"] == "municipality":
            assert municipalities[row["number"]]["name"] == row["name"]
        assert row["name"] in row["official_name"].split(" – ")


@pytest.mark.parametrize("name", [path.name for path in sorted(FOLDER.glob("*.csv"))])
def test_every_table_is_whole_and_says_where_it_comes_from(name: str) -> None:
    lines = (FOLDER / name).read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith("#")
    head, *rows = csv.reader(line for line in lines if not line.startswith("#"))
    assert all(len(row) == len(head) for row in rows)
    assert name in (FOLDER / "SOURCES.md").read_text(encoding="utf-8")
