"""Reading an official file of the municipality division: GeoJSON, GeoPackage or whatever else GDAL opens."""

import gzip
import json
import re
import zlib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import shapely
from pyogrio.errors import DataLayerError, DataSourceError
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError
from shapely.geometry.base import BaseGeometry

from geo.crs import transformer
from geo.units import SRID_LONLAT, SRID_STORED
from marketplace.errors import DomainError
from marketplace.i18n_marker import N_
from marketplace.services.reference import valid_multipolygon

NUMBER_NAMES = ("kommunenummer", "kommunenr", "kommnr", "knr", "municipality_number", "nummer", "number")
NAME_NAMES = ("kommunenavn", "navn", "kommune", "municipality_name", "name")
COUNTY_NAME_NAMES = ("fylkesnavn", "fylke", "county_name")

FEWEST, MOST = 300, 450
"""How many municipalities a whole division may have: 357 in 2024, 422 in 2019."""

SMALLEST_KM2, LARGEST_KM2 = 300_000, 550_000
"""Land alone is 324,000 km2; with the territorial sea it is about 470,000."""

NORWAY_LONLAT = (-2.0, 56.0, 36.0, 73.0)
"""The mainland with its territorial sea, generously."""

M2_PER_KM2 = 1_000_000

_GDAL: Any = pyogrio
"""The package has no type annotations."""


