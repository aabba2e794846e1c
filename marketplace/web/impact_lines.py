"""The lines of the ledgers, each in symbols, in numbers, and with what it comes to."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from flask_babel import gettext as _

from geo.impact import Comparison, Ledger, Measure
from geo.impact_steps import ImpactSteps, LegSteps
from geo.quantities import Quantity
from marketplace.filters import number
from marketplace.impact_basis import Basis, is_known
from marketplace.impact_wording import exact, gross_words, rounded_range
from marketplace.labels import label

TIMES, MINUS, PLUS = " × ", " \N{MINUS SIGN} ", " + "
EVERY_DIGIT: Final = 9


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line of the ledgers, worked out: in symbols, in numbers, and what it comes to."""

    measure: Measure
    name: str
    symbols: str
    numbers: str
    result: str
    range: str
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chapter:
    """Lines of one ledger; ledgers are never added to one another."""

    id: str
    title: str
    lines: tuple[Line, ...]


def chapters_of(basis: Basis, c: Comparison, worked: ImpactSteps, ledger: Ledger) -> tuple[Chapter, ...]:
    formulas = dict(_formulas(c, worked))

    def lines(*measures: Measure) -> tuple[Line, ...]:
        return tuple(_line(basis, each, formulas[each], worked.result, ledger) for each in measures)

    return (
        Chapter(
            id="transport",
            title=_("Transport"),
            lines=lines(Measure.TKM, Measure.TRIPS, Measure.VEHICLE_KM, Measure.LITRES, Measure.TRANSPORT_CO2E_KG),
        ),
        Chapter(
            id="landfill",
            title=_("Landfill"),
            lines=lines(Measure.LANDFILL_T, Measure.LANDFILL_M3, Measure.LANDFILL_M2),
        ),
        Chapter(id="virgin", title=_("New material"), lines=lines(Measure.VIRGIN_T)),
        Chapter(id="material", title=_("CO₂e of material"), lines=lines(Measure.MATERIAL_CO2E_KG)),
        Chapter(id="disposal", title=_("CO₂e of disposal"), lines=lines(Measure.DISPOSAL_CO2E_KG)),
        Chapter(
            id="cost",
            title=_("Cost"),
            lines=lines(Measure.HAULAGE_NOK, Measure.GATE_FEE_NOK, Measure.PURCHASE_NOK),
        ),
    )


def _line(
    basis: Basis,
    measure: Measure,
    formula: tuple[str, str],
    result: Mapping[Measure, Decimal | None],
    ledger: Ledger,
) -> Line:
    value = result[measure] if is_known(basis, measure) else None
    return Line(
        measure=measure,
        name=label(measure),
        symbols=formula[0],
        numbers="" if value is None else formula[1],
        result=exact(measure, value),
        range="" if value is None else rounded_range(measure, ledger[measure]),
        note=gross_words() if measure is Measure.GATE_FEE_NOK else "",
    )


def _formulas(c: Comparison, w: ImpactSteps) -> Iterator[tuple[Measure, tuple[str, str]]]:
    """Each line in symbols, and with its numbers."""
    full, empty = digits(c.vehicle.full_per_km.value), digits(c.vehicle.empty_per_km.value)
    mass, r = digits(w.mass_t), digits(1 - c.residue_share)
    yield (
        Measure.TKM,
        (
            _("mass × distance, avoided less added"),
            _signed(w.legs, lambda each: f"{digits(each.mass_t)}{TIMES}{digits(each.length_km)}"),
        ),
    )
    payload = digits(c.vehicle.payload_t)
    yield (
        Measure.TRIPS,
        (
            _("mass / what a lorry carries, rounded up, on each leg"),
            _signed(w.legs, lambda each: f"⌈{digits(each.mass_t)} / {payload}⌉"),
        ),
    )
    there_and_back = f"(1 + {digits(c.empty_return)})"
    yield (
        Measure.VEHICLE_KM,
        (
            _("loads × distance × (1 + empty back)"),
            _signed(w.legs, lambda each: f"{digits(each.loads)}{TIMES}{digits(each.length_km)}{TIMES}{there_and_back}"),
        ),
    )
    yield (
        Measure.LITRES,
        (
            _("full kilometres × fuel when full + empty kilometres × fuel when empty"),
            _signed(
                w.legs, lambda each: f"({digits(each.full_km)}{TIMES}{full} + {digits(each.empty_km)}{TIMES}{empty})"
            ),
        ),
    )
    yield (
        Measure.TRANSPORT_CO2E_KG,
        (
            _("fuel × CO₂e of the fuel"),
            f"{_net_energy(w)}{TIMES}{digits(c.vehicle.kg_co2e_per_energy.value)}",
        ),
    )
    p, s = digits(c.landfill_share.value), digits(c.substitution)
    landfill_t, virgin_t = w.result[Measure.LANDFILL_T], w.result[Measure.VIRGIN_T]
    yield Measure.LANDFILL_T, ("q × p × (1 − r)", TIMES.join((mass, p, r)))
    yield Measure.LANDFILL_M3, (_("tonnes / density in place"), _over(landfill_t, c.placed_t_per_m3))
    yield (
        Measure.LANDFILL_M2,
        (
            _("cubic metres / how high it is filled"),
            _over(w.result[Measure.LANDFILL_M3], c.landfill_height_m),
        ),
    )
    yield Measure.VIRGIN_T, ("q × s × (1 − r)", TIMES.join((mass, s, r)))
    yield (
        Measure.MATERIAL_CO2E_KG,
        (
            _("new material × its CO₂e, less q × CO₂e on the way"),
            f"{_or_none(virgin_t)}{TIMES}{digits(c.primary_kg_per_t.value)}"
            f"{MINUS}{mass}{TIMES}{digits(c.processing_kg_per_t.value)}",
        ),
    )
    yield (
        Measure.DISPOSAL_CO2E_KG,
        (
            _("kept out of landfill × (CO₂e of landfilling − CO₂e of handling)"),
            f"{_or_none(landfill_t)}{TIMES}({digits(c.landfill_kg_per_t.value)}{MINUS}{digits(c.recovery_kg_per_t.value)})",
        ),
    )
    prices = (
        (Measure.HAULAGE_NOK, _("lorry kilometres × their price"), Measure.VEHICLE_KM, c.haulage_nok_per_km),
        (Measure.GATE_FEE_NOK, _("kept out of landfill × what it takes"), Measure.LANDFILL_T, c.gate_fee_nok_per_t),
        (Measure.PURCHASE_NOK, _("new material × its price"), Measure.VIRGIN_T, c.purchase_nok_per_t),
    )
    for measure, symbols, of, price in prices:
        of_what = _or_none(w.result[of])
        yield measure, (symbols, "" if price is None else f"{of_what}{TIMES}{digits(price.value)}")


def _signed(legs: Iterable[LegSteps], term: Callable[[LegSteps], str]) -> str:
    """Terms with their signs; a sum of none is nothing."""
    text = ""
    for each in legs:
        sign = (PLUS if text else "") if each.sign > 0 else (MINUS if text else MINUS.strip())
        text += sign + term(each)
    return text or "0"


def _net_energy(w: ImpactSteps) -> str:
    return digits(sum((each.sign * each.energy for each in w.legs), Decimal(0)))


def _over(value: Decimal | None, by: Quantity | None) -> str:
    return "" if by is None else f"{_or_none(value)} / {digits(by.value)}"


def _or_none(value: Decimal | None) -> str:
    return "" if value is None else digits(value)


def digits(value: Decimal) -> str:
    return number(value, EVERY_DIGIT)
