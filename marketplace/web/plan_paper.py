"""Plans and yearly reports on paper: the blocks that `printed/reduction_plan.typ` sets, in the visitor's language."""

from collections.abc import Sequence
from dataclasses import dataclass

from flask_babel import gettext as _
from flask_babel import ngettext

from geo.mass_balance import Balance, Outcome, Year
from geo.quantities import Quantity
from marketplace.filters import percent, period, tonnes, tonnes_number
from marketplace.forms.mass_plans import quarter_label
from marketplace.labels import material_name
from marketplace.models import Organisation, Project
from marketplace.queries.mass_plans import ProjectYear, Reduction
from marketplace.web.paper_blocks import Block, heading, paragraph, table
from marketplace.web.plan_view import ChartRow, PlanView, YearView
from marketplace.web.reduction_words import how_ranges_are_put_together, without_target_text


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """What a report says, part by part; each block names its kind."""

    eyebrow: str
    title: str
    lead: str
    blocks: tuple[Block, ...]


def mass_text(mass: Quantity) -> str:
    """The likely figure, with its range where it has one."""
    if mass.low == mass.high:
        return tonnes(mass.value)
    return f"{tonnes(mass.value)} ({tonnes_number(mass.low)}–{tonnes(mass.high)})"


# A project's plan -----------------------------------------------------------------------------------------------------


def plan_paper(project: Project, view: PlanView) -> Paper:
    """A project's plan: its balance, and what each year comes to."""
    whole = view.whole
    blocks: list[Block] = [
        _facts(
            (_("Organisation"), project.organisation.name),
            (_("Builder"), project.builder),
            (_("Period"), period(project.period)),
            (_("Municipality"), project.municipality.name),
        ),
        _figures(
            (_("Excavated"), tonnes(whole.excavated.value) + _second_line(whole.excavated)),
            (_("Reused on site"), tonnes(whole.reused.value) + _second_line(whole.reused)),
            (_("Surplus"), tonnes(whole.surplus.value) + _second_line(whole.surplus)),
            (_("Deficit"), tonnes(whole.deficit.value) + _second_line(whole.deficit)),
        ),
        _chart(view.chart, end=tonnes(view.chart_end_t)),
    ]
    for each in view.years:
        blocks += _year_blocks(each)
    blocks += [
        heading(_("Each material over the whole project")),
        table(
            [_("Material"), *_balance_head()],
            [[material_name(key), *_balance_cells(balance)] for key, balance in view.materials.items()],
        ),
        paragraph(how_ranges_are_put_together(), under=_("How the ranges are put together")),
    ]
    return Paper(
        eyebrow=_("Mass plan and yearly reduction of surplus"),
        title=project.name,
        lead=_example(project.is_example),
        blocks=tuple(blocks),
    )


def _year_blocks(each: YearView) -> list[Block]:
    blocks = [heading(str(each.number)), _facts(*_year_facts(each.year)), *_share_blocks(each.year.outcome)]
    if each.measures:
        blocks.append(paragraph(each.measures, under=_("Measures")))
    rows = [
        [quarter_label(quarter.quarter), material_name(row.row.material_key), *_balance_cells(row.balance)]
        for quarter in each.quarters
        for row in quarter.rows
    ]
    if rows:
        blocks.append(table([_("Quarter"), _("Material"), *_balance_head()], rows, texts=2))
    return blocks


def _balance_head() -> list[str]:
    return [_("Excavated"), _("Reused on site"), _("Needed in all"), _("Surplus"), _("Deficit")]


def _balance_cells(balance: Balance) -> list[str]:
    """Each figure on a line, its range on the next."""
    return [
        tonnes_number(mass.value) + _second_line(mass)
        for mass in (balance.excavated, balance.reused, balance.needed, balance.surplus, balance.deficit)
    ]


# An organisation's year -----------------------------------------------------------------------------------------------


def reduction_paper(organisation: Organisation, reduction: Reduction, *, year: int) -> Paper:
    """A year of all projects of an organisation."""
    together = reduction.together
    blocks: list[Block] = [_facts(*_year_facts(together)), *_share_blocks(together.outcome)]
    if reduction.without_target and together.target_t is not None:
        blocks.append(paragraph(without_target_text(reduction.without_target)))
    blocks += [
        heading(_("Project by project")),
        table(
            [
                _("Project"),
                _("Target"),
                _("Planned surplus"),
                _("Has left the site"),
                _("Outlook"),
                _("Reused on site"),
            ],
            [_project_cells(each) for each in reduction.projects],
        ),
    ]
    blocks += [paragraph(each.measures, under=each.project.name) for each in reduction.projects if each.measures]
    blocks.append(paragraph(how_ranges_are_put_together(), under=_("How the ranges are put together")))
    return Paper(
        eyebrow=_("Yearly reduction of surplus masses"),
        title=f"{organisation.name}, {year}",
        lead=_example(organisation.is_example),
        blocks=tuple(blocks),
    )


