"""The first request or offer of a deal: from a listing, or from a match of it with something of one's own."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from http import HTTPStatus

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from wtforms.fields import SelectChoice

from geo.materials import taxonomy
from marketplace import clock, db
from marketplace.errors import Conflict
from marketplace.filters import distance, period, tonnes
from marketplace.forms.deals import DIRECT, FirstForm, OfferForm, RequestForm, SendOnForm
from marketplace.i18n import translate
from marketplace.labels import material_name
from marketplace.models import Deal, Listing
from marketplace.permissions import Permission
from marketplace.queries.deal_options import (
    Hub,
    TakingOption,
    hubs_near,
    left_of,
    needs_near,
    surplus_options,
    taking_options,
)
from marketplace.services import deal_chains, deals
from marketplace.services.deal_actions import DealAction, require
from marketplace.services.deal_places import TakingPlace
from marketplace.types import DealStatus, ListingKind
from marketplace.web.access import current_actor, requires
from marketplace.web.deal_page import load_deal, view_of_deal
from marketplace.web.deal_prefill import (
    days_in_common,
    first_terms,
    hub_terms_from,
    option_data,
    second_leg,
    second_terms_from,
    tell_the_rest,
    terms_from,
)
from marketplace.web.listings import load_listing
from marketplace.web.submit import applying, unprocessable

bp = Blueprint("deal_requests", __name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Own:
    """What of one's own can be chosen in the form; `listing` is it or belongs to it."""

    option: TakingOption | None
    surplus: Listing | None

    @property
    def listing(self) -> Listing | None:
        return self.surplus or (self.option.listing if self.option else None)

    @property
    def value(self) -> str:
        return str(self.surplus.id) if self.surplus else self.option.value if self.option else ""

    @property
    def organisation_id(self) -> int:
        if self.surplus is not None:
            return self.surplus.organisation_id
        return self.option.organisation_id if self.option else 0


@bp.route("/listings/<id:listing_id>/deals/new", methods=["GET", "POST"])
@requires(Permission.START_DEAL, subject=load_listing)
def new(listing: Listing) -> ResponseReturnValue:
    """Asking for a surplus, or offering one of one's own to a need or a reception.

    `own` in the address names the counterpart that a match was with, by the number of its listing.
    """
    today = clock.local_date(clock.now())
    owns = _owns(listing, today=today)
    if not owns:
        return render_template("deals/new_without.html", listing=listing)
    chosen = _chosen(owns)
    hubs = _hubs(listing, owns, today=today)
    form = _form(listing, owns, chosen, hubs, today=today)
    status = HTTPStatus.OK
    if form.validate_on_submit():
        try:
            with applying(form) as attempt:
                deal = _make(form, listing, owns, hubs)
            if attempt.ok:
                flash(_("Sent. You are told as soon as it is answered."), "success")
                return redirect(url_for("deals.show", deal_id=deal.id), HTTPStatus.SEE_OTHER)
        except Conflict as conflict:
            form.form_errors.append(translate(conflict.message, conflict.params))
            status = HTTPStatus.CONFLICT
    elif form.is_submitted():
        tell_the_rest(form, material_key=listing.material_key, now=clock.now())
    page = render_template(
        "deals/new.html",
        form=form,
        listing=listing,
        choice=form.taking if isinstance(form, RequestForm) else form.surplus_id,
        densities=taxonomy().material(listing.material_key).densities_t_per_m3,
        hubs=hubs,
        left_t=left_of(listing),
        is_request=listing.kind is ListingKind.SURPLUS,
    )
    return page, (unprocessable(form) if status is HTTPStatus.OK else status)


# What of one's own ------------------------------------------------------------------------------------------------


def _owns(listing: Listing, *, today: date) -> tuple[Own, ...]:
    """What of the visitor's own the deal can be made with, the nearest first."""
    own_ids = tuple(
        each.organisation_id for each in current_actor().editable if each.organisation_id != listing.organisation_id
    )
    if listing.kind is ListingKind.SURPLUS:
        options = taking_options(db.session, surplus=listing, organisation_ids=own_ids, today=today)
        return tuple(Own(option=option, surplus=None) for option in options)
    surpluses = surplus_options(db.session, taking=listing, organisation_ids=own_ids, today=today)
    return tuple(Own(option=None, surplus=surplus) for surplus in surpluses)


def _chosen(owns: Sequence[Own]) -> Own:
    wanted = request.args.get("own", "")
    return next((own for own in owns if own.listing is not None and str(own.listing.id) == wanted), owns[0])


