"""Reference systems and units, with the source of each constant.

Axis order is (lon, lat) in degrees and (easting, northing) in metres everywhere, also where the EPSG registry
lists latitude first.
"""

from decimal import Decimal
from enum import StrEnum
from typing import Final

SRID_LONLAT: Final = 4326
"""WGS 84, degrees: how geometry enters and leaves the program (EPSG:4326; RFC 7946 section 4)."""

SRID_STORED: Final = 25833
"""ETRS89 / UTM zone 33N, metres: how geometry is stored. One system for all of Norway (EPSG:25833)."""

SRID_UTM32: Final = 25832
"""ETRS89 / UTM zone 32N, metres: the zone site drawings use west of 12 degrees east (EPSG:25832)."""

ELLIPSOID: Final = "GRS80"
"""The ellipsoid of ETRS89. WGS 84 differs from it by 0.1 mm in the polar radius (Moritz 1980)."""

M_PER_KM: Final = 1000

MASS_STEP_T: Final = Decimal("0.001")
"""Masses are kept to the kilogram."""

DENSITY_STEP_T_PER_M3: Final = Decimal("0.001")
"""A stated density is kept to a kilogram a cubic metre."""


class VolumeState(StrEnum):
    """How tightly a cubic metre is packed. The Norwegian names: fast (pfm3), løs (ulm3), anbrakt (pam3)."""

    BANK = "bank"
    LOOSE = "loose"
    PLACED = "placed"


class EnteredUnit(StrEnum):
    """The unit a person gave a quantity in."""

    TONNE = "t"
    M3_BANK = "m3_bank"
    M3_LOOSE = "m3_loose"
    M3_PLACED = "m3_placed"

    @property
    def state(self) -> VolumeState | None:
        """The state the volume was measured in; None for a mass."""
        return None if self is EnteredUnit.TONNE else VolumeState(self.removeprefix("m3_"))
