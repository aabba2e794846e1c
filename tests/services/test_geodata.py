"""Importing an official division, from files as the authorities write them."""

import gzip
import json
import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import pytest
import shapely
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from geo.crs import transform_geometry
from marketplace.models import DealMonth, FlowMonth, GazetteerPlace, Listing, Municipality, Organisation
from marketplace.queries.municipalities import division_sources, find_municipality
from marketplace.services.division_file import BadDivision, Division, Unit, read_division
from marketplace.services.gazetteer import FOLDER
from marketplace.services.geocoding import OfflineGeocoder
from marketplace.services.geodata import import_division, plain_name
from marketplace.services.reference import read_seed_polygons
from marketplace.types import DealStatus
from tests.conftest import NOW
from tests.factories import BAERUM, Factory

SHARED = Path(__file__).resolve().parents[3] / "shared" / "geodata"

Feature = dict[str, Any]


@pytest.fixture(scope="module")
def polygons() -> dict[str, shapely.geometry.base.BaseGeometry]:
    """The seed's polygons in degrees, coarser, so that the tests are quick."""
    drawn = read_seed_polygons(FOLDER / "municipalities_2024.geojson.gz")
    return {number: shapely.make_valid(polygon.simplify(0.005)) for number, polygon in drawn.items()}


def features_of(polygons: dict[str, Any], *, srid: int = 4326, **rename: str) -> list[Feature]:
    names = {"kommunenummer": "kommunenummer", "kommunenavn": "kommunenavn", **rename}
    return [
        {
            "type": "Feature",
            "properties": {names["kommunenummer"]: number, names["kommunenavn"]: f"Kommune {number}"},
            "geometry": json.loads(
                shapely.to_geojson(
                    polygon if srid == 4326 else transform_geometry(polygon, source_srid=4326, target_srid=srid)
                )
            ),
        }
        for number, polygon in polygons.items()
    ]


def write_geojson(path: Path, features: list[Feature], **members: object) -> Path:
    document = {"type": "FeatureCollection", "features": features, **members}
    data = json.dumps(document, ensure_ascii=False).encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def crs_member(name: str) -> dict[str, object]:
    return {"crs": {"type": "name", "properties": {"name": name}}}


def write_geopackage(path: Path, polygons: dict[str, Any], *, layer: str, srid: int) -> Path:
    moved = [transform_geometry(polygon, source_srid=4326, target_srid=srid) for polygon in polygons.values()]
    multi = [shapely.MultiPolygon([p for p in shapely.get_parts(g) if p.geom_type == "Polygon"]) for g in moved]
    pyogrio.raw.write(
        path,
        geometry=shapely.to_wkb(multi),
        field_data=[np.array(list(polygons), object), np.array([f"Kommune {n}" for n in polygons], object)],
        fields=["KOMMUNENUMMER", "NAVN"],
        layer=layer,
        geometry_type="MultiPolygon",
        crs=f"EPSG:{srid}",
        driver="GPKG",
    )
    return path


# Reading


def test_geojson_in_degrees_is_read(tmp_path: Path, polygons: dict[str, Any]) -> None:
    division = read_division(write_geojson(tmp_path / "kommuner.geojson", features_of(polygons)))
    assert len(division.units) == 356
    assert [unit.number for unit in division.units] == sorted(polygons)
    assert all(unit.area_25833.is_valid and unit.area_25833.geom_type == "MultiPolygon" for unit in division.units)


@pytest.mark.parametrize("name", ["EPSG:25833", "urn:ogc:def:crs:EPSG::25833", "EPSG:25832", "EPSG:4258"])
def test_geojson_in_another_system_comes_to_the_same(tmp_path: Path, polygons: dict[str, Any], name: str) -> None:
    srid = int(name.rpartition(":")[2])
    plain = read_division(write_geojson(tmp_path / "plain.geojson", features_of(polygons)))
    features = features_of(polygons, srid=srid)
    other = read_division(write_geojson(tmp_path / "other.json.gz", features, **crs_member(name)))
    for one, two in zip(plain.units, other.units, strict=True):
        assert shapely.hausdorff_distance(one.area_25833, two.area_25833) < 1


