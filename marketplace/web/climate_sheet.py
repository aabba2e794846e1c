"""A climate statement as it is shown and printed: ready words and figures, in the visitor's language."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from flask_babel import get_locale, ngettext
from flask_babel import gettext as _

from geo.impact import CO2E, PLAUSIBLE_HIGH_KG_PER_T, PLAUSIBLE_LOW_KG_PER_T, Measure, Method
from geo.pyramid import Level
from geo.quantities import Quantity
from marketplace.climate_values import Baseline, ClimateContent, DealLine, FactorUsed, Figure
from marketplace.factor_words import (
    factor_name,
    figure_words,
    note_words,
    range_of_key,
    source_in_short,
    source_of,
    source_words,
    vehicle_name,
)
from marketplace.filters import EN_DASH, NO_BREAK_SPACE, number, percent, period, tonnes, tonnes_number
from marketplace.impact_basis import Chosen
from marketplace.labels import label
from marketplace.measure_words import measure_number, measure_range, measure_unit

type Pair = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerRow:
    """A ledger with what is expected of it, and what has been achieved."""

    name: str
    unit: str
    known: str
    """Of how many deals it is known, where it is not of all."""
    expected: str
    expected_range: str
    achieved: str
    achieved_range: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DealRow:
    """A deal, and what it is compared with."""

    title: str
    way: str
    level: str
    agreed: str
    avoided: str
    without: str
    driven: str
    how: str
    co2e: str
    flag: str
    deal_id: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FactorRow:
    name: str
    figure: str
    range: str
    source: str
    mark: str
    is_verified: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class FactorTable:
    version: str
    name: str
    deals: str
    rows: tuple[FactorRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClimateSheet:
    """All of the statement."""

    title: str
    organisation: str
    facts: tuple[Pair, ...]
    figures: tuple[tuple[str, str, str], ...]
    """A name, a value and a note."""
    example: str
    """That it is invented, where it is."""
    notices: tuple[str, ...]
    ledgers: tuple[LedgerRow, ...]
    levels: tuple[tuple[str, str, str, str], ...]
    """A level, its share of what is agreed, and both masses."""
    deals: tuple[DealRow, ...]
    method: tuple[str, ...]
    limits: tuple[str, ...]
    tables: tuple[FactorTable, ...]
    sources: tuple[str, ...]


def climate_sheet(content: ClimateContent) -> ClimateSheet:
    """What a statement says, in the visitor's language."""
    return ClimateSheet(
        title=content.project,
        organisation=content.organisation,
        facts=tuple((name, value) for name, value in _facts(content) if value),
        figures=tuple(_figures(content)),
        example=_("Example: invented data for the demo.") if content.is_example else "",
        notices=tuple(_notices(content)),
        ledgers=tuple(_ledger(measure, content) for measure in Measure),
        levels=tuple(_levels(content)),
        deals=tuple(_deal(line) for line in content.deals),
        method=tuple(method_texts()),
        limits=tuple(limit_texts()),
        tables=tuple(_tables(content)),
        sources=tuple(_sources(content)),
    )


def _facts(content: ClimateContent) -> Iterator[Pair]:
    yield _("Project"), content.project
    yield _("Organisation"), f"{content.organisation}, {content.org_number}"
    yield _("Builder"), content.builder
    yield _("Municipality"), content.municipality
    yield _("Period"), period((content.starts_on, content.ends_on))
    yield _("Factor set"), ", ".join(f"{note_words(each.name)} ({each.version})" for each in content.sets)
    yield _("Distances"), ", ".join(sorted({method_name(line.method) for line in content.counted}))


def method_name(method: Method) -> str:
    """How distances were found."""
    return _("by road network") if method is Method.ROAD else _("estimated: straight line times a factor")


def _figures(content: ClimateContent) -> Iterator[tuple[str, str, str]]:
    deals = ngettext("one deal", "%(num)s deals", len(content.counted))
    yield _("Agreed"), tonnes(content.agreed_t), deals
    yield _("Delivered"), tonnes(content.delivered_t), ""
    yield _("Delivered and avoided"), tonnes(content.avoided_t), _("weighed or confirmed, not disputed")


