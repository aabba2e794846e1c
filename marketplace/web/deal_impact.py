"""What a deal avoids, and what a match would: in short on their pages, and worked out on a page of its own."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_wtf import FlaskForm

from geo.impact import Ledger, Measure, is_plausible, ledger_of
from geo.pyramid import Level
from marketplace import clock, db
from marketplace.errors import NotFound
from marketplace.impact_basis import Basis, basis_of, is_known, kept_comparison
from marketplace.impact_wording import MAIN, reason_words, rounded, rounded_range
from marketplace.labels import label
from marketplace.models import Deal, DealImpact, Listing
from marketplace.permissions import Permission, allows
from marketplace.queries import impact as queries
from marketplace.queries.impact import DealAvoided
from marketplace.services.impact_expected import Expected, Pair, expected_of
from marketplace.types import DealStatus, ListingKind
from marketplace.web.access import current_actor, requires
from marketplace.web.deal_page import DealView, deal_section, load_deal, view_of_deal
from marketplace.web.impact_sheet import ImpactSheet, impact_sheet
from marketplace.web.listings import load_listing

bp = Blueprint("deal_impact", __name__)

AVOIDED = "avoided"
"""What `of` of the address says when the page is to work out the loads instead of what was agreed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureRow:
    """A line of the ledgers: what is expected of the agreement, and what the loads came to."""

    name: str
    expected: str
    expected_range: str
    avoided: str
    avoided_range: str
    is_negative: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ImpactSection:
    """What a deal's page says. Without rows it says `note` alone."""

    rows: tuple[FigureRow, ...]
    level: Level | None
    level_name: str
    note: str
    is_plausible: bool
    is_expected_only: bool
    is_estimate: bool
    expected_t: Decimal
    avoided_t: Decimal
    url: str | None


@deal_section("impact")
def section(view: DealView, _form: FlaskForm | None) -> ImpactSection:
    deal = view.deal
    if not view.is_firm:
        return _of_talks(deal, mass_t=view.planned_t)
    record = queries.current_record(db.session, deal_id=deal.id)
    if record is None or not record.basis:
        return _nothing(_("What the deal avoids has not been worked out yet."))
    avoided = queries.avoided_by(db.session, deal_id=deal.id)
    basis, expected = basis_of(record.basis), ledger_of(record.rates, deal.agreed_t)
    if basis.is_pending:
        return _pending(deal)
    judged, mass_t = (avoided.ledger, avoided.avoided_t) if avoided.avoided_t else (expected, deal.agreed_t)
    return ImpactSection(
        rows=_rows(basis, expected, avoided.ledger if avoided.avoided_t else None, MAIN),
        level=basis.level,
        level_name=label(basis.level),
        note=_note(basis),
        is_plausible=is_plausible(judged, mass_t=mass_t),
        is_expected_only=not avoided.avoided_t,
        is_estimate=basis.network_version is None,
        expected_t=deal.agreed_t,
        avoided_t=avoided.avoided_t,
        url=url_for("deal_impact.of_deal", deal_id=deal.id),
    )


def _rows(basis: Basis, expected: Ledger, avoided: Ledger | None, measures: Iterable[Measure]) -> tuple[FigureRow, ...]:
    return tuple(
        FigureRow(
            name=label(each),
            expected=rounded(each, expected[each].value),
            expected_range=rounded_range(each, expected[each]),
            avoided="" if avoided is None else rounded(each, avoided[each].value),
            avoided_range="" if avoided is None else rounded_range(each, avoided[each]),
            is_negative=(avoided or expected)[each].value < 0,
        )
        for each in measures
        if is_known(basis, each)
    )


def _note(basis: Basis) -> str:
    if basis.is_assumed:
        return _("Expected, if the three tests of recovery hold. It is frozen when the deal is agreed.")
    if basis.level is Level.UNDOCUMENTED:
        return _("No new material is counted as replaced until the three tests of recovery are answered.")
    if basis.level is Level.DISPOSAL:
        return _("The use is disposal, so neither landfill nor new material is counted as avoided.")
    return ""


def _of_talks(deal: Deal, *, mass_t: Decimal) -> ImpactSection:
    """What is talked about, between the places that everybody may see."""
    if deal.taking_listing_id is None or deal.source_deal_id is not None or deal.status is not DealStatus.NEGOTIATING:
        return _nothing("")
    pair = Pair(surplus_id=deal.surplus_id, taking_id=deal.taking_listing_id, mass_t=mass_t)
    found = expected_of(db.session, [pair], today=clock.local_date(clock.now())).get(pair)
    if found is None:
        return _nothing("")
    if found.basis.is_pending:
        return _pending(deal)
    return ImpactSection(
        rows=_rows(found.basis, found.ledger, None, MAIN),
        level=found.basis.level,
        level_name=label(found.basis.level),
        note=_note(found.basis),
        is_plausible=found.is_plausible,
        is_expected_only=True,
        is_estimate=found.basis.network_version is None,
        expected_t=mass_t,
        avoided_t=Decimal(0),
        url=url_for("deal_impact.of_match", listing_id=deal.surplus_id, other_id=deal.taking_listing_id),
    )