def test_a_geopackage_is_read_whatever_its_layer_is_called(tmp_path: Path, polygons: dict[str, Any]) -> None:
    path = write_geopackage(tmp_path / "division.gpkg", polygons, layer="inndeling", srid=25832)
    division = read_division(path)
    assert len(division.units) == 356
    assert {unit.name for unit in division.units if unit.number == BAERUM} == {f"Kommune {BAERUM}"}


def test_a_geopackage_with_two_fitting_layers_wants_to_know_which(tmp_path: Path, polygons: dict[str, Any]) -> None:
    path = tmp_path / "division.gpkg"
    write_geopackage(path, polygons, layer="kommuner_2023", srid=25833)
    write_geopackage(path, polygons, layer="kommuner_2024", srid=25833)
    with pytest.raises(BadDivision, match="single layer") as problem:
        read_division(path)
    assert "kommuner_2023, kommuner_2024" in str(problem.value)
    assert len(read_division(path, layer="kommuner_2024").units) == 356


def test_a_document_of_several_collections_is_read_by_its_municipalities(
    tmp_path: Path, polygons: dict[str, Any]
) -> None:
    border = {
        "type": "Feature",
        "properties": {},
        "geometry": {"type": "LineString", "coordinates": [[10, 60], [11, 60]]},
    }
    document = {
        "Kommune": {"type": "FeatureCollection", "features": features_of(polygons)},
        "Kommunegrense": {"type": "FeatureCollection", "features": [border]},
    }
    path = tmp_path / "basisdata.geojson"
    path.write_text(json.dumps(document))
    assert len(read_division(path).units) == 356


@pytest.mark.parametrize(
    ("number", "name"),
    [
        ("kommunenummer", "navn"),
        ("KOMMUNENR", "Kommune"),
        ("knr", "name"),
        ("municipality_number", "municipality_name"),
    ],
)
def test_common_attribute_names_are_known(tmp_path: Path, polygons: dict[str, Any], number: str, name: str) -> None:
    features = features_of(polygons, kommunenummer=number, kommunenavn=name)
    assert len(read_division(write_geojson(tmp_path / "a.geojson", features)).units) == 356


def change(index: int, **properties: object) -> Callable[[list[Feature]], None]:
    def apply(features: list[Feature]) -> None:
        features[index]["properties"].update(properties)

    return apply


def test_numbers_without_their_leading_zero_and_names_by_language_are_read(
    tmp_path: Path, polygons: dict[str, Any]
) -> None:
    features = features_of(polygons)
    for feature in features:
        feature["properties"]["kommunenummer"] = int(feature["properties"]["kommunenummer"])
    oslo = next(f for f in features if f["properties"]["kommunenummer"] == 301)
    oslo["properties"]["kommunenavn"] = [{"sprak": "nor", "navn": "Oslo"}, {"sprak": "sma", "navn": "Oslove"}]
    units = {u.number: u for u in read_division(write_geojson(tmp_path / "a.geojson", features)).units}
    assert units["0301"].name == "Oslo – Oslove"


def test_areas_in_several_features_become_one_municipality(tmp_path: Path, polygons: dict[str, Any]) -> None:
    features = []
    for feature in features_of(polygons):
        whole = shapely.from_geojson(json.dumps(feature["geometry"]))
        features += [
            {**feature, "geometry": json.loads(shapely.to_geojson(part))}
            for part in shapely.get_parts(whole)
            if part.geom_type == "Polygon"
        ]
    assert len(features) > 356
    assert len(read_division(write_geojson(tmp_path / "a.geojson", features)).units) == 356


