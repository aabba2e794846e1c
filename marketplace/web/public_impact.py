"""What the whole marketplace has avoided, for everybody."""

from typing import Final

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from geo.impact import Measure
from geo.months import Month, MonthPeriod
from marketplace import clock, db
from marketplace.disclosure import LEAST_DEALS, LEAST_ORGANISATIONS, Disclosure
from marketplace.i18n import translate
from marketplace.indicators import Indicator
from marketplace.permissions import Permission
from marketplace.queries.indicators import indicators_of
from marketplace.queries.region_flows import Dimension, FlowScope, first_month
from marketplace.queries.regions import EVERYWHERE
from marketplace.web.access import current_actor, requires
from marketplace.web.indicator_sheet import large_figure
from marketplace.web.region_desk import Desk, held_back_words, large, marks_words, with_csv
from marketplace.web.region_flow_panels import climate_panel, ledgers_panel, levels_panel, materials_panel, months_panel
from marketplace.web.region_requests import MOST_MONTHS, Asked

bp = Blueprint("public_impact", __name__)

PANELS: Final = {
    "months": months_panel,
    "climate": climate_panel,
    "avoided": ledgers_panel,
    "levels": levels_panel,
    "materials": materials_panel,
}
TOGETHER: Final = ((Dimension.MONTH, Dimension.WAY), (Dimension.LEVEL,), (Dimension.MATERIAL,))
HEADLINES: Final = (
    Measure.VEHICLE_KM,
    Measure.TRANSPORT_CO2E_KG,
    Measure.LANDFILL_T,
    Measure.VIRGIN_T,
    Measure.MATERIAL_CO2E_KG,
    Measure.DISPOSAL_CO2E_KG,
)
SHARING: Final = (
    Indicator.SHARING_ENTERPRISES,
    Indicator.SHARED_MASS_T,
    Indicator.RECOVERED_SHARE,
    Indicator.STORAGE_OFFERED,
)


@bp.get("/impact")
@requires(Permission.PUBLIC)
def show() -> ResponseReturnValue:
    """All that was ever delivered, as everybody may see it: the same page whoever asks."""
    today = clock.local_date(clock.now())
    now = Month.of(today)
    first = first_month(db.session, region=EVERYWHERE) or now
    period = MonthPeriod(max(min(first, now), now.shifted(1 - MOST_MONTHS)), now)
    asked = Asked(region=EVERYWHERE, period=period, disclosure=Disclosure.OPEN, actor=current_actor(), today=today)
    desk = Desk(asked, together=TOGETHER)
    figures = indicators_of(
        db.session,
        FlowScope(region=EVERYWHERE, period=period),
        disclosure=Disclosure.OPEN,
        today=today,
        only=SHARING,
    )
    return render_template(
        "public_impact/show.html",
        asked=asked,
        desk=desk,
        panels={key: with_csv(make(desk), asked) for key, make in PANELS.items()},
        headlines=[(measure, large(measure, desk.ledger[measure])) for measure in HEADLINES if desk.avoided_t],
        indicators=[(translate(each.definition.name, {}), large_figure(each)) for each in figures],
        held_back_words=held_back_words,
        marks_words=marks_words,
        least_deals=LEAST_DEALS,
        least_organisations=LEAST_ORGANISATIONS,
    )