def _pending(deal: Deal) -> ImpactSection:
    words = _("The masses wait at %(name)s. What they avoid is counted once, where they are used in the end.")
    return _nothing(words % {"name": deal.destination_name}, level=Level.PENDING)


def _nothing(note: str, *, level: Level | None = None) -> ImpactSection:
    return ImpactSection(
        rows=(),
        level=level,
        level_name="" if level is None else label(level),
        note=note,
        is_plausible=True,
        is_expected_only=True,
        is_estimate=False,
        expected_t=Decimal(0),
        avoided_t=Decimal(0),
        url=None,
    )


# Worked out -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryRow:
    """A record of what the deal was compared with."""

    number: int
    made_at: datetime
    reason: str
    level_name: str
    set_version: str
    url: str
    is_shown: bool
    is_current: bool


@bp.get("/deals/<id:deal_id>/impact")
@requires(Permission.VIEW_DEAL, subject=load_deal)
def of_deal(deal: Deal) -> ResponseReturnValue:
    records = queries.records_of(db.session, deal_id=deal.id)
    record = next((each for each in records if str(each.number) == request.args.get("record")), None)
    record = record or next((each for each in records if each.is_current), None)
    if record is None or not record.basis:
        raise NotFound
    avoided = queries.avoided_by(db.session, deal_id=deal.id)
    of_loads = request.args.get("of") == AVOIDED and record.is_current and bool(avoided.avoided_t)
    mass_t = avoided.avoided_t if of_loads else record.agreed_t
    return render_template(
        "impact/explained.html",
        deal=deal,
        view=view_of_deal(deal),
        record=record,
        avoided=avoided,
        of_loads=of_loads,
        mass_t=mass_t,
        sheet=_sheet(record, mass_t=mass_t, ledger=_ledger(record, avoided, mass_t=mass_t, of_loads=of_loads)),
        rates=record.rates,
        history=[_history(deal, each, shown=record) for each in records],
        basis=basis_of(record.basis),
    )


def _ledger(record: DealImpact, avoided: DealAvoided, *, mass_t: Decimal, of_loads: bool) -> Ledger:
    """Of the loads what the sums by month say, which add up to the same."""
    return avoided.ledger if of_loads else ledger_of(record.rates, mass_t)


def _sheet(record: DealImpact, *, mass_t: Decimal, ledger: Ledger) -> ImpactSheet | None:
    comparison = kept_comparison(record.basis)
    if comparison is None:
        return None
    return impact_sheet(basis_of(record.basis), comparison, ledger, mass_t=mass_t, factor_set=record.factor_set)


def _history(deal: Deal, record: DealImpact, *, shown: DealImpact) -> HistoryRow:
    return HistoryRow(
        number=record.number,
        made_at=record.made_at,
        reason=reason_words(record.reason),
        level_name=label(record.level),
        set_version=record.factor_set.version,
        url=url_for(".of_deal", deal_id=deal.id, record=record.number),
        is_shown=record is shown,
        is_current=record.is_current,
    )


def load_one_of_pair(listing_id: int, other_id: int) -> Listing:
    """The listing; the other one is looked at in the view."""
    del other_id
    return load_listing(listing_id)


@bp.get("/listings/<id:listing_id>/matches/<id:other_id>/impact")
@requires(Permission.VIEW_LISTING, subject=load_one_of_pair)
def of_match(listing: Listing) -> ResponseReturnValue:
    other = load_listing((request.view_args or {})["other_id"])
    sides = {each.kind is ListingKind.SURPLUS: each for each in (listing, other)}
    if not allows(Permission.VIEW_LISTING, current_actor(), other) or len(sides) < 2:
        raise NotFound
    surplus, taking = sides[True], sides[False]
    mass_t = min(surplus.left_t or surplus.mass_t, taking.left_t or taking.mass_t)
    pair = Pair(surplus_id=surplus.id, taking_id=taking.id, mass_t=mass_t)
    found = expected_of(db.session, [pair], today=clock.local_date(clock.now())).get(pair)
    if found is None:
        raise NotFound
    return render_template(
        "impact/explained.html",
        deal=None,
        listing=listing,
        other=other,
        mass_t=mass_t,
        sheet=_sheet_of(found),
        rates=found.rates,
        basis=found.basis,
    )


def _sheet_of(found: Expected) -> ImpactSheet | None:
    if found.comparison is None:
        return None
    return impact_sheet(found.basis, found.comparison, found.ledger, mass_t=found.mass_t, factor_set=found.factor_set)