def _notices(content: ClimateContent) -> Iterator[str]:
    pending = [line for line in content.deals if line.level is Level.PENDING]
    if pending:
        yield _(
            "%(agreed)s is agreed to go to hubs, of which %(delivered)s has come. It is pending, and counts where it is"
            " used in the end.",
            agreed=tonnes(sum((line.agreed_t for line in pending), Decimal(0))),
            delivered=tonnes(content.pending_t),
        )
    if any(line.level is Level.UNDOCUMENTED for line in content.deals):
        yield _(
            "For some deals the three tests of recovery have not been answered. Nothing is credited there for new"
            " material until they are."
        )
    if any(not line.is_plausible for line in content.deals):
        yield _(
            "Some deals lie outside the %(low)s–%(high)s kg CO₂e a tonne of published savings. They are marked, and"
            " ought to be looked at.",
            low=number(PLAUSIBLE_LOW_KG_PER_T),
            high=number(PLAUSIBLE_HIGH_KG_PER_T),
        )
    if content.without_record:
        yield ngettext(
            "One deal that is agreed has no comparison yet, and is in no figure here.",
            "%(num)s deals that are agreed have no comparison yet, and are in no figure here.",
            content.without_record,
        )


# Ledgers --------------------------------------------------------------------------------------------------------------


def _ledger(measure: Measure, content: ClimateContent) -> LedgerRow:
    expected, achieved = content.expected[measure], content.achieved[measure]
    if content.is_unknown(measure):
        unknown = _("not known")
        return LedgerRow(
            name=label(measure),
            unit=measure_unit(measure),
            known="",
            expected=unknown,
            expected_range="",
            achieved=unknown,
            achieved_range="",
        )
    return LedgerRow(
        name=label(measure),
        unit=measure_unit(measure),
        known=known_words(measure, content),
        expected=measure_number(measure, expected.value),
        expected_range=measure_range(measure, _quantity(expected, measure)),
        achieved=measure_number(measure, achieved.value),
        achieved_range=measure_range(measure, _quantity(achieved, measure)),
    )


def known_words(measure: Measure, content: ClimateContent) -> str:
    """Of how many deals a ledger is summed, where it is not of all."""
    if not content.is_partly_known(measure):
        return ""
    return _("known for %(some)s of %(all)s deals", some=content.known_for(measure), all=len(content.counted))


def _quantity(figure: Figure, measure: Measure) -> Quantity:
    return Quantity(value=figure.value, low=figure.low, high=figure.high, unit=measure.unit, source="")


def _levels(content: ClimateContent) -> Iterator[tuple[str, str, str, str]]:
    whole = sum((each.agreed_t for each in content.levels), Decimal(0))
    for each in content.levels:
        share = percent(each.agreed_t / whole) if whole else EN_DASH
        yield label(each.level), share, tonnes_number(each.agreed_t), tonnes_number(each.avoided_t)


# Deals ----------------------------------------------------------------------------------------------------------------


def material_words(line: DealLine) -> str:
    locale = get_locale()
    name = line.material_en if locale is not None and locale.language == "en" else line.material_no
    return name[:1].upper() + name[1:]


def _deal(line: DealLine) -> DealRow:
    which = _("deal %(number)s", number=line.number) if line.number else _("a deal between others, by way of a hub")
    return DealRow(
        title=f"{material_words(line)}, {which}",
        way=_(
            "%(origin)s to %(destination)s", origin=line.origin_municipality, destination=line.destination_municipality
        ),
        level=label(line.level),
        agreed=tonnes_number(line.agreed_t),
        avoided=tonnes_number(line.avoided_t),
        without="; ".join(_without(line)) or EN_DASH,
        driven=" + ".join(_km(each) for each in line.driven_km) or EN_DASH,
        how=how_words(line),
        co2e=_co2e(line),
        flag=", ".join(_flags(line)),
        deal_id=line.number,
    )


def _flags(line: DealLine) -> Iterator[str]:
    if not line.is_plausible:
        yield _("outside published savings")
    if not line.is_sign_certain:
        yield _("sign of transport not certain")


def _km(km: Decimal) -> str:
    return number(km, 1) + NO_BREAK_SPACE + "km"


def _without(line: DealLine) -> Iterator[str]:
    if line.landfill is not None:
        yield _("to %(name)s, %(km)s (%(chosen)s)", **_baseline_words(line.landfill))
    if line.quarry is not None and line.substitution:
        yield _("from %(name)s, %(km)s (%(chosen)s)", **_baseline_words(line.quarry))


def _baseline_words(baseline: Baseline) -> dict[str, str]:
    chosen = {
        Chosen.DECLARED: _("declared, no evidence"),
        Chosen.NEAREST: _("nearest"),
        Chosen.NOBODY: _("none"),
    }[baseline.chosen]
    marks = [chosen]
    if baseline.is_verified is False:
        marks.append(_("not verified"))
    if baseline.is_example:
        marks.append(_("example"))
    name = f"{baseline.name}, {baseline.municipality}" if baseline.municipality else baseline.name
    return {"name": name, "km": _km(baseline.km), "chosen": ", ".join(marks)}


