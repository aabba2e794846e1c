"""The resource pyramid: how good an outcome for a mass is (Norwegian: ressurspyramiden).

Source: the ranking of the waste framework directive (2008/98/EC article 4) as Norwegian authorities use it for masses.
"""

from enum import StrEnum
from typing import Final


class Level(StrEnum):
    """What becomes of a mass, the best first; the last two are not of the pyramid."""

    REUSE_ON_SITE = "reuse_on_site"
    REUSE = "reuse"
    """In another project, as it is."""
    RECYCLING = "recycling"
    """In another project, once it has been crushed or washed."""
    BACKFILLING = "backfilling"
    """Backfilling and other recovery."""
    DISPOSAL = "disposal"
    """A landfill, or a use that fails one of the three tests of recovery (forurensningsloven 27 and 32)."""
    UNDOCUMENTED = "undocumented"
    """Not all of the three tests have been answered, so nobody can tell yet whether it is recovery."""
    PENDING = "pending"
    """In a hub: it counts once, where it is used in the end."""


PYRAMID: Final = (Level.REUSE_ON_SITE, Level.REUSE, Level.RECYCLING, Level.BACKFILLING, Level.DISPOSAL)