def test_a_crossing_outline_is_mended_and_counted(tmp_path: Path, polygons: dict[str, Any]) -> None:
    features = features_of(polygons)
    bow_tie = [[[10.4, 59.85], [10.6, 59.95], [10.6, 59.85], [10.4, 59.95], [10.4, 59.85]]]
    features[0]["geometry"] = {"type": "Polygon", "coordinates": bow_tie}
    division = read_division(write_geojson(tmp_path / "a.geojson", features))
    assert division.repaired == 1
    assert all(unit.area_25833.is_valid for unit in division.units)


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda features: features.clear(), "has 0 municipalities"),
        (lambda features: features.__delitem__(slice(100, None)), "has 100 municipalities"),
        (change(0, kommunenummer="32"), "four digits"),
        (change(0, kommunenummer="abcd"), "four digits"),
        (change(0, kommunenummer="32.01"), "four digits"),
        (change(0, kommunenummer=None), "No attribute holds the municipality number"),
        (change(0, kommunenavn=""), "No attribute holds the municipality's name"),
        (lambda features: features[0].update(geometry={"type": "Polygon", "coordinates": "x"}), "not readable"),
        (
            lambda features: features[0].update(
                geometry={"type": "Polygon", "coordinates": [[[2, 48], [3, 48], [3, 49], [2, 48]]]}
            ),
            "does not lie in Norway",
        ),
        (
            lambda features: features[0].update(
                geometry={"type": "Polygon", "coordinates": [[[10, 60], [11, 61], [10, 60]]]}
            ),
            "not readable|no area",
        ),
    ],
)
def test_what_is_no_whole_division_is_refused(
    tmp_path: Path, polygons: dict[str, Any], spoil: Callable[[list[Feature]], None], says: str
) -> None:
    features = features_of(polygons)
    spoil(features)
    with pytest.raises(BadDivision) as problem:
        read_division(write_geojson(tmp_path / "a.geojson", features))
    assert re.search(says, str(problem.value))


