"""Reading the files of the demo region."""

import csv
from collections.abc import Mapping
from decimal import Decimal
from typing import Final

import shapely

from geo.geometry import Position, Site, read_position, read_site
from marketplace.config import ROOT

FOLDER: Final = ROOT / "seed" / "demo"

type Row = Mapping[str, str]


def read_rows(name: str) -> list[dict[str, str]]:
    """The rows of a file in `seed/demo/`, without the lines that explain it."""
    with (FOLDER / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(line for line in file if not line.startswith("#")))


def listing_rows() -> list[dict[str, str]]:
    """The listings in the order they are to have been written in, so that numbers grow with time."""
    return sorted(read_rows("listings.csv"), key=lambda row: -int(row["age_days"]))


def number_of(written: str) -> Decimal | None:
    return Decimal(written) if written else None


def position_of(row: Row) -> Position:
    return read_position(row["lon"], row["lat"])


def site_of(row: Row) -> Site:
    """The outline where one is drawn, else the point."""
    if row["site_wkt"]:
        return read_site(shapely.to_geojson(shapely.from_wkt(row["site_wkt"])))
    position = position_of(row)
    return shapely.Point(position.lon, position.lat)
