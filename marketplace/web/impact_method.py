"""The public page that says how impact is worked out, with which figures, and who is shown how much of the flows."""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from geo.factor_tables import factor_tables
from geo.impact import PLAUSIBLE_HIGH_KG_PER_T, PLAUSIBLE_LOW_KG_PER_T, Measure
from geo.pyramid import Level
from marketplace import db
from marketplace.disclosure import LEAST_DEALS, LEAST_ORGANISATIONS
from marketplace.factor_words import fuel_name, note_words, source_words, vehicle_name
from marketplace.measure_words import measure_unit
from marketplace.permissions import Permission
from marketplace.queries.baselines import REACH_KM
from marketplace.queries.factor_sets import active_set
from marketplace.web.access import requires
from marketplace.web.factor_view import factor_tables_of

bp = Blueprint("impact_method", __name__)
bp.add_app_template_filter(vehicle_name, "vehicle_name")
bp.add_app_template_filter(fuel_name, "fuel_name")
bp.add_app_template_filter(note_words, "factor_note")
bp.add_app_template_filter(source_words, "factor_source")
bp.add_app_template_filter(measure_unit, "measure_unit")


@bp.get("/impact/method")
@requires(Permission.PUBLIC)
def show() -> ResponseReturnValue:
    kept = active_set(db.session)
    used = {row.source for row in kept.factors}
    return render_template(
        "impact/method.html",
        kept=kept,
        tables=factor_tables_of(kept),
        sources=[each for each in factor_tables().sources.values() if each.key in used],
        measures=list(Measure),
        levels=list(Level),
        least_deals=LEAST_DEALS,
        least_organisations=LEAST_ORGANISATIONS,
        reach_km=REACH_KM,
        plausible_low=PLAUSIBLE_LOW_KG_PER_T,
        plausible_high=PLAUSIBLE_HIGH_KG_PER_T,
    )
