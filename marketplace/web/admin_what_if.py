"""What deals would come to under another factor set: two versions side by side, worked out and kept nowhere."""

from collections.abc import Sequence

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from geo.errors import FactorError
from geo.factors import Factor
from geo.impact import Measure
from marketplace import clock, db
from marketplace.errors import NotFound
from marketplace.factor_words import factor_name, figure_words, note_words, range_words
from marketplace.filters import EN_DASH
from marketplace.geo_messages import message_of
from marketplace.i18n import translate
from marketplace.labels import label
from marketplace.measure_words import measure_figure, measure_range
from marketplace.models import FactorSet
from marketplace.permissions import Permission
from marketplace.queries import factor_sets as queries
from marketplace.queries.factor_sets import active_set, figures_of
from marketplace.queries.regions import EVERYWHERE, county_choices
from marketplace.queries.what_if import avoided_in_region, expected_of_project, projects_with_records
from marketplace.types import FactorSetStatus
from marketplace.web.access import requires
from marketplace.web.admin_frame import admin_page
from marketplace.web.paging import id_from_address
from marketplace.web.region_desk import region_title
from marketplace.web.region_requests import asked_period, asked_region
from marketplace.what_if import FactorChange, WhatIf, changes_between, what_if

bp = Blueprint("admin_what_if", __name__, url_prefix="/admin/factors")


@bp.get("/compare")
@requires(Permission.ADMINISTER)
def compare() -> ResponseReturnValue:
    sets = queries.all_sets(db.session)
    one = _asked("one") or active_set(db.session)
    other = _asked("other") or _another(sets, one)
    region = asked_region() or EVERYWHERE
    period = asked_period(today=clock.local_date(clock.now()))
    projects = projects_with_records(db.session)
    project_id = id_from_address("project")
    if project_id is not None and project_id not in dict(projects):
        raise NotFound
    problem, result = "", None
    if _is_asked():
        if project_id is None:
            counted = avoided_in_region(db.session, region, period)
        else:
            counted = expected_of_project(db.session, project_id=project_id)
        try:
            result = what_if(counted, one=figures_of(one), other=figures_of(other))
        except FactorError as error:
            problem = translate(message_of(error), dict(error.params))
    return admin_page(
        "admin/factors/compare.html",
        tab="factors",
        set_options=[(each.id, f"{note_words(each.name)} ({each.version})") for each in sets],
        one=one,
        other=other,
        county_options=[(each.number, each.name) for each in county_choices(db.session)],
        county=region.counties[0] if region.counties else "",
        region_name=region_title(region),
        period=period,
        projects=projects,
        project_id=project_id,
        result=result,
        rows=_rows(result) if result else [],
        changes=[_change(each) for each in changes_between(figures_of(one), figures_of(other))],
        problem=problem,
    )


def _is_asked() -> bool:
    """Whether the form was sent, or the address names a choice of its: to open the page works out nothing."""
    return any(request.args.get(name) for name in ("from", "to", "county", "municipality", "project"))


def _asked(name: str) -> FactorSet | None:
    """The version that the address names. Raises NotFound: there is none of that id."""
    set_id = id_from_address(name)
    if set_id is None:
        return None
    found = queries.find_set(db.session, set_id=set_id)
    if found is None:
        raise NotFound
    return found


def _another(sets: Sequence[FactorSet], one: FactorSet) -> FactorSet:
    """A draft to compare with, else any other version, else the same one."""
    others = [each for each in sets if each.id != one.id]
    drafts = [each for each in others if each.status is FactorSetStatus.DRAFT]
    return next(iter(drafts or others), one)


def _rows(result: WhatIf) -> list[list[str]]:
    """Each ledger: its name, both figures with their ranges, and how much more the other is."""
    rows = []
    for measure in Measure:
        one, other, more = result.one[measure], result.other[measure], result.difference(measure)
        rows.append(
            [
                label(measure),
                measure_figure(measure, one.value),
                measure_range(measure, one),
                measure_figure(measure, other.value),
                measure_range(measure, other),
                ("+" if more > 0 else "") + measure_figure(measure, more) if more else "0",
            ]
        )
    return rows


def _change(change: FactorChange) -> list[str]:
    return [factor_name(change.key), _figure(change.one), _figure(change.other)]


def _figure(factor: Factor | None) -> str:
    if factor is None:
        return EN_DASH
    within = range_words(factor.quantity)
    return figure_words(factor.quantity) + (f" ({within})" if within else "")
