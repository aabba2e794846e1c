import csv
from pathlib import Path

import pytest
import shapely
from geoalchemy2.shape import from_shape
from sqlalchemy import text
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session

from geo.crs import to_stored
from geo.geometry import Position
from geo.units import SRID_STORED
from marketplace.models import Municipality
from marketplace.queries.municipalities import (
    county_bounds,
    covering_number,
    find_municipality,
    locate_municipality,
    municipalities_of_old_number,
    municipality_bounds,
    municipality_names,
    nearest_number,
)
from tests.factories import BAERUM, SANDVIKA

SHARED_POINTS = Path(__file__).resolve().parents[3] / "shared" / "geodata" / "pip_test_points.csv"


def number_at(session: Session, lon: float, lat: float) -> str | None:
    found = locate_municipality(session, Position(lon=lon, lat=lat))
    return found.number if found else None


@pytest.mark.parametrize(
    ("place", "lon", "lat", "number"),
    [
        ("Sandvika", 10.5266, 59.8906, "3201"),
        ("Oslo", 10.7337, 59.9117, "0301"),
        ("Bergen", 5.3241, 60.3929, "4601"),
        ("Tromsø", 18.9553, 69.6492, "5501"),
        ("Vadsø", 29.7497, 70.0744, "5607"),
        ("Brattvåg, which the division of 2020 has in Ålesund", 6.4447, 62.5989, "1508"),
    ],
)
def test_a_place_lies_in_its_municipality(session: Session, place: str, lon: float, lat: float, number: str) -> None:
    assert number_at(session, lon, lat) == number, place


def test_every_shared_point_lies_in_its_municipality(session: Session) -> None:
    if not SHARED_POINTS.is_file():
        pytest.skip("the shared reference points are not beside this checkout")
    haram = "1580"  # still part of Ålesund in the division that the seed is derived from
    with SHARED_POINTS.open(encoding="utf-8", newline="") as file:
        points = list(csv.DictReader(file))
    wrong = {
        row["place"]: found
        for row in points
        if (found := number_at(session, float(row["lon"]), float(row["lat"])) or "")
        != ("1508" if row["kommunenummer"] == haram else row["kommunenummer"])
    }
    assert wrong == {}
    assert len(points) > 30


def off_shore(session: Session, number: str, distance_m: float) -> shapely.Point:
    """A point out at sea, this far west of the westernmost corner of a municipality on the west coast."""
    westernmost = session.execute(
        text(
            "SELECT ST_X(p), ST_Y(p) FROM (SELECT (ST_DumpPoints(area_25833)).geom AS p FROM municipality"
            " WHERE number = :number) AS corners ORDER BY 1 LIMIT 1"
        ),
        {"number": number},
    ).one()
    return shapely.Point(westernmost[0] - distance_m, westernmost[1])


@pytest.mark.parametrize(("distance_m", "found"), [(10, True), (1_999, True), (2_001, False), (50_000, False)])
def test_a_place_off_the_coast_belongs_to_the_nearest_within_two_kilometres(
    session: Session, distance_m: float, found: bool
) -> None:
    utsira = "1151"
    point = from_shape(off_shore(session, utsira, distance_m), srid=SRID_STORED)
    assert session.scalar(covering_number(point)) is None
    assert session.scalar(nearest_number(point)) == (utsira if found else None)


@pytest.mark.parametrize(
    ("place", "lon", "lat"),
    [("Stockholm", 18.0686, 59.3293), ("Longyearbyen", 15.6267, 78.2232), ("the North Sea", 3.0, 58.0),
     ("Sandvika with its axes swapped", 59.8906, 10.5266), ("the Gulf of Guinea", 0.0, 0.0)],
)  # fmt: skip
def test_a_place_far_from_norway_lies_in_none(session: Session, place: str, lon: float, lat: float) -> None:
    assert number_at(session, lon, lat) is None, place


def test_a_place_on_a_border_lies_in_the_lower_number_each_time(session: Session) -> None:
    on_border = session.execute(
        text(
            "SELECT ST_PointN(ST_Boundary(p.geom), 1) AS point FROM municipality m, ST_Dump(m.area_25833) p"
            " WHERE m.number = '0301' LIMIT 1"
        )
    ).scalar_one()
    covering = session.scalars(
        text("SELECT number FROM municipality WHERE ST_Covers(area_25833, CAST(:point AS geometry)) ORDER BY number"),
        {"point": str(on_border)},
    ).all()
    assert session.scalar(covering_number(on_border)) == covering[0]


@pytest.mark.parametrize("lookup", [covering_number, nearest_number])
def test_the_lookup_uses_the_spatial_index(session: Session, lookup: object) -> None:
    point = from_shape(to_stored(shapely.Point(SANDVIKA)), srid=SRID_STORED)
    compiled = lookup(point).compile(dialect=postgresql.dialect(), compile_kwargs={"render_postcompile": True})  # type: ignore[operator]
    explained = session.connection().exec_driver_sql(
        f"EXPLAIN {compiled}", {name: getattr(value, "desc", value) for name, value in compiled.params.items()}
    )
    plan = "\n".join(row[0] for row in explained)
    assert "ix_municipality_area_25833" in plan
    assert "Seq Scan" not in plan


@pytest.mark.parametrize(
    ("number", "today"),
    [("3201", "3201"), ("3024", "3201"), ("3005", "3301"), ("5401", "5501"), ("1507", "1508"), ("1580", "1580")],
)
def test_old_numbers_lead_to_todays(session: Session, number: str, today: str) -> None:
    found = find_municipality(session, number)
    assert found is not None
    assert found.number == today


@pytest.mark.parametrize("number", ["9999", "", "0000", "3201 ", "x" * 1000])
def test_what_is_no_number_finds_nothing(session: Session, number: str) -> None:
    assert find_municipality(session, number) is None


def test_a_municipality_that_was_split_leads_to_both_parts(session: Session) -> None:
    assert [m.name for m in municipalities_of_old_number(session, "1507")] == ["Ålesund", "Haram"]


def test_a_former_municipality_leads_on_though_it_is_still_known_by_name(session: Session) -> None:
    session.add(Municipality(number="3024", name="Bærum", county_number="32", source="an older division"))
    session.flush()
    found = find_municipality(session, "3024")
    assert found is not None
    assert found.number == BAERUM


def test_the_names_follow_the_norwegian_alphabet(session: Session) -> None:
    names = [one.name for one in municipality_names(session)]
    assert len(names) == 356
    assert names[0] == "Alstahaug"
    assert names[-1].startswith("Å")
    assert names.index("Bærum") > names.index("Bykle")
    assert names.index("Østre Toten") > names.index("Vågå")


def test_the_box_around_a_municipality_holds_it(session: Session) -> None:
    box = municipality_bounds(session, BAERUM)[BAERUM]
    lon, lat = SANDVIKA
    assert box.west < lon < box.east
    assert box.south < lat < box.north
    assert box.east - box.west < 1


def test_the_box_around_a_county_holds_its_municipalities(session: Session) -> None:
    county, municipality = county_bounds(session, "32")["32"], municipality_bounds(session, BAERUM)[BAERUM]
    assert county.west <= municipality.west
    assert county.north >= municipality.north


def test_what_has_no_polygon_has_no_box(session: Session) -> None:
    assert municipality_bounds(session, "1580", "9999") == {}
    assert county_bounds(session, "99") == {}