def _hubs(listing: Listing, owns: Sequence[Own], *, today: date) -> tuple[Hub, ...]:
    """Hubs near the surplus; none where a facility takes it in anyway, or where several surpluses may be chosen."""
    if listing.kind is ListingKind.RECEPTION:
        return ()
    surplus = listing if listing.kind is ListingKind.SURPLUS else _chosen(owns).surplus
    if surplus is None:
        return ()
    without = (listing.organisation_id, *(own.organisation_id for own in owns))
    return hubs_near(db.session, surplus=surplus, without=tuple(set(without)), today=today)


# The form ---------------------------------------------------------------------------------------------------------


def _form(
    listing: Listing, owns: Sequence[Own], chosen: Own, hubs: Sequence[Hub], *, today: date
) -> RequestForm | OfferForm:
    terms = first_terms(
        listing,
        own_left_t=_left_of(chosen),
        own_period=_period_of(chosen),
        opening_hours=chosen.option.opening_hours if chosen.option else "",
        own=chosen.listing,
        today=today,
    )
    starts_on, ends_on = days_in_common(listing.period, _period_of(chosen), today=today)
    data = {**terms, **second_leg(terms, starts_on=starts_on, ends_on=ends_on)}
    form: RequestForm | OfferForm
    if listing.kind is ListingKind.SURPLUS:
        form = RequestForm(data={**data, "taking": chosen.value})
        form.taking.choices = [_choice(own, listing, today=today) for own in owns]
    else:
        form = OfferForm(data={**data, "surplus_id": chosen.value})
        form.surplus_id.choices = [_choice(own, listing, today=today) for own in owns]
    form.hub_listing_id.choices = [
        SelectChoice(DIRECT, _("Directly")),
        *(SelectChoice(str(hub.listing.id), _hub_words(hub)) for hub in hubs),
    ]
    return form


def _choice(own: Own, listing: Listing, *, today: date) -> SelectChoice:
    left_t, days = _left_of(own), days_in_common(listing.period, _period_of(own), today=today)
    both = [mass_t for mass_t in (left_of(listing), left_t) if mass_t is not None]
    return SelectChoice(own.value, _own_words(own), render_kw=dict(option_data(min(both) if both else None, days)))


def _own_words(own: Own) -> str:
    if own.surplus is not None:
        place = own.surplus.project or own.surplus.municipality
        return _(
            "%(name)s, %(mass)s left, %(place)s",
            name=material_name(own.surplus.material_key),
            mass=tonnes(own.surplus.left_t),
            place=place.name,
        )
    assert own.option is not None
    return _option_words(own.option)


def _option_words(option: TakingOption) -> str:
    if option.listing is None:
        return _("Project: %(name)s", name=option.name) if option.project_id else option.name
    words = {"name": material_name(option.listing.material_key), "place": option.name}
    if option.listing.kind is ListingKind.RECEPTION:
        return _("Taken in at %(place)s: %(name)s", **words)
    return _(
        "Need: %(name)s, %(mass)s left, %(place)s, %(period)s",
        mass=tonnes(option.listing.left_t),
        period=period(option.listing.period),
        **words,
    )


def _hub_words(hub: Hub) -> str:
    return _("%(name)s, %(distance)s away", name=hub.name, distance=distance(hub.distance_m))


def _left_of(own: Own) -> Decimal | None:
    return own.surplus.left_t if own.surplus else own.option.left_t if own.option else None


def _period_of(own: Own) -> tuple[date, date] | None:
    return own.surplus.period if own.surplus else own.option.period if own.option else None


# Sending ----------------------------------------------------------------------------------------------------------


def _make(form: RequestForm | OfferForm, listing: Listing, owns: Sequence[Own], hubs: Sequence[Hub]) -> Deal:
    own = next(
        own for own in owns if own.value == (form.taking if isinstance(form, RequestForm) else form.surplus_id).data
    )
    if form.is_chain:
        return _make_chain(form, listing, own, hubs)
    actor, now = current_actor(), clock.now()
    if own.surplus is not None:
        return deals.offer_surplus(
            db.session,
            actor,
            surplus_id=own.surplus.id,
            taking_listing_id=listing.id,
            terms=terms_from(form),
            message=form.message.data,
            now=now,
        )
    return deals.request_deal(
        db.session,
        actor,
        surplus_id=listing.id,
        taking=_taking(own.option),
        terms=terms_from(form),
        message=form.message.data,
        now=now,
    )