def how_words(line: DealLine) -> str:
    """The shares and the lorry that a deal is worked out with."""
    if line.level is Level.PENDING:
        return EN_DASH
    return _(
        "s = %(s)s, p = %(p)s, r = %(r)s; %(vehicle)s, payload %(payload)s; %(method)s",
        s=number(line.substitution, 2),
        p=number(line.landfill_share, 2),
        r=number(line.residue_share, 2),
        vehicle=vehicle_name(line.vehicle),
        payload=tonnes(line.payload_t),
        method=_("by road network")
        if line.method is Method.ROAD
        else _("straight line × %(factor)s", factor=number(line.circuity, 2)),
    )


def _co2e(line: DealLine) -> str:
    """The three ledgers of CO2e beside each other, never added."""
    if line.level is Level.PENDING:
        return EN_DASH
    return "; ".join(f"{label(each)}: {measure_number(each, line.expected[each].value)}" for each in CO2E)


# Method and figures ---------------------------------------------------------------------------------------------------


def method_texts() -> Sequence[str]:
    """The method in short."""
    return (
        _(
            "Two sides are compared. Without the deal the surplus would have been driven to a landfill, or where its"
            " owner says, and the need would have been filled from a quarry, or who is named. With the deal the mass is"
            " driven to where it is used, if need be by way of a hub. What is avoided is the first less the second."
        ),
        _(
            "Transport: tonne-kilometres are q (d(i, L) + s d(Q, j)) less q d(i, j). Loads are rounded up to whole ones"
            " for each leg; lorries come back empty. CO₂e is the energy used full and empty, times its factor from well"
            " to wheel."
        ),
        _(
            "Landfill avoided is p q (1 − r), new material avoided s q (1 − r). Its CO₂e is that of making what is"
            " replaced, less processing; that of disposal is landfilling less handling. s is 0 unless the three tests"
            " of recovery hold."
        ),
        _(
            "Expected is all that is agreed. Achieved is what was delivered in loads that were weighed, or confirmed by"
            " the other side, and that nobody disputes."
        ),
    )


def limit_texts() -> Sequence[str]:
    """What the figures cannot say."""
    return (
        _("The ledgers stand by themselves. The three of CO₂e are not added together, nor are transport and landfill."),
        _("What a deal avoids belongs to both of its sides. Statements of two projects must not be added up."),
        _("Ranges hold what the figures may be wrong by, not whether the deal would have come about anyway."),
        _("Negative figures are real: there the deal costs more than it saves."),
        _(
            "The figures count transport, new material and landfill. They leave out digging, loading and laying out,"
            " which both sides have in common."
        ),
        _(
            "One factor for the roads holds for all legs of an estimate, so its range cannot change a sign. Where the"
            " two sides lie closer than that, the deal is marked: roads differ from leg to leg."
        ),
        _(
            "What a lorry carries and the share that a plant rejects are held fixed at their central figures; their"
            " ranges are in no range here."
        ),
        _(
            "Gate fees are gross: what the parties pay each other is not in them. A ledger whose price is known for"
            " some deals only is the sum of those, and says how many they are."
        ),
        _(
            "Of mass by way of a plant, q is what is weighed where it is used, and r is deducted all the same, so the"
            " figures are on the careful side."
        ),
        _("Figures that are not verified are engineering judgement, or nobody has held them against the source."),
    )


def _tables(content: ClimateContent) -> Iterator[FactorTable]:
    for each in content.sets:
        rows = tuple(_factor(used) for used in content.factors if used.factor_set == each.version)
        deals = ngettext("one deal", "%(num)s deals", each.deals)
        yield FactorTable(version=each.version, name=note_words(each.name), deals=deals, rows=rows)


def _sources(content: ClimateContent) -> Iterator[str]:
    """The published sources in full, with licence and address."""
    for text in sorted({used.source for used in content.factors}):
        source = source_of(text)
        if source is not None and source.url:
            yield f"{text}: {source_words(text)}. {source.licence}. {source.url}"


def _factor(used: FactorUsed) -> FactorRow:
    quantity = Quantity(value=used.value, low=used.low, high=used.high, unit=used.unit, source=used.source)
    source = source_in_short(used.source)
    return FactorRow(
        name=factor_name(used.key),
        figure=figure_words(quantity),
        range=range_of_key(used.key, quantity) or EN_DASH,
        source=source if used.year is None or str(used.year) in source else f"{source} ({used.year})",
        mark=_mark(used),
        is_verified=used.is_verified,
    )


def _mark(used: FactorUsed) -> str:
    if not used.is_verified:
        return _("Unverified")
    return _("Verified") if used.is_range_verified else _("Verified; range not verified")
