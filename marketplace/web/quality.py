"""A lot's quality: what it rests on, what that comes to, and what its owner states about it."""

from collections.abc import Iterator
from datetime import date

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from geo.declarations import STORED_AS_WASTE, may_be_declared
from geo.proof import DeclarationKind
from geo.quality_tables import quality_tables
from marketplace import clock, db
from marketplace.errors import Conflict, NotFound
from marketplace.forms.quality import NO, YES, BackgroundForm, StatementsForm
from marketplace.models import Document, Listing
from marketplace.permissions import Permission
from marketplace.quality_wording import parameter_name
from marketplace.queries.documents import documents_of
from marketplace.queries.listings import listing_for_page
from marketplace.services import declarations as services
from marketplace.services.listings import WRONG_TRANSITION, Transition, can
from marketplace.services.quality import LotQuality, quality_of
from marketplace.types import DocumentKind, ListingKind
from marketplace.web.access import current_actor, requires
from marketplace.web.quality_view import view_of
from marketplace.web.submit import applying, unprocessable
from marketplace.web.taken_down import telling_if_taken_down

bp = Blueprint("quality", __name__, url_prefix="/listings/<id:listing_id>/quality")


def load_surplus(listing_id: int, **_beside: object) -> Listing:
    """A listing that offers something: of the others there is nothing to prove. What else the address names is for the
    view to load.
    """
    listing = listing_for_page(db.session, listing_id=listing_id)
    if listing is None or listing.kind is not ListingKind.SURPLUS:
        raise NotFound
    return listing


def require_open(listing: Listing) -> None:
    """Raises Conflict where the listing is closed, and stays as it was."""
    if not can(Transition.EDIT, listing):
        raise Conflict(WRONG_TRANSITION[listing.status])


@bp.get("/statements", endpoint="see_statements")
@bp.get("/background", endpoint="see_background")
@requires(Permission.EDIT_LISTING, subject=load_surplus)
def see_form(listing: Listing) -> ResponseReturnValue:
    """A form that was refused stands at the address it was sent to, which somebody may load anew."""
    anchor = "background" if request.path.endswith("/background") else None
    return redirect(url_for(".show", listing_id=listing.id, _anchor=anchor))


@bp.get("")
@requires(Permission.VIEW_QUALITY, subject=load_surplus)
def show(listing: Listing) -> ResponseReturnValue:
    return _page(listing)


def _page(
    listing: Listing, *, statements: StatementsForm | None = None, background: BackgroundForm | None = None
) -> str:
    today = clock.local_date(clock.now())
    quality = quality_of(db.session, listing, today=today)
    documents = papers_of(listing)
    return render_template(
        "quality/show.html",
        listing=listing,
        quality=quality,
        view=view_of(quality, listing=listing),
        asked=[kind.value for kind in _asked(quality)],
        may_be_declared=may_be_declared(quality.material),
        is_stored=quality.material.key in STORED_AS_WASTE,
        statements=statements or _statements_form(quality, documents, today=today),
        background=background or _background_form(documents, today=today),
        documents=documents,
        can_edit=can(Transition.EDIT, listing),
        can_publish=can(Transition.PUBLISH, listing),
    )


def papers_of(listing: Listing) -> list[Document]:
    """The listing's documents that can show something: all but photos."""
    found = documents_of(db.session, listing_id=listing.id)
    return [each for each in found if each.kind is not DocumentKind.PHOTO]


# Statements -------------------------------------------------------------------------------------------------------


def _asked(quality: LotQuality) -> Iterator[DeclarationKind]:
    """What the material needs, and what has been answered although it is not needed any more."""
    yield from quality.required
    others = (DeclarationKind.VIRGIN_AREA, DeclarationKind.FLAKES_STORED_SINCE, *quality.required)
    yield from (kind for kind in quality.declarations if kind not in others)


