"""Putting a region's yearly report together from what is known at this moment, and keeping it."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from functools import reduce
from operator import add
from typing import Final

from sqlalchemy.orm import Session

from geo.impact import Ledger, Measure
from geo.mass_balance import Year
from geo.months import MonthPeriod
from geo.pyramid import Level
from geo.quantities import Quantity
from marketplace.actor import Actor
from marketplace.clock import local_date
from marketplace.disclosure import GIVEN_OUT, Disclosure, Shown, may_show, shown
from marketplace.models import ImpactReport
from marketplace.queries.exported_flows import factor_sets_used, has_examples
from marketplace.queries.indicators import indicators_of
from marketplace.queries.mass_plans import ProjectYear, projects_without_plan, reduction_in_region
from marketplace.queries.region_flows import Dimension, FlowGroup, FlowScope, Stage, flow_groups
from marketplace.queries.region_marks import marks_of
from marketplace.queries.regions import Region, disclosure_of, municipality_names_of
from marketplace.services.impact_reports import keep_yearly_report
from marketplace.yearly_values import (
    BetweenLine,
    IndicatorLine,
    LedgerLine,
    LevelLine,
    Mass,
    MaterialLine,
    MonthLine,
    PlanLine,
    Plans,
    WayLine,
    YearlyContent,
    to_json,
)

MOST_WAYS: Final = 15
"""So many ways between municipalities are printed, the largest; all of them are in the exports."""


def make_yearly_report(session: Session, actor: Actor, *, region: Region, year: int, now: datetime) -> ImpactReport:
    """The report of a region's calendar year, kept as it stands now, with as much in it as the actor may see."""
    disclosure = disclosure_of(session, actor, region)
    content = yearly_content(session, region=region, year=year, disclosure=disclosure, now=now)
    return keep_yearly_report(
        session,
        actor,
        region=region,
        disclosure=disclosure,
        content=to_json(content),
        period=MonthPeriod.of_year(year).days,
        now=now,
    )


def yearly_content(
    session: Session, *, region: Region, year: int, disclosure: Disclosure, now: datetime
) -> YearlyContent:
    """All that the report says."""
    today, period = local_date(now), MonthPeriod.of_year(year)
    scope = FlowScope(region=region, period=period)
    final = replace(scope, stage=Stage.FINAL)

    def groups(*by: Dimension, measures: Iterable[Measure] = (), of: FlowScope = final) -> Shown[FlowGroup]:
        found = flow_groups(session, of, by=by, measures=tuple(measures), with_counts=not disclosure.is_full)
        return shown(found, disclosure)

    ways = groups(Dimension.WAY, measures=GIVEN_OUT)
    months = groups(Dimension.MONTH, measures=GIVEN_OUT)
    levels, materials = groups(Dimension.LEVEL), groups(Dimension.MATERIAL)
    waiting = groups(Dimension.LEVEL, of=replace(scope, stage=Stage.WAITING))
    between = groups(Dimension.ORIGIN, Dimension.DESTINATION)
    names = municipality_names_of(session, {number for group in between.groups for number in group.keys})
    marks = marks_of(session, scope)
    parts = {
        "ways": ways,
        "months": months,
        "levels": levels,
        "waiting": waiting,
        "materials": materials,
        "between": between,
    }
    return YearlyContent(
        region_name=region.name,
        municipalities=tuple(sorted(municipality_names_of(session, region.numbers).values())),
        year=year,
        is_over=period.last.last_day < today,
        made_at=now,
        is_full=disclosure.is_full,
        factor_sets=factor_sets_used(session, scope),
        ways=_ways(ways),
        ledger=_lines(_together(ways)),
        months=tuple(
            MonthLine(month=str(group.keys[0]), delivered_t=group.delivered_t, ledger=_lines(group.ledger))
            for group in months.groups
        ),
        levels=tuple(
            LevelLine(level=group.keys[0], delivered_t=group.delivered_t)
            for group in sorted((*levels.groups, *waiting.groups), key=lambda group: list(Level).index(group.keys[0]))
        ),
        materials=tuple(
            MaterialLine(material_key=group.keys[0], delivered_t=group.delivered_t, avoided_t=group.avoided_t)
            for group in sorted(materials.groups, key=lambda group: -group.delivered_t)
        ),
        between=tuple(
            BetweenLine(origin=names[group.keys[0]], destination=names[group.keys[1]], delivered_t=group.delivered_t)
            for group in sorted(between.groups, key=lambda group: -group.delivered_t)[:MOST_WAYS]
        ),
        indicators=tuple(
            IndicatorLine.of(figure) for figure in indicators_of(session, scope, disclosure=disclosure, today=today)
        ),
        plans=plans_of(session, region=region, year=year, disclosure=disclosure, today=today),
        held_back={name: part.held_back_deals for name, part in parts.items() if part.held_back_deals},
        has_examples=has_examples(session, scope),
        before=_ways(groups(Dimension.WAY, of=replace(final, period=period.before))),
        judged_deals=marks.deals,
        implausible_deals=marks.implausible,
        estimated_deals=marks.estimated,
    )


def _ways(found: Shown[FlowGroup]) -> tuple[WayLine, ...]:
    return tuple(
        WayLine(way=group.keys[0].value, loads=group.loads, delivered_t=group.delivered_t, avoided_t=group.avoided_t)
        for group in found.groups
    )


def _together(found: Shown[FlowGroup]) -> Ledger:
    nothing = {measure: Quantity.exact(Decimal(0), unit=measure.unit, source="") for measure in GIVEN_OUT}
    return {
        measure: reduce(add, (group.ledger[measure] for group in found.groups), nothing[measure])
        for measure in GIVEN_OUT
    }


def _lines(ledger: Ledger) -> tuple[LedgerLine, ...]:
    return tuple(
        LedgerLine(measure=measure, value=quantity.value, low=quantity.low, high=quantity.high)
        for measure, quantity in ledger.items()
    )


# Plans ----------------------------------------------------------------------------------------------------------------


def plans_of(session: Session, *, region: Region, year: int, disclosure: Disclosure, today: date) -> Plans | None:
    """How the reduction plans of a region's projects go; None where there are none, or too few to be shown.

    A project stands for a deal in the rule of disclosure.
    """
    reduction = reduction_in_region(session, region=region, year=year, today=today)
    organisations = {each.project.organisation_id for each in reduction.projects}
    is_shown = may_show(disclosure, deals=len(reduction.projects), organisations=len(organisations))
    if not (reduction.projects and is_shown):
        return None
    is_full = disclosure.is_full
    return Plans(
        together=_plan_line(reduction.together),
        project_count=len(reduction.projects),
        organisation_count=len(organisations),
        without_target=reduction.without_target,
        projects=tuple(_project_line(each) for each in reduction.projects) if is_full else (),
        without_plan=tuple(each.name for each in projects_without_plan(session, region=region, year=year))
        if is_full
        else (),
    )


def _project_line(each: ProjectYear) -> PlanLine:
    project = each.project
    return _plan_line(each.year, project=project.name, organisation=project.organisation.name)


def _plan_line(year: Year, **names: str) -> PlanLine:
    return PlanLine(
        planned_surplus=Mass.of(year.plan.surplus),
        outlook=Mass.of(year.outlook),
        target_t=year.target_t,
        recorded_t=year.recorded_t,
        reused_t=year.outcome.reused_t,
        passed_on_t=year.outcome.passed_on_t,
        disposed_t=year.outcome.disposed_t,
        keeps_target=year.keeps_target,
        **names,
    )