class BadDivision(DomainError):
    """The file is not a division of Norway into municipalities that can be used."""

    message = N_("The file cannot be used as the municipality division.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """A municipality of the file; `name` may hold several languages, as the authorities write it."""

    number: str
    name: str
    county_name: str | None
    area_25833: shapely.MultiPolygon


@dataclass(frozen=True, slots=True, kw_only=True)
class Division:
    """A whole division, checked: every number once, every area valid and in Norway."""

    file_name: str
    units: tuple[Unit, ...]
    repaired: int
    """How many areas had crossing rings that were mended."""


@dataclass(frozen=True, slots=True)
class _Feature:
    properties: Mapping[str, Any]
    geometry: BaseGeometry | None


def read_division(path: Path, *, layer: str | None = None, crs: str | None = None) -> Division:
    """The division in a file, in the stored system.

    `crs` overrides the coordinate system that the file names. A GeoJSON file may be gzipped.
    Raises:
        BadDivision: the file cannot be read, or is not a whole division; the message says what is wrong.
    """
    if not path.is_file():
        raise BadDivision(N_("There is no file %(path)s."), path=path)
    if re.search(r"\.(geo)?json(\.gz)?$", path.name, re.IGNORECASE):
        features, own_crs = _read_geojson(path, layer)
    else:
        features, own_crs = _read_with_gdal(path, layer)
    to_metres = _to_stored(crs or own_crs)
    parts: dict[str, list[BaseGeometry]] = defaultdict(list)
    described: dict[str, tuple[str, str | None]] = {}
    for feature in features:
        if feature.geometry is None or feature.geometry.geom_type not in {"Polygon", "MultiPolygon"}:
            continue  # border lines stand beside the areas in some deliveries
        number = _number(feature.properties)
        described.setdefault(number, (_name(feature.properties), _text(feature.properties, COUNTY_NAME_NAMES)))
        parts[number].append(feature.geometry)
    areas = {number: _projected(geometries, to_metres) for number, geometries in parts.items()}
    _check_in_norway(areas)
    repaired = sum(not area.is_valid for area in areas.values())
    units = tuple(
        Unit(
            number=number,
            name=described[number][0],
            county_name=described[number][1],
            area_25833=valid_multipolygon(areas[number]),
        )
        for number in sorted(areas)
    )
    _check_whole(units)
    return Division(file_name=path.name, units=units, repaired=repaired)


# Formats ---------------------------------------------------------------------------------------------------------


def _read_geojson(path: Path, layer: str | None) -> tuple[Iterator[_Feature], str | None]:
    try:
        data = path.read_bytes()
        document = json.loads(gzip.decompress(data) if path.suffix.lower() == ".gz" else data)
    except (OSError, EOFError, zlib.error, ValueError) as error:
        raise BadDivision(N_("%(file)s is not readable GeoJSON: %(reason)s"), file=path.name, reason=error) from None
    collection = _feature_collection(document, layer, file=path.name)
    crs = collection.get("crs") or {}
    return _geojson_features(collection, file=path.name), (crs.get("properties") or {}).get("name")


def _feature_collection(document: Any, layer: str | None, *, file: str) -> dict[str, Any]:
    """The collection itself, or the member of that name of a document that holds several, as Kartverket delivers it."""
    if isinstance(document, dict) and isinstance(document.get("features"), list):
        return document
    members = document if isinstance(document, dict) else {}
    collections = {
        name: member
        for name, member in members.items()
        if isinstance(member, dict) and isinstance(member.get("features"), list)
    }
    chosen = [layer] if layer else [name for name in collections if re.search(r"kommuner?$", name, re.IGNORECASE)]
    if len(chosen) != 1 or chosen[0] not in collections:
        names = ", ".join(collections) or "-"
        raise BadDivision(N_("%(file)s has no single layer of municipalities; its layers: %(names)s."),
                          file=file, names=names)  # fmt: skip
    found: dict[str, Any] = collections[chosen[0]]
    return found


def _geojson_features(collection: dict[str, Any], *, file: str) -> Iterator[_Feature]:
    for feature in collection["features"]:
        try:
            geometry = feature.get("geometry")
            shape = shapely.from_geojson(json.dumps(geometry)) if geometry else None
            yield _Feature(feature.get("properties") or {}, None if shape is None else shapely.force_2d(shape))
        except (AttributeError, TypeError, shapely.errors.GEOSException) as error:
            raise BadDivision(N_("%(file)s is not readable GeoJSON: %(reason)s"), file=file, reason=error) from None


def _read_with_gdal(path: Path, layer: str | None) -> tuple[Iterator[_Feature], str | None]:
    try:
        layer = layer or _only_layer(path)
        meta, _, geometries, columns = _GDAL.raw.read(path, layer=layer, force_2d=True)
        shapes = shapely.from_wkb(geometries)
    except (DataSourceError, DataLayerError, shapely.errors.GEOSException) as error:
        raise BadDivision(N_("%(file)s cannot be read: %(reason)s"), file=path.name, reason=error) from None
    names = list(meta["fields"])
    rows = (dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True))
    return (_Feature(row, shape) for row, shape in zip(rows, shapes, strict=True)), meta["crs"]


def _only_layer(path: Path) -> str:
    """The one layer of areas that has a municipality number."""
    fitting = [
        str(name)
        for name, geometry_type in _GDAL.list_layers(path)
        if re.search("Polygon|Surface|Unknown", str(geometry_type))
        if {str(field).casefold() for field in _GDAL.read_info(path, layer=name)["fields"]} & set(NUMBER_NAMES)
    ]
    if len(fitting) != 1:
        names = ", ".join(str(name) for name, _ in _GDAL.list_layers(path))
        raise BadDivision(N_("%(file)s has no single layer of municipalities; its layers: %(names)s."),
                          file=path.name, names=names)  # fmt: skip
    return fitting[0]


# Attributes ------------------------------------------------------------------------------------------------------


def _number(properties: Mapping[str, Any]) -> str:
    value = _value(properties, NUMBER_NAMES)
    if value is None:
        names = ", ".join(map(str, properties)) or "-"
        raise BadDivision(N_("No attribute holds the municipality number; the attributes are: %(names)s."), names=names)
    if isinstance(value, float | np.floating) and float(value).is_integer():
        value = int(value)
    number = f"{value:04}" if isinstance(value, int | np.integer) else str(value).strip()
    if not re.fullmatch(r"[0-9]{4}", number):
        raise BadDivision(N_("%(number)s is not a municipality number: it must be four digits."), number=repr(value))
    return number


def _name(properties: Mapping[str, Any]) -> str:
    name = _text(properties, NAME_NAMES)
    if name is None:
        names = ", ".join(map(str, properties))
        raise BadDivision(N_("No attribute holds the municipality's name; the attributes are: %(names)s."), names=names)
    return name


def _text(properties: Mapping[str, Any], names: tuple[str, ...]) -> str | None:
    value = _value(properties, names)
    if isinstance(value, str) and value.startswith("["):
        value = _parsed_or_text(value)
    if isinstance(value, list):  # one entry a language: [{"sprak": "nor", "navn": "Bærum"}, ...]
        entries = [str(entry.get("navn") or "") for entry in value if isinstance(entry, dict)]
        value = " – ".join(filter(None, entries))
    return " ".join(str(value).split()) or None if value is not None else None


def _parsed_or_text(value: str) -> Any:
    try:
        return json.loads(value)
    except ValueError:
        return value


def _value(properties: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    """The first of the attributes that is there and filled; capital letters do not matter."""
    by_name = {str(name).casefold(): value for name, value in properties.items()}
    return next((value for value in map(by_name.get, names) if value is not None and value != ""), None)


# Geometry --------------------------------------------------------------------------------------------------------


def _to_stored(crs: str | None) -> Transformer:
    """GeoJSON that names no system is in degrees (RFC 7946)."""
    try:
        return Transformer.from_crs(CRS.from_user_input(crs or SRID_LONLAT), SRID_STORED, always_xy=True)
    except CRSError:
        raise BadDivision(N_("%(crs)s is not a coordinate system that is known here."), crs=crs) from None


def _projected(geometries: list[BaseGeometry], to_metres: Transformer) -> BaseGeometry:
    whole = geometries[0] if len(geometries) == 1 else shapely.union_all(list(map(shapely.make_valid, geometries)))
    return shapely.transform(whole, lambda xy: np.column_stack(to_metres.transform(xy[:, 0], xy[:, 1])))


def _check_whole(units: tuple[Unit, ...]) -> None:
    if not FEWEST <= len(units) <= MOST:
        raise BadDivision(
            N_("The file has %(count)s municipalities; a whole division has between %(fewest)s and %(most)s."),
            count=len(units), fewest=FEWEST, most=MOST,
        )  # fmt: skip
    empty = [unit.number for unit in units if unit.area_25833.is_empty]
    if empty:
        raise BadDivision(N_("These municipalities have no area: %(numbers)s."), numbers=", ".join(empty))
    total_km2 = round(sum(unit.area_25833.area for unit in units) / M2_PER_KM2)
    if not SMALLEST_KM2 <= total_km2 <= LARGEST_KM2:
        raise BadDivision(
            N_("The municipalities cover %(total)s km2 in all; Norway's cover between %(smallest)s and %(largest)s."),
            total=total_km2, smallest=SMALLEST_KM2, largest=LARGEST_KM2,
        )  # fmt: skip


def _check_in_norway(areas: Mapping[str, BaseGeometry]) -> None:
    """Before anything is mended: coordinates of a wrong system can be infinite."""
    west, south, east, north = transformer(SRID_LONLAT, SRID_STORED).transform_bounds(*NORWAY_LONLAT, densify_pts=21)
    for number, area in areas.items():
        if area.is_empty:
            continue  # named as such later
        least_x, least_y, most_x, most_y = area.bounds
        inside = west <= least_x and south <= least_y and most_x <= east and most_y <= north
        if not inside:  # also where a bound is no number
            raise BadDivision(
                N_("%(number)s does not lie in Norway. Is the coordinate system right? Give it with --crs."),
                number=number,
            )