def test_metres_that_are_taken_for_degrees_are_refused_with_a_hint(tmp_path: Path, polygons: dict[str, Any]) -> None:
    path = write_geojson(tmp_path / "a.geojson", features_of(polygons, srid=25833))
    with pytest.raises(BadDivision) as problem:
        read_division(path)
    assert "--crs" in str(problem.value)
    assert len(read_division(path, crs="EPSG:25833").units) == 356


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.geojson", b"{"),
        ("a.geojson", b"[]"),
        ("a.geojson", b'{"type": "FeatureCollection"}'),
        ("a.geojson.gz", b"not gzip"),
        ("a.geojson", b"\xff\xfe\x00"),
        ("a.gpkg", b"not a database"),
        ("a.txt", b"text"),
    ],
)
def test_a_file_that_is_no_geodata_is_refused(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(BadDivision):
        read_division(path)


def test_an_unknown_system_and_a_missing_file_are_refused(tmp_path: Path, polygons: dict[str, Any]) -> None:
    path = write_geojson(tmp_path / "a.geojson", features_of(polygons))
    with pytest.raises(BadDivision, match="coordinate system"):
        read_division(path, crs="EPSG:0")
    with pytest.raises(BadDivision, match="no file"):
        read_division(tmp_path / "missing.geojson")


# Importing


@pytest.fixture
def as_it_is(session: Session) -> Division:
    """The division in the database, as if read from a file."""
    rows = session.execute(
        select(Municipality.number, Municipality.name, func.ST_AsBinary(Municipality.area_25833)).where(
            Municipality.area_25833.is_not(None)
        )
    )
    units = tuple(
        Unit(number=number, name=name, county_name=None, area_25833=shapely.from_wkb(bytes(area)))
        for number, name, area in rows
    )
    return Division(file_name="official.gpkg", units=units, repaired=0)


def split_in_two(division: Division, number: str, *, west: str, east: str) -> Division:
    """The division with one municipality cut in two through the middle of its box."""
    units = []
    for unit in division.units:
        if unit.number != number:
            units.append(unit)
            continue
        least_x, least_y, most_x, most_y = unit.area_25833.bounds
        middle = (least_x + most_x) / 2
        for new, box in (
            (west, shapely.box(least_x, least_y, middle, most_y)),
            (east, shapely.box(middle, least_y, most_x, most_y)),
        ):
            area = unit.area_25833.intersection(box)
            parts = [part for part in shapely.get_parts(area) if part.geom_type == "Polygon"]
            units.append(Unit(number=new, name=f"Ny {new}", county_name=None, area_25833=shapely.MultiPolygon(parts)))
    return Division(file_name=division.file_name, units=tuple(units), repaired=0)


def test_importing_the_same_division_moves_nothing(session: Session, make: Factory, as_it_is: Division) -> None:
    make.listing()
    change = import_division(session, as_it_is, now=NOW)
    assert (change.municipalities, change.added, change.successors) == (356, (), {})
    assert (change.moved_projects, change.moved_facilities, change.moved_listings) == (0, 0, 0)
    assert division_sources(session) == [("official.gpkg, imported 2027-03-01", 356)]


def test_what_lies_in_a_new_municipality_moves_there(session: Session, make: Factory, as_it_is: Division) -> None:
    project = make.project()
    listing = make.listing(project=project)
    elsewhere = make.listing(position=(5.3241, 60.3929), municipality_number="4601")
    change = import_division(session, split_in_two(as_it_is, BAERUM, west="3291", east="3292"), now=NOW)
    assert change.added == ("3291", "3292")
    assert set(change.successors) == {BAERUM}
    assert (change.moved_projects, change.moved_listings) == (1, 1)
    assert listing.municipality_number == project.municipality_number in {"3291", "3292"}
    assert elsewhere.municipality_number == "4601"


def test_both_ends_of_a_deal_move_and_its_sums_with_them(session: Session, make: Factory, as_it_is: Division) -> None:
    deal = make.deal(status=DealStatus.AGREED)
    make.ticket(deal, mass_t=Decimal(20))
    change = import_division(session, split_in_two(as_it_is, BAERUM, west="3291", east="3292"), now=NOW)
    session.refresh(deal)
    ends = deal.origin_municipality_number, deal.destination_municipality_number
    assert change.moved_deals == 1
    assert BAERUM not in ends
    for table in (DealMonth, FlowMonth):
        found = session.execute(
            select(table.origin_municipality_number, table.destination_municipality_number, func.sum(table.delivered_t))
            .where(table.loads > 0)
            .group_by(table.origin_municipality_number, table.destination_municipality_number)
        ).all()
        assert [tuple(row) for row in found] == [(*ends, Decimal(20))]


def test_a_moved_listing_is_found_by_the_name_of_its_new_municipality(
    session: Session, make: Factory, as_it_is: Division
) -> None:
    listing = make.listing()
    import_division(session, split_in_two(as_it_is, BAERUM, west="3291", east="3292"), now=NOW)
    found = session.scalar(select(Listing.search_text).where(Listing.id == listing.id))
    assert f"Ny {listing.municipality_number}" in str(found)


def test_a_number_no_longer_used_leads_on_and_its_name_is_kept(
    session: Session, make: Factory, as_it_is: Division
) -> None:
    organisation = make.organisation(municipality_number=BAERUM)
    change = import_division(session, split_in_two(as_it_is, BAERUM, west="3291", east="3292"), now=NOW)
    heir = change.successors[BAERUM][0]
    former = session.get_one(Municipality, BAERUM)
    assert (former.name, former.area_25833) == ("Bærum", None)
    assert heir in str(former.note)
    for old in (BAERUM, "3024"):  # the number of 2020 leads on over both changes
        found = find_municipality(session, old)
        assert found is not None
        assert found.number in {"3291", "3292"}
    assert session.get_one(Organisation, organisation.id).municipality_number == heir


def test_a_number_that_comes_back_is_itself_again(session: Session, make: Factory, as_it_is: Division) -> None:
    listing = make.listing()
    import_division(session, split_in_two(as_it_is, BAERUM, west="3291", east="3292"), now=NOW)
    change = import_division(session, as_it_is, now=NOW)
    assert change.added == (BAERUM,)
    found = find_municipality(session, BAERUM)
    assert found is not None
    assert found.number == listing.municipality_number == BAERUM
    assert [heir.number for heir in [find_municipality(session, n) for n in ("3291", "3024")] if heir] == [BAERUM] * 2


def test_the_gazetteer_follows(session: Session, as_it_is: Division) -> None:
    import_division(session, split_in_two(as_it_is, BAERUM, west="3291", east="3292"), now=NOW)
    geocoder = OfflineGeocoder(session)
    assert geocoder.search("Sandvika")[0].municipality_name in {"Ny 3291", "Ny 3292"}
    assert {place.label for place in geocoder.search("Ny 329")} == {"Ny 3291, Akershus", "Ny 3292, Akershus"}
    numbers = session.scalars(select(GazetteerPlace.municipality_number).distinct())
    assert BAERUM not in set(numbers)


def test_a_county_nobody_named_is_refused(session: Session, as_it_is: Division) -> None:
    with pytest.raises(BadDivision) as problem:
        import_division(session, split_in_two(as_it_is, BAERUM, west="9901", east="9902"), now=NOW)
    assert "County 99" in str(problem.value)


@pytest.mark.parametrize(
    ("given", "known", "shown"),
    [
        ("Bærum", None, "Bærum"),
        ("Kárášjohka – Karasjok", "Karasjok", "Karasjok"),
        ("Kárášjohka - Karasjok", "Karasjok", "Karasjok"),
        ("Trondheim - Tråante", "Trondheim", "Trondheim"),
        ("Aurskog-Høland", None, "Aurskog-Høland"),
        ("Våler (Innlandet)", "Våler", "Våler"),
        ("Deatnu - Tana", None, "Deatnu"),
        ("Nytt navn", "Gammelt", "Nytt navn"),
    ],
)
def test_one_name_is_shown_of_several(given: str, known: str | None, shown: str) -> None:
    assert plain_name(given, known=known) == shown


@pytest.mark.parametrize("name", ["kommuner_2024.geojson.gz", "kommuner_2024_land.geojson.gz"])
def test_the_official_division_has_haram(session: Session, make: Factory, name: str) -> None:
    if not (SHARED / name).is_file():
        pytest.skip("the shared official files are not beside this checkout")
    in_haram = make.listing(position=(6.4447, 62.5989), municipality_number="1508")
    in_baerum = make.listing()
    change = import_division(session, read_division(SHARED / name), now=NOW)
    assert (change.municipalities, change.added, change.successors) == (357, ("1580",), {})
    assert (in_haram.municipality_number, in_baerum.municipality_number) == ("1580", BAERUM)
    assert change.moved_listings == 1
    assert session.get_one(Municipality, "1580").note is None
    assert session.get_one(Municipality, "5610").name == "Karasjok"


def test_the_seed_agrees_with_the_official_division(session: Session) -> None:
    """The simplified polygons against the official land: at least 99 % of the area lies in the same municipality."""
    path = SHARED / "kommuner_2024_land.geojson.gz"
    if not path.is_file():
        pytest.skip("the shared official files are not beside this checkout")
    official = {unit.number: unit.area_25833 for unit in read_division(path).units}
    rows = session.execute(
        text("SELECT number, ST_AsBinary(area_25833) FROM municipality WHERE area_25833 IS NOT NULL")
    )
    ours = {number: shapely.from_wkb(bytes(area)) for number, area in rows}
    same = sum(area.intersection(official[number]).area for number, area in ours.items())
    assert same / sum(area.area for area in ours.values()) > 0.99
