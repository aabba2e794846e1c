"""A coarse outline of mainland Norway, to tell a slip of the finger from a site.

Svalbard, Jan Mayen and the continental shelf are left out: no municipality of the 2024 division lies there, and no
lorry drives there. The outline keeps 12-25 km of margin to land, so it also covers some kilometres of the
neighbouring countries; the municipality lookup is what decides in the end.

Source: the municipality polygons of 2024 (© Kartverket, CC BY 4.0), dilated by 25 km, eroded by 13 km, simplified to
5 km and rounded to 0.01 degree.
"""

from typing import Final

import shapely

OUTLINE: Final = shapely.from_wkt(
    "POLYGON (("
    "4.44 59.65, 4.27 59.18, 4.8 58.89, 5.18 58.38, 6.29 57.82, 7.09 57.66, 7.74 57.66, 8.51 57.83, "
    "9.93 58.59, 10.67 58.66, 11.07 58.86, 11.51 58.77, 11.81 58.83, 12.04 59.23, 11.97 59.54, 12.71 60.07, "
    "12.82 60.52, 12.58 60.86, 12.88 61.01, 13.09 61.35, 12.74 61.64, 12.39 61.77, 12.53 62.27, 12.31 62.6, "
    "12.45 63.0, 12.27 63.27, 12.46 63.58, 12.89 63.91, 13.24 63.98, 14.05 63.91, 14.38 64.15, 14.35 64.49, "
    "14.07 64.69, 14.76 65.28, 14.85 65.96, 15.71 66.22, 15.73 66.48, 16.64 67.0, 16.53 67.39, 17.01 67.85, "
    "17.38 67.95, 18.08 67.89, 18.62 68.39, 20.09 68.27, 20.5 68.46, 20.69 68.89, 21.5 69.01, 21.81 68.97, "
    "22.27 68.62, 23.19 68.52, 24.07 68.63, 25.03 68.46, 26.05 68.98, 26.02 69.22, 26.33 69.65, 26.68 69.8, "
    "27.63 69.89, 28.88 69.6, 28.96 69.47, 28.55 69.26, 28.51 69.09, 28.85 68.93, 29.15 68.91, 29.89 69.28, "
    "31.2 69.5, 31.21 69.81, 31.86 70.09, 32.05 70.31, 31.96 70.54, 30.65 70.95, 28.51 71.39, 25.67 71.49, "
    "23.8 71.4, 21.53 70.95, 18.13 70.48, 16.79 69.82, 14.54 69.31, 13.06 68.55, 12.38 68.32, 11.87 67.89, "
    "11.12 67.6, 11.04 67.38, 11.5 66.84, 9.76 64.92, 7.92 64.11, 6.67 63.34, 4.74 62.52, 3.96 61.76, "
    "3.87 60.99, 4.44 59.65"
    "))"
)
"""EPSG:4326. Prepared, so that a test of one position takes a microsecond."""
shapely.prepare(OUTLINE)

BOUNDS_LONLAT: Final[tuple[float, float, float, float]] = OUTLINE.bounds
"""(west, south, east, north) in degrees: what a map shows before anything is asked."""
