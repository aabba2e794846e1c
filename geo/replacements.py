"""What new material a need would have been filled with, had nobody's surplus filled it; and to which family a mass
belongs in a factor set.

The table is data: `seed/impact/replaces.csv`, each row with its source. Crushed concrete and brick replace aggregate,
never concrete or brick: crediting those would be greenwashing.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Final

from geo.errors import MaterialError, MaterialFault
from geo.materials import SEED_DIR, MaterialGroup, Taxonomy, taxonomy

AGGREGATES: Final = "aggregates"
MINERAL_SOIL: Final = "mineral_soil"
BRICK: Final = "brick"


@dataclass(frozen=True, slots=True, kw_only=True)
class Replacement:
    """What a need for a material is filled with where nothing is reused.

    `sold_as` are the materials of which a quarry that sells one will do, and `family` whose primary production is
    avoided. `landfilled_as` are those of which a landfill that takes one in takes this one, too: who takes concrete in
    takes crushed concrete in.
    """

    needed: str
    sold_as: tuple[str, ...]
    landfilled_as: tuple[str, ...]
    family: str
    note_no: str
    note_en: str
    source: str
    is_verified: bool


@cache
def replacements() -> Mapping[str, Replacement]:
    """Return what each material of the seed's taxonomy is replaced by, read once."""
    return read_replacements(SEED_DIR / "impact" / "replaces.csv", taxonomy=taxonomy())


def read_replacements(path: Path, *, taxonomy: Taxonomy) -> Mapping[str, Replacement]:
    """Return the rows of a table by what is needed, one for every material.

    Raises MaterialError: bad_table.
    """
    found: dict[str, Replacement] = {}
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        for row in reader:
            sold_as, landfilled_as = (tuple(row[name].split(";")) for name in ("sold_as", "landfilled_as"))
            named = {row["needed"], *sold_as, *landfilled_as}
            if row["needed"] in found or not taxonomy.materials.keys() >= named:
                reason = f"{row['needed']} is there twice, or names a material that is none"
                raise MaterialError(MaterialFault.BAD_TABLE, line=reader.line_num, reason=reason)
            found[row["needed"]] = Replacement(
                needed=row["needed"],
                sold_as=sold_as,
                landfilled_as=landfilled_as,
                family=row["family"],
                note_no=row["note_no"],
                note_en=row["note_en"],
                source=row["source"],
                is_verified=row["verified"] == "yes",
            )
    if missing := taxonomy.materials.keys() - found.keys():
        raise MaterialError(MaterialFault.BAD_TABLE, line=0, reason=f"{sorted(missing)} are not there")
    return MappingProxyType(found)


def family_of(material_key: str) -> str:
    """Return the family that a mass belongs to when it is handled, processed or landfilled.

    Raises MaterialError: unknown_material.
    """
    if material_key == BRICK:
        return BRICK
    return FAMILIES[taxonomy().material(material_key).group]


FAMILIES: Final[Mapping[MaterialGroup, str]] = {
    MaterialGroup.STONE: AGGREGATES,
    MaterialGroup.SOIL: MINERAL_SOIL,
    MaterialGroup.CONCRETE: "concrete",
    MaterialGroup.ASPHALT: "asphalt",
}