def _statements_form(quality: LotQuality, documents: list[Document], *, today: date) -> StatementsForm:
    data: dict[str, object] = {"stated_by": current_actor().name, "stated_on": today}
    for kind, row in quality.declarations.items():
        data[kind.value] = YES if row.is_confirmed else NO
        data[f"{kind.value}_basis"] = row.basis
    stored = quality.declarations.get(DeclarationKind.FLAKES_STORED_SINCE)
    data[DeclarationKind.FLAKES_STORED_SINCE.value] = stored.since_on if stored else None
    origin = quality.declarations.get(DeclarationKind.VIRGIN_AREA)
    if origin is not None:
        data |= {"virgin_basis": origin.basis, "document_id": origin.document_id}
    form = StatementsForm(data=data)
    form.offer(documents)
    return form


@bp.post("/statements")
@requires(Permission.EDIT_LISTING, subject=load_surplus)
@telling_if_taken_down
def state(listing: Listing) -> ResponseReturnValue:
    require_open(listing)
    form = StatementsForm()
    form.offer(papers_of(listing))
    if form.validate_on_submit():
        with applying(form) as attempt:
            services.declare(
                db.session,
                current_actor(),
                listing_id=listing.id,
                statements=tuple(form.statements(DeclarationKind)),
                now=clock.now(),
            )
        if attempt.ok:
            flash(_("Your answers are saved."), "success")
            return redirect(url_for(".show", listing_id=listing.id))
    return _page(listing, statements=form), unprocessable(form)


@bp.post("/origin/withdraw")
@requires(Permission.EDIT_LISTING, subject=load_surplus)
@telling_if_taken_down
def withdraw_origin(listing: Listing) -> ResponseReturnValue:
    """The masses are no longer said to come from an unpolluted area; that is not to say that they do not."""
    require_open(listing)
    services.withdraw(
        db.session, current_actor(), listing_id=listing.id, kind=DeclarationKind.VIRGIN_AREA, now=clock.now()
    )
    flash(_("The statement about the area is withdrawn."), "success")
    return redirect(url_for(".show", listing_id=listing.id))


# Natural background -----------------------------------------------------------------------------------------------


def _background_form(documents: list[Document], *, today: date) -> BackgroundForm:
    form = BackgroundForm(data={"stated_by": current_actor().name, "stated_on": today}, prefix="background")
    form.offer(documents, _inorganic())
    return form


def _inorganic() -> list[tuple[str, str]]:
    """What a background can count against: the inorganic parameters that have a limit."""
    known = quality_tables().parameters.values()
    is_judged = quality_tables().is_judged
    return [(each.code, parameter_name(each.code)) for each in known if each.is_inorganic and is_judged(each.code)]


@bp.post("/background")
@requires(Permission.EDIT_LISTING, subject=load_surplus)
@telling_if_taken_down
def state_background(listing: Listing) -> ResponseReturnValue:
    require_open(listing)
    form = BackgroundForm(prefix="background")
    form.offer(papers_of(listing), _inorganic())
    if form.validate_on_submit():
        with applying(form) as attempt:
            services.state_background(
                db.session, current_actor(), listing_id=listing.id, stated=form.stated, now=clock.now()
            )
        if attempt.ok:
            flash(_("The natural background is saved, and shows on the lot."), "success")
            return redirect(url_for(".show", listing_id=listing.id, _anchor="background"))
    return _page(listing, background=form), unprocessable(form)


@bp.post("/background/remove")
@requires(Permission.EDIT_LISTING, subject=load_surplus)
@telling_if_taken_down
def remove_background(listing: Listing) -> ResponseReturnValue:
    require_open(listing)
    services.remove_background(
        db.session,
        current_actor(),
        listing_id=listing.id,
        parameter=request.form.get("parameter", ""),
        now=clock.now(),
    )
    flash(_("The natural background is removed, and counts no more."), "success")
    return redirect(url_for(".show", listing_id=listing.id, _anchor="background"))
