"""A comparison as a page explains it: what is compared, every figure it rests on, and each line worked out in numbers.

All of it comes from what was frozen (or, of a match, from what holds now), so that an engineer can check each line with
a pocket calculator.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from flask import url_for
from flask_babel import get_locale
from flask_babel import gettext as _

from geo.certainty import is_range_verified, is_sign_certain
from geo.factors import LITRE
from geo.impact import Comparison, Ledger, Method, Role, is_plausible
from geo.impact_steps import LegSteps, steps
from geo.pyramid import Level
from geo.quantities import Quantity
from geo.replacements import family_of, replacements
from marketplace.factor_words import (
    figure_words,
    fuel_name,
    range_of_key,
    range_words,
    region_name,
    source_words,
    vehicle_name,
)
from marketplace.filters import number
from marketplace.impact_basis import Basis, BasisPlace, Chosen, processing_keys
from marketplace.impact_wording import in_a_sentence, landfill_words, quarry_words, role_words
from marketplace.labels import label, material_name
from marketplace.models import FactorSet
from marketplace.recovery import Recovery
from marketplace.types import FacilityKind
from marketplace.web.impact_lines import Chapter, chapters_of, digits

KM_DECIMALS: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceRow:
    """A place that takes part; `symbol` is what formulas call it."""

    symbol: str
    role: str
    name: str
    where: str
    why: str
    url: str | None
    is_verified: bool | None = None
    """None where nothing is kept of it, or it is no facility that anybody could have verified."""
    is_example: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LegRow:
    """A leg: its length, and what is driven on it."""

    role: str
    way: str
    symbol: str
    length: str
    km: str
    km_range: str
    mass: str
    loads: str
    full_km: str
    empty_km: str
    tkm: str
    energy: str
    co2e: str
    is_avoided: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class InputRow:
    """A figure that goes in. `is_verified` is None where it is no figure of a factor set."""

    name: str
    symbol: str
    figure: str
    range: str
    source: str
    is_verified: bool | None = None
    is_range_verified: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ImpactSheet:
    """All that the page says of a mass."""

    mass: str
    level: str
    material: str
    needed: str
    replaces: str
    is_replacement_verified: bool
    places: tuple[PlaceRow, ...]
    method: str
    is_estimate: bool
    is_sign_certain: bool
    rejects: bool
    """Whether a plant on the way rejects a share of it."""
    legs: tuple[LegRow, ...]
    energy_unit: str
    inputs: tuple[InputRow, ...]
    chapters: tuple[Chapter, ...]
    is_plausible: bool
    set_name: str
    set_version: str


def impact_sheet(
    basis: Basis, comparison: Comparison, ledger: Ledger, *, mass_t: Decimal, factor_set: FactorSet
) -> ImpactSheet:
    worked = steps(comparison, mass_t)
    return ImpactSheet(
        mass=tonnes_exact(mass_t),
        level=label(basis.level),
        material=material_name(basis.material_key),
        needed=material_name(basis.needed_key),
        replaces=_replaces(basis),
        is_replacement_verified=basis.is_replaced_verified,
        places=tuple(_places(basis)),
        method=_method(basis),
        is_estimate=basis.method is Method.ESTIMATE,
        is_sign_certain=is_sign_certain(comparison),
        rejects=comparison.residue_share > 0,
        legs=tuple(_leg(each, comparison) for each in worked.legs),
        energy_unit="l" if comparison.vehicle.energy == LITRE else "kWh",
        inputs=tuple(_inputs(basis, comparison, factor_set)),
        chapters=chapters_of(basis, comparison, worked, ledger),
        is_plausible=is_plausible(ledger, mass_t=mass_t),
        set_name=factor_set.name,
        set_version=factor_set.version,
    )


def tonnes_exact(mass_t: Decimal) -> str:
    return f"{number(mass_t, 3)} t"


# What is compared -------------------------------------------------------------------------------------------------


def _replaces(basis: Basis) -> str:
    if basis.replaced_note_no:
        return _in_language(basis.replaced_note_no, basis.replaced_note_en)
    row = replacements()[basis.needed_key]  # a record from before the words were kept with it
    return _in_language(row.note_no, row.note_en)


def _in_language(norwegian: str, english: str) -> str:
    locale = get_locale()
    return english if locale is not None and locale.language == "en" else norwegian


def _places(basis: Basis) -> Iterator[PlaceRow]:
    start, use = basis.stops[0], basis.stops[-1]
    hidden = _("Measured from the place that everybody may see, within about a kilometre of it.")
    yield _place(start, symbol="i", role=_("Where the surplus is"), why=hidden if basis.is_blurred else "")
    for n, hub in enumerate(basis.hubs, start=1):
        symbol = "h" if len(basis.hubs) == 1 else f"h{n}"
        yield _place(hub, symbol=symbol, role=_("The hub it goes by"), why="" if hub.kind is None else label(hub.kind))
    yield _place(use, symbol="j", role=_("Where it is used"), why="")
    yield _place(basis.landfill, symbol="L", role=_("Where it would have gone"), why=landfill_words(basis))
    yield _place(basis.quarry, symbol="Q", role=_("Where new material would have come from"), why=quarry_words(basis))


def _place(place: BasisPlace | None, *, symbol: str, role: str, why: str) -> PlaceRow:
    return PlaceRow(
        symbol=symbol,
        role=role,
        name="" if place is None else place.name,
        where="" if place is None else place.municipality,
        why=why,
        url=None
        if place is None or place.facility_id is None
        else url_for("facilities.show", facility_id=place.facility_id),
        is_verified=None if place is None else place.is_verified,
        is_example=place is not None and place.is_example,
    )


def _method(basis: Basis) -> str:
    if basis.method is Method.ROAD:
        return _("By road, on the network of roads %(version)s.", version=basis.network_version or "")
    return _(
        "An estimate: the straight line, made longer by the factor of %(region)s. All legs alike.",
        region=region_name(basis.region),
    )


def _leg(each: LegSteps, comparison: Comparison) -> LegRow:
    km = comparison.km(each.leg)
    return LegRow(
        role=role_words(each.leg.role),
        way=f"{each.leg.origin} \N{RIGHTWARDS ARROW} {each.leg.destination}",
        symbol=SYMBOLS[each.leg.role],
        length=_km(each.leg.length_km),
        km=_km(each.length_km),
        km_range="" if km.low == km.high else f"{number(km.low, 1)}\N{EN DASH}{number(km.high, 1)} km",
        mass=tonnes_exact(each.mass_t),
        loads=number(each.loads),
        full_km=number(each.full_km, 1),
        empty_km=number(each.empty_km, 1),
        tkm=number(each.tkm),
        energy=number(each.energy, 1),
        co2e=number(each.co2e_kg, 1),
        is_avoided=each.sign > 0,
    )


SYMBOLS: Final[dict[Role, str]] = {
    Role.TO_LANDFILL: "d(i, L)",
    Role.FROM_QUARRY: "d(Q, j)",
    Role.HAUL: "d(i, j)",
}


def _km(length_km: Decimal) -> str:
    return f"{number(length_km, KM_DECIMALS)} km"


# What goes in -----------------------------------------------------------------------------------------------------


def _inputs(basis: Basis, c: Comparison, factor_set: FactorSet) -> Iterator[InputRow]:
    kept = {row.key: row for row in factor_set.factors}
    vehicle, fuel = f"vehicle.{c.vehicle.key}", f"fuel.{factor_set.default_fuel}"
    mass, replaced = f"material.{family_of(basis.material_key)}", f"material.{basis.replaced_family}"
    lorry = vehicle_name(c.vehicle.key)
    runs_on = fuel_name(factor_set.default_fuel) if c.vehicle.energy == LITRE else _("electricity")

    def row(name: str, symbol: str, figure: Quantity, *keys: str) -> InputRow:
        rows = [kept[key] for key in keys if key in kept]
        return InputRow(
            name=name,
            symbol=symbol,
            figure=figure_words(figure),
            range=range_words(figure),
            source=source_words(figure.source),
            is_verified=all(each.is_verified for each in rows) if rows else None,
            is_range_verified=all(is_range_verified(low=each.low, high=each.high, note=each.note) for each in rows),
        )

    def fixed(name: str, symbol: str, value: Decimal, unit: str, key: str) -> InputRow:
        """A figure that goes in without its range, which is told all the same."""
        factor = kept.get(key)
        if factor is None:
            return row(name, symbol, Quantity.exact(value, unit=unit, source=""))
        of_set = Quantity(value=factor.value, low=factor.low, high=factor.high, unit=unit, source=factor.source)
        told = row(name, symbol, Quantity.exact(value, unit=unit, source=factor.source), key)
        return replace(told, range=range_of_key(key, of_set))

    lorry_carries = _("What a lorry carries: %(lorry)s", lorry=lorry)
    yield fixed(lorry_carries, "", c.vehicle.payload_t, "t", f"{vehicle}.payload")
    if basis.method is Method.ESTIMATE:
        name = _("Road over straight line: %(region)s", region=region_name(basis.region))
        yield row(name, "", c.circuity, f"circuity.{basis.region}")
    yield row(_("Fuel used with a full load"), "", c.vehicle.full_per_km, f"{vehicle}.full")
    yield row(_("Fuel used when empty"), "", c.vehicle.empty_per_km, f"{vehicle}.empty")
    name = _("CO₂e of the fuel, well to wheel: %(fuel)s", fuel=runs_on)
    yield row(name, "", c.vehicle.kg_co2e_per_energy, f"{fuel}.ttw", f"{fuel}.wtt")
    yield fixed(_("Share of the way back that is driven empty"), "", c.empty_return, "1", "default.empty_return")
    yield InputRow(
        name=_("Share that replaces new material"),
        symbol="s",
        figure=digits(c.substitution),
        range="",
        source=_why_s(basis),
    )
    is_default = basis.landfill_chosen is Chosen.NEAREST and c.landfill_share.high > 0
    p = row(_("How likely it would have been landfilled"), "p", c.landfill_share, "default.landfill_share")
    yield p if is_default else replace(p, source=_why_p(basis), is_verified=None)
    of_set = "default.residue_share" if c.residue_share else ""
    yield fixed(_("Share that a plant rejects"), "r", c.residue_share, "1", of_set)
    if c.placed_t_per_m3 is not None:
        yield replace(row(_("Density in place"), "", c.placed_t_per_m3), source=_("The table of materials"))
    yield row(_("How high a landfill is filled"), "", c.landfill_height_m, "default.landfill_height")
    yield row(_("CO₂e of new material"), "", c.primary_kg_per_t, f"{replaced}.primary")
    if c.processing_kg_per_t.high:
        yield row(
            _("CO₂e of crushing, washing or handling on the way"), "", c.processing_kg_per_t, *processing_keys(basis)
        )
    yield row(_("CO₂e of landfilling"), "", c.landfill_kg_per_t, f"{mass}.landfill")
    yield row(_("CO₂e of handling it where it is used"), "", c.recovery_kg_per_t, f"{mass}.handling")
    if c.haulage_nok_per_km is not None:
        yield row(_("Price of a lorry kilometre"), "", c.haulage_nok_per_km, "default.haulage_price")
    if c.gate_fee_nok_per_t is not None:
        yield row(_("What the landfill takes"), "", c.gate_fee_nok_per_t)
    if c.purchase_nok_per_t is not None:
        yield row(_("What new material costs"), "", c.purchase_nok_per_t)


def _why_p(basis: Basis) -> str:
    if basis.level is Level.DISPOSAL:
        return _("The use is disposal itself.")
    if basis.landfill is None:
        return _("No landfill takes it in.")
    return _("Declared by the owner of the surplus: no evidence, and so no range.")


def _why_s(basis: Basis) -> str:
    if basis.level is Level.DISPOSAL and basis.recovery is not Recovery.NOT_RECOVERY:
        return _("The use is disposal itself.")
    if not basis.is_assumed and not basis.recovery.credits_virgin_material:
        return _("The three tests of recovery do not all hold, or are not answered.")
    if why := _why_none(basis):
        return why
    if basis.is_assumed:
        return _("As if the three tests of recovery held: nobody has answered them yet.")
    return _("The three tests of recovery hold.")


def _why_none(basis: Basis) -> str:
    """Why a use that is recovery replaces nothing all the same; empty where it does."""
    if not basis.is_fit:
        return _(
            "The table of materials has no use of %(offered)s where %(needed)s is needed, so it replaces nothing.",
            offered=in_a_sentence(basis.material_key),
            needed=in_a_sentence(basis.needed_key),
        )
    if basis.stops[-1].kind is FacilityKind.QUARRY:
        return _("The use is itself a quarry: filling it replaces no new material.")
    if basis.quarry is None and basis.is_assumed:
        return _("Nobody is known to sell new material.")
    if basis.quarry is None:
        return _("The three tests hold, but nobody is known to sell new material.")
    return ""