def _project_cells(each: ProjectYear) -> list[str]:
    year = each.year
    return [
        each.project.name,
        tonnes_number(year.target_t),
        tonnes_number(year.plan.surplus.value) + _second_line(year.plan.surplus),
        tonnes_number(year.recorded_t),
        tonnes_number(year.outlook.value) + _second_line(year.outlook),
        percent(year.outcome.share(year.outcome.reused_t) if year.recorded_count else year.plan.reused_share),
    ]


def _second_line(mass: Quantity) -> str:
    return "" if mass.low == mass.high else f"\n{tonnes_number(mass.low)}–{tonnes_number(mass.high)}"


# Blocks ---------------------------------------------------------------------------------------------------------------


def _example(is_example: bool) -> str:
    return _("Example: invented data for the demo.") if is_example else ""


def _facts(*pairs: tuple[str, str]) -> Block:
    return {"kind": "facts", "pairs": [list(pair) for pair in pairs]}


def _figures(*pairs: tuple[str, str]) -> Block:
    return {"kind": "figures", "pairs": [list(pair) for pair in pairs]}


def _chart(rows: Sequence[ChartRow], *, end: str) -> Block:
    return {
        "kind": "chart",
        "surplus": _("Surplus"),
        "deficit": _("Deficit"),
        "alt": _("Bars of surplus and deficit for each quarter; the tables hold the figures."),
        "end": end,
        "rows": [
            {
                "label": quarter_label(row.quarter),
                "surplus": [_share(row.surplus.length), _share(row.surplus.low), _share(row.surplus.high)],
                "deficit": [_share(row.deficit.length), _share(row.deficit.low), _share(row.deficit.high)],
            }
            for row in rows
        ],
    }


def _share(length: str) -> float:
    return float(length.removesuffix("%"))


def _year_facts(year: Year) -> list[tuple[str, str]]:
    verdict = {None: _("No target set"), True: _("Target kept"), False: _("Above the target")}[year.keeps_target]
    facts = [
        (
            _("Target: most surplus to leave the site"),
            _("not set") if year.target_t is None else tonnes(year.target_t),
        ),
        (_("Planned surplus"), mass_text(year.plan.surplus)),
        (
            _("Has left the site"),
            _("nothing recorded yet") if year.recorded_t is None else tonnes(year.recorded_t),
        ),
        (_("Outlook for the year"), f"{mass_text(year.outlook)}. {verdict}"),
    ]
    if year.plan.reused_share is not None:
        planned = f"{percent(year.plan.reused_share)} {_('of what is excavated')}"
        facts.append((_("Planned reuse on site"), planned))
    if year.due_count:
        facts.append(
            (
                _("Not recorded yet"),
                ngettext("%(num)s row whose quarter is over", "%(num)s rows whose quarter is over", year.due_count),
            )
        )
    return facts


def _share_blocks(outcome: Outcome) -> list[Block]:
    """What became of the masses, where anything was recorded."""
    if not outcome.accounted_t:
        return []
    parts = [
        ("reused", _("reused on site"), outcome.reused_t),
        ("passed", _("passed on to others"), outcome.passed_on_t),
        ("disposed", _("disposed of in landfill"), outcome.disposed_t),
    ]
    blocks: list[Block] = [
        {
            "kind": "shares",
            "alt": _("Shares of what is accounted for; the words below say the same."),
            "parts": [
                {
                    "name": name,
                    "share": float((outcome.share(mass_t) or 0) * 100),
                    "text": f"{percent(outcome.share(mass_t))} {text} ({tonnes(mass_t)})",
                }
                for name, text, mass_t in parts
            ],
        }
    ]
    if outcome.unaccounted_t:
        blocks.append(
            paragraph(
                _(
                    "%(mass)s more was excavated than is accounted for: it lies in store, or was not recorded.",
                    mass=tonnes(outcome.unaccounted_t),
                )
            )
        )
    return blocks
