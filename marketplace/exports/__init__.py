"""Tables that anybody's tools can read: CSV, XLSX, GeoJSON, GeoPackage and Parquet, from the same rows.

    export = Export(name="flows", columns=..., geometries=("LineString",), about=..., rows=...)
    for part in write(export, Format.GEOJSON): ...

The rows are gone through once, however many there are: text is given as it comes, the other formats are written to a
temporary file first, since they end with what their beginning points at. What a table is, by whom, on which terms and
in which reference system stands in every file (`About`), as far as the format has a place for it; a CSV file has none,
so `metadata_json` describes it beside. Columns have the same names in all of them, with their units.
"""

from marketplace.exports.files import write
from marketplace.exports.tables import (
    About,
    Cell,
    Column,
    Export,
    Fact,
    Format,
    Kind,
    Row,
    metadata_json,
)

__all__ = ["About", "Cell", "Column", "Export", "Fact", "Format", "Kind", "Row", "metadata_json", "write"]
