"""A region's yearly report on paper: the blocks that `printed/yearly_report.typ` sets, all from what was kept."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from flask_babel import gettext as _

from geo.impact import CO2E, Measure
from geo.months import Month, MonthPeriod
from geo.pyramid import Level
from marketplace import charts
from marketplace.charts import Bar, Chart, Series
from marketplace.clock import local_date
from marketplace.filters import EN_DASH, date_, number, percent, tonnes, tonnes_number
from marketplace.i18n import translate
from marketplace.indicators import DEFINITIONS
from marketplace.labels import label, material_name
from marketplace.models import ImpactReport
from marketplace.queries.region_flows import Way
from marketplace.queries.region_marks import Marks
from marketplace.web.indicator_sheet import figure_text
from marketplace.web.paper_blocks import Block, heading, paragraph, table
from marketplace.web.reduction_words import keeps_text, projects_text, without_target_text
from marketplace.web.region_desk import held_back_words, marks_words, month_name, unit_of, way_name
from marketplace.yearly_values import LedgerLine, MonthLine, PlanLine, Plans, YearlyContent, from_json

NOTHING: Final = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class YearlyPaper:
    """What the report says, part by part; each block names its kind."""

    eyebrow: str
    title: str
    mark: str
    notice: str
    blocks: tuple[Block, ...]
    sha256: str


def yearly_paper(report: ImpactReport) -> YearlyPaper:
    """The paper of a report that was kept."""
    content = from_json(report.content)
    blocks = [
        *_lead(content),
        *_flows(content),
        *_avoided(content),
        *_masses(content),
        *_indicators(content),
        *_plans(content.plans),
        *_method(content),
    ]
    return YearlyPaper(
        eyebrow=_("Yearly report on clean surplus masses"),
        title=f"{content.region_name or _('All of Norway')}, {content.year}",
        mark="" if content.is_over else _("As it stood on %(day)s: the year is not over.", day=date_(content.made_at)),
        notice=" ".join(_notices(content)),
        blocks=tuple(blocks),
        sha256=report.content_sha256,
    )


def _notices(content: YearlyContent) -> Iterator[str]:
    if content.is_full:
        yield _("For the work of the municipality: it names single projects, and is not to be published.")
    if content.has_examples:
        yield _("Invented example data is among the figures.")


def _months_of(content: YearlyContent) -> list[Month]:
    """The months of the year, as far as it had come."""
    last = Month.of(local_date(content.made_at))
    return [month for month in MonthPeriod.of_year(content.year) if content.is_over or month <= last]


# What flowed ----------------------------------------------------------------------------------------------------------


def _lead(content: YearlyContent) -> list[Block]:
    mass_t = sum((line.delivered_t for line in content.ways), NOTHING)
    before_t = sum((line.delivered_t for line in content.before), NOTHING)
    by_measure = {line.measure: line for line in content.ledger}
    return [
        {
            "kind": "figures",
            "pairs": [
                [_("Delivered"), tonnes(mass_t), _("the year before: %(mass)s", mass=tonnes(before_t))],
                *(_headline(by_measure.get(measure)) for measure in HEADLINES),
            ],
        }
    ]


HEADLINES: Final = (Measure.VEHICLE_KM, Measure.LANDFILL_T, Measure.VIRGIN_T)


def _headline(line: LedgerLine | None) -> list[str]:
    if line is None:
        return ["", EN_DASH, ""]
    return [avoided_name(line.measure), f"{number(line.value)} {unit_of(line.measure)}", between(line)]


def avoided_name(measure: Measure) -> str:
    return _("%(what)s avoided", what=label(measure))


def between(line: LedgerLine) -> str:
    """From its low to its high figure; nothing where it has no range."""
    if line.low == line.high:
        return ""
    return _("%(low)s to %(high)s", low=number(line.low), high=number(line.high))


def _flows(content: YearlyContent) -> list[Block]:
    before = {line.way: line for line in content.before}
    return [
        heading(_("What flowed")),
        table(
            [_("Way"), _("Loads"), _("Delivered (t)"), _("Of it weighed or confirmed (t)"), _("The year before (t)")],
            [
                [
                    way_name(Way(line.way)),
                    number(line.loads),
                    tonnes_number(line.delivered_t),
                    tonnes_number(line.avoided_t),
                    tonnes_number(before[line.way].delivered_t) if line.way in before else EN_DASH,
                ]
                for line in content.ways
            ],
        )
        if content.ways
        else paragraph(_("Nothing to show.")),
        *_held(content, "ways"),
        *_chart(_months_chart(content)),
        *_held(content, "months"),
        *_between(content),
    ]


def _months_chart(content: YearlyContent) -> Chart | None:
    if not content.months:
        return None
    masses, months = {line.month: line.delivered_t for line in content.months}, _months_of(content)
    return charts.columns(
        "months",
        title=_("Delivered by month"),
        text=_("Tonnes delivered in each month of the year."),
        labels=[month_name(month) for month in months],
        series=[
            Series(
                name=_("Delivered"),
                paint=charts.PLAIN,
                values=tuple(masses.get(str(month), NOTHING) for month in months),
            )
        ],
        say=number,
        unit=_("tonnes"),
    )


def _between(content: YearlyContent) -> list[Block]:
    if not content.between:
        return []
    return [
        heading(_("Between municipalities")),
        table(
            [_("From"), _("To"), _("Delivered (t)")],
            [[line.origin, line.destination, tonnes_number(line.delivered_t)] for line in content.between],
            texts=2,
        ),
        *_held(content, "between"),
    ]


# What that avoided ----------------------------------------------------------------------------------------------------


def _avoided(content: YearlyContent) -> list[Block]:
    if not any(line.avoided_t for line in content.ways):
        return [heading(_("What it avoided")), paragraph(_("Nothing that was weighed or confirmed in the period."))]
    return [
        heading(_("What it avoided")),
        table(
            [_("Avoided"), _("Low"), _("Central"), _("High")],
            [
                [
                    f"{label(line.measure)} ({unit_of(line.measure)})",
                    number(line.low),
                    number(line.value),
                    number(line.high),
                ]
                for line in content.ledger
            ],
        ),
        paragraph(
            _(
                "Each line is a ledger of its own; they are never added to one another. A minus says that more was"
                " used, not less."
            )
        ),
        *_marks(content),
        *_chart(_climate_chart(content)),
        *_months_table(content),
        *_held(content, "months"),
    ]


def _marks(content: YearlyContent) -> list[Block]:
    text = marks_words(
        Marks(deals=content.judged_deals, implausible=content.implausible_deals, estimated=content.estimated_deals)
    )
    return [paragraph(text)] if text else []


def _months_table(content: YearlyContent) -> list[Block]:
    """The figures of both charts by month; only months that something was delivered in."""
    if not content.months:
        return []

    def figure(line: MonthLine, measure: Measure) -> str:
        found = _of(line, measure)
        return EN_DASH if found is None else number(found.value)

    return [
        table(
            [_("Month"), _("Delivered (t)"), *(f"{label(measure)} (kg)" for measure in CO2E)],
            [
                [
                    month_name(Month.read(line.month)),
                    tonnes_number(line.delivered_t),
                    *(figure(line, measure) for measure in CO2E),
                ]
                for line in content.months
            ],
        )
    ]


def _climate_chart(content: YearlyContent) -> Chart | None:
    """A month that is held back is left out: a line through zero would say that nothing was avoided in it."""
    by_month = {line.month: line for line in content.months}
    hides_some = bool(content.held_back.get("months"))
    months = [month for month in _months_of(content) if str(month) in by_month or not hides_some]
    if not any(_of(line, Measure.TRANSPORT_CO2E_KG) for line in content.months):
        return None

    def values(bound: Callable[[LedgerLine], Decimal]) -> tuple[Decimal, ...]:
        return tuple(_bound(by_month.get(str(month)), bound) for month in months)

    return charts.lines(
        "climate",
        title=_("CO₂e of transport by month"),
        text=_("CO₂e of transport avoided by what was delivered in each month, with its range."),
        labels=[month_name(month) for month in months],
        series=[
            Series(
                name=label(Measure.TRANSPORT_CO2E_KG),
                paint=charts.PLAIN,
                values=values(lambda line: line.value),
                low=values(lambda line: line.low),
                high=values(lambda line: line.high),
            )
        ],
        say=number,
        unit="kg CO₂e",
    )


def _of(line: MonthLine, measure: Measure) -> LedgerLine | None:
    return next((each for each in line.ledger if each.measure is measure), None)


def _bound(line: MonthLine | None, bound: Callable[[LedgerLine], Decimal]) -> Decimal:
    found = _of(line, Measure.TRANSPORT_CO2E_KG) if line else None
    return bound(found) if found else NOTHING


# Which masses ---------------------------------------------------------------------------------------------------------


def _masses(content: YearlyContent) -> list[Block]:
    whole = sum((line.delivered_t for line in content.levels if line.level is not Level.PENDING), NOTHING)
    blocks: list[Block] = []
    if content.levels:
        blocks += [
            heading(_("Resource pyramid")),
            *(_chart(_levels_chart(content, whole), is_named=False) if whole else []),
            *(
                paragraph(_("Waits in storage: %(mass)s.", mass=tonnes(line.delivered_t)))
                for line in content.levels
                if line.level is Level.PENDING
            ),
            paragraph(_("Shares are of what has come to its final use. What waits in storage counts once it goes on.")),
            paragraph(_("Loads that are disputed, or neither weighed nor confirmed, are among the delivered.")),
            *_held(content, "levels"),
            *_held(content, "waiting"),
        ]
    if content.materials:
        blocks += [
            heading(_("Materials")),
            table(
                [_("Material"), _("Delivered (t)"), _("Of it weighed or confirmed (t)")],
                [
                    [material_name(line.material_key), tonnes_number(line.delivered_t), tonnes_number(line.avoided_t)]
                    for line in content.materials
                ],
            ),
            *_held(content, "materials"),
        ]
    return blocks


def _levels_chart(content: YearlyContent, whole: Decimal) -> Chart:
    return charts.shares(
        "levels",
        title=_("Resource pyramid"),
        text=_("Tonnes delivered, by the levels of the resource pyramid, the best first."),
        parts=[
            Bar(
                name=label(line.level),
                value=line.delivered_t,
                paint=charts.LEVELS[line.level.value],
                note=percent(line.delivered_t / whole),
            )
            for line in content.levels
            if line.level is not Level.PENDING
        ],
        say=lambda mass_t: f"{number(mass_t)} t",
    )


# Indicators and plans -------------------------------------------------------------------------------------------------


def _indicators(content: YearlyContent) -> list[Block]:
    return [
        heading(_("Indicators")),
        {
            "kind": "indicators",
            "rows": [
                {
                    "name": translate(DEFINITIONS[line.indicator].name, {}),
                    "value": figure_text(line),
                    "meaning": translate(DEFINITIONS[line.indicator].meaning, {}),
                }
                for line in content.indicators
            ],
        },
    ]


def _plans(plans: Plans | None) -> list[Block]:
    head = heading(_("Reduction plans of developers"))
    if plans is None:
        return [head, paragraph(_("There are no plans for the year, or too few to be shown."))]
    together = plans.together
    blocks: list[Block] = [
        head,
        paragraph(projects_text(plans.project_count, plans.organisation_count)),
        {
            "kind": "figures",
            "pairs": [
                [_("Target: most surplus to leave the sites"), _or_dash(together.target_t), ""],
                [_("Planned surplus"), tonnes(together.planned_surplus.value), _range(together.planned_surplus)],
                [_("Has left the sites"), _or_dash(together.recorded_t), ""],
                [_("Outlook for the year"), tonnes(together.outlook.value), _range(together.outlook)],
            ],
        },
    ]
    if plans.without_target:
        blocks.append(paragraph(without_target_text(plans.without_target)))
    if plans.projects:
        blocks.append(
            table(
                [_("Project"), _("Organisation"), _("Target (t)"), _("Has left the site (t)"), _("Outlook (t)"), ""],
                [_project_cells(line) for line in plans.projects],
                texts=2,
            )
        )
    if plans.without_plan:
        blocks.append(
            paragraph(_("Without a plan or a target for the year: %(names)s.", names="; ".join(plans.without_plan)))
        )
    return blocks


def _project_cells(line: PlanLine) -> list[str]:
    return [
        line.project,
        line.organisation,
        tonnes_number(line.target_t),
        tonnes_number(line.recorded_t),
        tonnes_number(line.outlook.value),
        keeps_text(line.keeps_target),
    ]


def _or_dash(mass_t: Decimal | None) -> str:
    return EN_DASH if mass_t is None else tonnes(mass_t)


def _range(mass: Any) -> str:
    if mass.low == mass.high:
        return ""
    return _("%(low)s–%(high)s t", low=tonnes_number(mass.low), high=tonnes_number(mass.high))


# How ------------------------------------------------------------------------------------------------------------------


def _method(content: YearlyContent) -> list[Block]:
    return [
        heading(_("How it is worked out")),
        paragraph(
            _(
                "Each deal is compared with what would have happened without it: the surplus driven to a landfill, and"
                " the need filled with new material. Only loads that were weighed or confirmed count as avoided. The"
                " comparison is frozen when the deal is agreed; a new factor set changes no figure of before."
            )
        ),
        {
            "kind": "facts",
            "pairs": [
                [_("Region"), ", ".join(content.municipalities) if len(content.municipalities) <= 25 else ""],
                [_("Factor set"), ", ".join(content.factor_sets)],
                [_("Made"), date_(content.made_at)],
                [
                    _("What is shown"),
                    _("Everything of the region.")
                    if content.is_full
                    else _("Figures that rest on at least three deals and three organisations."),
                ],
            ],
        },
    ]


# Blocks ---------------------------------------------------------------------------------------------------------------


def _held(content: YearlyContent, part: str) -> list[Block]:
    words = held_back_words(content.held_back.get(part, 0))
    return [paragraph(words)] if words else []


def _chart(chart: Chart | None, *, is_named: bool = True) -> list[Block]:
    if chart is None:
        return []
    title = chart.title if is_named else ""
    return [{"kind": "chart", "title": title, "alt": f"{chart.title}. {chart.text}", "svg": str(chart.wide)}]