def _make_chain(form: FirstForm, listing: Listing, own: Own, hubs: Sequence[Hub]) -> Deal:
    """Both legs; the one that is the visitor's own is shown."""
    hub = next(hub for hub in hubs if str(hub.listing.id) == form.hub_listing_id.data)
    is_offer = own.surplus is not None
    surplus_id = own.surplus.id if own.surplus else listing.id
    taking = (
        TakingPlace(organisation_id=listing.organisation_id, listing_id=listing.id) if is_offer else _taking(own.option)
    )
    first, second = deal_chains.propose_chain(
        db.session,
        current_actor(),
        surplus_id=surplus_id,
        hub_listing_id=hub.listing.id,
        taking=taking,
        first_terms=hub_terms_from(form, hub),
        second_terms=second_terms_from(form),
        message=form.message.data,
        now=clock.now(),
    )
    return first if is_offer else second


def _taking(option: TakingOption | None) -> TakingPlace:
    assert option is not None
    return TakingPlace(
        organisation_id=option.organisation_id,
        listing_id=option.listing.id if option.listing else None,
        project_id=option.project_id,
        facility_id=option.facility_id,
    )


# From a hub on ----------------------------------------------------------------------------------------------------


@bp.route("/deals/<id:deal_id>/send-on", methods=["GET", "POST"])
@requires(Permission.ACT_ON_DEAL, subject=load_deal)
def send_on(deal: Deal) -> ResponseReturnValue:
    """A hub offers what comes in by a deal to a need that somebody else has posted."""
    try:
        require(DealAction.SEND_ON, deal, current_actor())
    except Conflict as conflict:
        flash(translate(conflict.message, conflict.params), "warning")
        return redirect(url_for("deals.show", deal_id=deal.id), HTTPStatus.SEE_OTHER)
    today = clock.local_date(clock.now())
    needs = needs_near(
        db.session,
        material_key=deal.material_key,
        near_25833=deal.destination_position_25833,
        without=(deal.taker_organisation_id,),
        today=today,
    )
    view = view_of_deal(deal)
    if not needs:
        return render_template("deals/send_on.html", deal=deal, view=view, form=None)
    deal_id, status = deal.id, HTTPStatus.OK
    form = SendOnForm(data=_onward_data(deal, needs[0], today=today))
    form.taking.choices = [_need_choice(deal, need, today=today) for need in needs]
    if form.validate_on_submit():
        need = next(need for need in needs if need.value == form.taking.data)
        try:
            with applying(form) as attempt:
                made = deal_chains.send_on(
                    db.session,
                    current_actor(),
                    source_deal_id=deal_id,
                    taking=_taking(need),
                    terms=terms_from(form),
                    message=form.message.data,
                    now=clock.now(),
                )
            if attempt.ok:
                flash(_("Sent. You are told as soon as it is answered."), "success")
                return redirect(url_for("deals.show", deal_id=made.id), HTTPStatus.SEE_OTHER)
        except Conflict as conflict:
            form.form_errors.append(translate(conflict.message, conflict.params))
            status = HTTPStatus.CONFLICT
    elif form.is_submitted():
        tell_the_rest(form, material_key=deal.material_key, now=clock.now())
    densities = taxonomy().material(view.deal.material_key).densities_t_per_m3
    page = render_template("deals/send_on.html", deal=deal, view=view, form=form, densities=densities)
    return page, (unprocessable(form) if status is HTTPStatus.OK else status)


def _incoming_left_t(deal: Deal) -> Decimal:
    incoming_t = deal.delivered_t if deal.status is DealStatus.COMPLETED else deal.agreed_t
    return max(incoming_t - deal.onward_t, Decimal(0))


def _days_from_hub(deal: Deal, need: TakingOption, *, today: date) -> tuple[date, date]:
    assert deal.agreed_from is not None
    assert need.period is not None
    return days_in_common(need.period, (deal.agreed_from, need.period[1]), today=today)


def _onward_data(deal: Deal, need: TakingOption, *, today: date) -> dict[str, object]:
    assert need.listing is not None
    starts_on, ends_on = _days_from_hub(deal, need, today=today)
    return {
        "taking": need.value,
        "entered_value": min(_incoming_left_t(deal), need.listing.left_t) or None,
        "starts_on": starts_on,
        "ends_on": ends_on,
        "price_kind": need.listing.price_kind.value,
        "price_nok_per_t": need.listing.price_nok_per_t,
        "haulage": need.listing.haulage.value,
    }


def _need_choice(deal: Deal, need: TakingOption, *, today: date) -> SelectChoice:
    assert need.left_t is not None
    data = option_data(min(_incoming_left_t(deal), need.left_t), _days_from_hub(deal, need, today=today))
    words = _("%(organisation)s: %(need)s", organisation=need.organisation_name, need=_option_words(need))
    return SelectChoice(need.value, words, render_kw=dict(data))
