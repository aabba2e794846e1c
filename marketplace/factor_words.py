"""What the figures of a factor set are called, with their units, sources and notes, in the visitor's language."""

from collections.abc import Callable
from enum import StrEnum
from typing import Final

from flask_babel import get_locale

from geo.certainty import is_held_fixed
from geo.factor_tables import Source, factor_tables
from geo.quantities import Quantity
from marketplace.filters import EN_DASH, NO_BREAK_SPACE, number
from marketplace.i18n import translate
from marketplace.i18n_marker import N_
from marketplace.types import FactorSetStatus

FACTOR_DECIMALS: Final = 9
BETWEEN_SOURCES: Final = "; "


class FactorGroup(StrEnum):
    """The tables that a set is shown in, by what its keys begin with."""

    VEHICLE = "vehicle"
    FUEL = "fuel"
    CIRCUITY = "circuity"
    MATERIAL = "material"
    DEFAULT = "default"


GROUPS: Final[dict[FactorGroup, tuple[str, str]]] = {
    FactorGroup.VEHICLE: (N_("Lorries"), N_("What a lorry carries, and what it uses a kilometre.")),
    FactorGroup.FUEL: (
        N_("Fuel and electricity"),
        N_("Tank to wheel is what the lorry lets out, well to tank is what making the fuel did. Both count."),
    ),
    FactorGroup.CIRCUITY: (
        N_("Roads and straight lines"),
        N_("How much longer the road is than the straight line, used only where no road network is loaded."),
    ),
    FactorGroup.MATERIAL: (
        N_("Materials"),
        N_("Greenhouse gases a tonne: made anew, made of what was used, landfilled, and moved about."),
    ),
    FactorGroup.DEFAULT: (N_("Assumptions"), N_("What holds where nothing better is known.")),
}
"""A heading, and what the figures are for."""

VEHICLES: Final = {
    "tipper_4axle": N_("Four-axle tipper, 32 t"),
    "truck_trailer": N_("Tipper with trailer, 50 t"),
    "electric_4axle": N_("Electric four-axle tipper"),
    "rigid_gt17": N_("Rigid lorry above 17 t"),
    "artic_gt33": N_("Articulated lorry above 33 t"),
}
FUELS: Final = {
    "diesel_mineral": N_("Mineral diesel"),
    "diesel_lorry": N_("Diesel of British lorries"),
    "hvo": N_("HVO"),
    "electricity": N_("Electricity"),
}
FAMILIES: Final = {
    "aggregates": N_("Crushed rock, gravel and sand"),
    "asphalt": N_("Asphalt"),
    "concrete": N_("Concrete"),
    "brick": N_("Brick"),
    "mineral_soil": N_("Mineral soil"),
}
REGIONS: Final = {
    "oslo_region": N_("The Oslo region"),
    "norway": N_("Norway"),
    "fjord_counties": N_("The fjord counties"),
}
PARTS: Final = {
    "payload": N_("payload"),
    "full": N_("use when full"),
    "empty": N_("use when empty"),
    "ttw": N_("tank to wheel"),
    "wtt": N_("well to tank"),
    "primary": N_("made anew"),
    "closed_loop": N_("crushed or washed"),
    "reused": N_("reused as it is"),
    "landfill": N_("landfilled"),
    "handling": N_("moved about"),
}
DEFAULTS: Final = {
    "landfill_share": N_("Share that would have been landfilled (p)"),
    "empty_return": N_("Share of the way back that is empty"),
    "residue_share": N_("Share that a plant rejects (r)"),
    "landfill_height": N_("Height of filling of a landfill"),
    "haulage_price": N_("Haulage, a kilometre driven"),
}
STATUSES: Final[dict[FactorSetStatus, tuple[str, str]]] = {
    FactorSetStatus.ACTIVE: (N_("In use"), "success"),
    FactorSetStatus.DRAFT: (N_("Draft"), "warning"),
    FactorSetStatus.RETIRED: (N_("No longer in use"), "neutral"),
}
"""The word, and the colour of its tag."""


def _in(words: dict[str, str], name: str) -> str:
    """The word for a name; the name itself where an administrator has made it up."""
    return translate(words[name], {}) if name in words else name


def vehicle_name(name: str) -> str:
    return _in(VEHICLES, name)


def fuel_name(name: str) -> str:
    return _in(FUELS, name)


def family_name(name: str) -> str:
    return _in(FAMILIES, name)


def region_name(name: str) -> str:
    return _in(REGIONS, name)


NAMES: Final[dict[FactorGroup, Callable[[str], str]]] = {
    FactorGroup.VEHICLE: vehicle_name,
    FactorGroup.FUEL: fuel_name,
    FactorGroup.CIRCUITY: region_name,
    FactorGroup.MATERIAL: family_name,
    FactorGroup.DEFAULT: lambda name: _in(DEFAULTS, name),
}


def group_of(key: str) -> FactorGroup:
    return FactorGroup(key.partition(".")[0])


def factor_name(key: str) -> str:
    """What a figure is called: Four-axle tipper, 32 t: payload."""
    group, name, *part = key.split(".")
    what = NAMES[FactorGroup(group)](name)
    return f"{what}: {_in(PARTS, part[0])}" if part else what


def unit_words(unit: str) -> str:
    """A unit as people write it; nothing for a share."""
    if unit == "1":
        return ""
    locale = get_locale()
    is_norwegian = locale is None or locale.language != "en"
    return unit.replace("CO2e", "CO₂e").replace("NOK", "kr" if is_norwegian else "NOK")


def figure_words(quantity: Quantity) -> str:
    """The figure and its unit, with all the digits that it has."""
    unit = unit_words(quantity.unit)
    return number(quantity.value, FACTOR_DECIMALS) + (NO_BREAK_SPACE + unit if unit else "")


def range_words(quantity: Quantity) -> str:
    """From low to high; nothing where it has no range."""
    if quantity.low == quantity.high:
        return ""
    return f"{number(quantity.low, FACTOR_DECIMALS)}{EN_DASH}{number(quantity.high, FACTOR_DECIMALS)}"


def range_of_key(key: str, quantity: Quantity) -> str:
    """From low to high, and that it is held fixed where it is."""
    words = range_words(quantity)
    if words and is_held_fixed(key):
        return translate(N_("%(range)s, held fixed"), {"range": words})
    return words


def source_of(text: str) -> Source | None:
    """The source that a figure names in short; None where it names another than the tables have."""
    return factor_tables().sources.get(text)


def source_words(text: str) -> str:
    """What a figure's source is called, or the sources of what was worked out of several."""
    return BETWEEN_SOURCES.join(_source_name(each) for each in text.split(BETWEEN_SOURCES))


def source_in_short(text: str) -> str:
    """A source as a table names it, where the sources stand in full below; what is published keeps its own name."""
    source = source_of(text)
    return text if source is not None and source.url else source_words(text)


def _source_name(text: str) -> str:
    source = source_of(text)
    if source is None:
        return text
    locale = get_locale()
    return source.name_en if locale is not None and locale.language == "en" else source.name_no


def note_words(text: str) -> str:
    """A note or name of the tables in the visitor's language; one that somebody wrote as they wrote it."""
    locale = get_locale()
    if locale is not None and locale.language == "en":
        return text
    return factor_tables().notes_no.get(text, text)


def as_kept(text: str, kept: str) -> str:
    """What to keep of a note that was shown in the visitor's language: what was there, unless it was changed."""
    return kept if text == note_words(kept) else text
