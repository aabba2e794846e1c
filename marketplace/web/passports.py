"""Material passports: a lot's page and its PDF by an address that nobody guesses, and who may open them."""

from dataclasses import fields, replace
from datetime import date
from uuid import UUID

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext
from markupsafe import Markup

from marketplace import clock, db
from marketplace.errors import NotFound
from marketplace.forms.passports import PassportForm
from marketplace.models import Listing
from marketplace.permissions import Permission
from marketplace.queries.passports import listing_of_passport
from marketplace.services import passports as services
from marketplace.types import ListingKind, ListingStatus, PassportAudience
from marketplace.web.access import current_actor, requires
from marketplace.web.listings import load_listing
from marketplace.web.passport_sheet import PassportSheet, passport_sheet
from marketplace.web.printed import pdf_of, pdf_response
from marketplace.web.submit import applying, unprocessable

bp = Blueprint("passports", __name__)

MANY_PAPERS = 8
"""Reports, and documents, on paper: with more, a passport would be more than the two sheets that people read."""

NOT_FOR_SEARCH_ENGINES = "noindex, nofollow, noarchive"


def load_by_token(token: UUID) -> Listing:
    listing = listing_of_passport(db.session, token=token)
    if listing is None:
        raise NotFound
    return listing


def load_lot(listing_id: int) -> Listing:
    """A listing that has a passport: only what is offered needs one."""
    listing = load_listing(listing_id)
    if listing.kind is not ListingKind.SURPLUS:
        raise NotFound
    return listing


@bp.get("/passports/<uuid:token>")
@requires(Permission.VIEW_PASSPORT, subject=load_by_token)
def show(listing: Listing) -> ResponseReturnValue:
    sheet = passport_sheet(listing, today=_today())
    page = render_template("passports/show.html", listing=listing, sheet=sheet, qr=Markup(sheet.qr))  # noqa: S704 - ours
    return _kept_private(make_response(page), listing)


@bp.get("/passports/<uuid:token>.pdf")
@requires(Permission.VIEW_PASSPORT, subject=load_by_token)
def pdf(listing: Listing) -> ResponseReturnValue:
    sheet = passport_sheet(listing, today=_today())
    response = pdf_response(passport_pdf(sheet), name=f"{_('Material passport')} {sheet.title} {sheet.number}")
    return _kept_private(response, listing)


def passport_pdf(sheet: PassportSheet) -> bytes:
    """The passport on one or two sheets of paper."""
    title = _("Material passport: %(title)s", title=sheet.title)
    printed = {field.name: getattr(sheet, field.name) for field in fields(sheet) if field.name != "made_at"}
    if sheet.proof is not None:
        printed["proof"] = replace(
            sheet.proof, reports=sheet.proof.reports[:MANY_PAPERS], documents=sheet.proof.documents[:MANY_PAPERS]
        )
    if sheet.deliveries is not None:
        printed["deliveries"] = replace(sheet.deliveries, rows=sheet.deliveries.rows[:MANY_PAPERS])
    foot = f"{sheet.as_of} · {_('What the page behind the code says now is what counts.')}"
    return pdf_of(
        "passport",
        {"sheet": printed, "words": _words(), "more": _more(sheet)},
        title=title,
        made_at=sheet.made_at,
        head=_("Material passport no. %(number)s", number=sheet.number),
        foot=foot,
        author=next((fact.value for fact in sheet.owner), ""),
    )


def _more(sheet: PassportSheet) -> dict[str, str]:
    """What of long lists stands on the page alone."""
    counts = {"reports": 0, "documents": 0, "deliveries": len(sheet.deliveries.rows) if sheet.deliveries else 0}
    if sheet.proof is not None:
        counts |= {"reports": len(sheet.proof.reports), "documents": len(sheet.proof.documents)}
    return {
        name: ngettext("and %(num)s more, on the page", "and %(num)s more, on the page", count - MANY_PAPERS)
        if count > MANY_PAPERS
        else ""
        for name, count in counts.items()
    }


def _words() -> dict[str, str]:
    """The headings and labels of the printed passport."""
    return {
        "eyebrow": _("Material passport"),
        "lot": _("The lot"),
        "origin": _("Where it comes from"),
        "owner": _("Who answers for it"),
        "quality": _("What was analysed"),
        "parameter": _("Parameter"),
        "highest": _("Highest, mg/kg"),
        "sample": _("in sample"),
        "limit": _("Limit, mg/kg"),
        "result": _("Result"),
        "samples": _("Samples"),
        "reports": _("Laboratory reports"),
        "laboratory": _("Laboratory"),
        "report": _("Report number"),
        "sampled": _("Sampled"),
        "declarations": _("What is stated"),
        "backgrounds": _("Natural background"),
        "background_note": _("What is no higher than the documented natural background counts as clean."),
        "document": _("Document"),
        "basis": _("Basis"),
        "stated": _("Stated by"),
        "documents": _("Documents"),
        "file": _("The file's own number"),
        "proof": _("The number of the proof that the lot rests on"),
        "deliveries": _("What has been delivered"),
        "destination": _("To"),
        "taker": _("Received by"),
        "quantity": _("Quantity"),
        "driven": _("Driven"),
        "state": _("State"),
        "ends_if": _("It ends sooner if"),
        "scan": _("Scan to see it as it stands now"),
        "qr_alt": _("Code that opens this passport's page"),
    }


def _today() -> date:
    return clock.local_date(clock.now())


def _kept_private(response: Response, listing: Listing) -> Response:
    """Only a passport that is open to everybody, of a lot that is still offered, is for search engines to find."""
    is_open = listing.passport_audience is PassportAudience.PUBLIC and listing.status is ListingStatus.PUBLISHED
    if not is_open:
        response.headers["X-Robots-Tag"] = NOT_FOR_SEARCH_ENGINES
    response.headers["Referrer-Policy"] = "no-referrer"  # the address is the key
    return response


# Who may open it --------------------------------------------------------------------------------------------------


@bp.route("/listings/<id:listing_id>/passport", methods=["GET", "POST"])
@requires(Permission.EDIT_LISTING, subject=load_lot)
def settings(listing: Listing) -> ResponseReturnValue:
    form = PassportForm(data={"audience": listing.passport_audience.value})
    if form.validate_on_submit():
        with applying(form) as attempt:
            services.choose_audience(
                db.session,
                current_actor(),
                listing_id=listing.id,
                audience=PassportAudience(form.audience.data),
                now=clock.now(),
            )
        if attempt.ok:
            flash(_("The changes are saved."), "success")
            return redirect(url_for(".settings", listing_id=listing.id))
    address = url_for(".show", token=listing.passport_token)
    return render_template(
        "passports/settings.html", listing=listing, form=form, address=f"{request.host_url.rstrip('/')}{address}"
    ), unprocessable(form)


@bp.post("/listings/<id:listing_id>/passport/new-link")
@requires(Permission.EDIT_LISTING, subject=load_lot)
def renew(listing: Listing) -> ResponseReturnValue:
    services.renew_address(db.session, current_actor(), listing_id=listing.id, now=clock.now())
    flash(_("The passport has a new link. The old one, and codes printed with it, lead nowhere now."), "success")
    return redirect(url_for(".settings", listing_id=listing.id))
