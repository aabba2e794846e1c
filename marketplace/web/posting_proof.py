"""The proof of a surplus while it is being posted: from the form to the gate, and back into the form."""

from collections.abc import Iterator
from enum import StrEnum, auto

from flask import flash, redirect, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from geo.declarations import may_be_declared
from geo.materials import Material, taxonomy
from geo.proof import DeclarationKind
from marketplace import clock, db
from marketplace.forms.proof import ASKED, CleanBy, ProofFields
from marketplace.models import Listing
from marketplace.permissions import Permission, allows
from marketplace.services.declarations import declare, withdraw
from marketplace.services.listings import publish_listing
from marketplace.services.quality import asked_of, quality_of
from marketplace.types import ListingKind, ListingStatus
from marketplace.web.access import current_actor


class Saved(StrEnum):
    """What became of a listing that was sent from the form."""

    KEPT = auto()
    PUBLISHED = auto()
    AWAITS_CONFIRMATION = auto()
    """Of the poster's e-mail address."""
    AWAITS_RESULTS = auto()
    """From the laboratory, or what else its proof lacks."""


def save_proof(form: ProofFields, listing: Listing) -> None:
    """Keep what the form states about the listing.

    Raises:
        InvalidInput: a statement lacks its basis or a name.
    """
    today, actor = clock.local_date(clock.now()), current_actor()
    statements = tuple(form.statements(today=today))
    is_drafted = not form.wants_publishing and not (form.virgin_basis.data or "").strip()
    if is_drafted:  # a draft may be kept before the basis is written
        statements = tuple(each for each in statements if each.kind is not DeclarationKind.VIRGIN_AREA)
    if statements and not (is_drafted and not (form.stated_by.data or "").strip()):
        declare(db.session, actor, listing_id=listing.id, statements=statements, now=clock.now())
    if form.by_lab:  # who has changed their mind no longer says that the area is unpolluted
        withdraw(db.session, actor, listing_id=listing.id, kind=DeclarationKind.VIRGIN_AREA, now=clock.now())


def publish_if_ready(form: ProofFields, listing: Listing) -> Saved:
    """Publish what the form wants published; what may not be yet stays a draft, so that nothing typed is lost.

    Raises:
        InvalidInput: it cannot be published as it is stated.
    """
    if not form.wants_publishing:
        return Saved.KEPT
    actor, now = current_actor(), clock.now()
    if not allows(Permission.PUBLISH_LISTING, actor, listing):
        return Saved.AWAITS_CONFIRMATION
    if form.by_lab and not quality_of(db.session, listing, today=clock.local_date(now)).verdict.may_be_published:
        return Saved.AWAITS_RESULTS
    publish_listing(db.session, actor, listing_id=listing.id, now=now)
    return Saved.PUBLISHED


def after_saving(listing: Listing, saved: Saved) -> ResponseReturnValue:
    """Lead on to where the listing's next step is."""
    if saved is Saved.PUBLISHED:
        return redirect(url_for("listings.show", listing_id=listing.id, published=1, _anchor="matches"))
    if saved is Saved.AWAITS_RESULTS:
        flash(_("The draft is saved. Add the laboratory results here, then publish."), "info")
        return redirect(url_for("quality.show", listing_id=listing.id))
    if saved is Saved.AWAITS_CONFIRMATION:
        flash(_("Saved as a draft. Confirm your e-mail address to publish it: the link is in your mail."), "warning")
    elif listing.status is ListingStatus.DRAFT:
        flash(_("The draft is saved. Nobody else sees it until you publish it."), "success")
    elif listing.status is ListingStatus.PAUSED and listing.documentation == "none":
        flash(_("The changes are saved. The listing is paused: its proof does not cover them."), "warning")
        return redirect(url_for("quality.show", listing_id=listing.id))
    else:
        flash(_("The changes are saved."), "success")
    return redirect(url_for("listings.show", listing_id=listing.id))


def proof_data(listing: Listing | None) -> dict[str, object]:
    """What the fields hold when the form opens: what has been stated of a draft, and who is asking."""
    data: dict[str, object] = {"stated_by": current_actor().name}
    if listing is None or listing.kind is not ListingKind.SURPLUS:
        return data
    quality = quality_of(db.session, listing)
    origin = quality.declarations.get(DeclarationKind.VIRGIN_AREA)
    stated = {kind: quality.declarations.get(kind) for kind in ASKED}
    data |= {kind.value: True for kind, row in stated.items() if row is not None and row.is_confirmed}
    if origin is not None and origin.is_confirmed:
        data |= {"clean_by": CleanBy.ORIGIN.value, "virgin_basis": origin.basis, "stated_by": origin.stated_by}
    elif quality.reports:
        data["clean_by"] = CleanBy.LAB.value
    return data


def asks() -> dict[str, str]:
    """By material, what its card tells the form to ask: kinds of statements, and `samples` if nothing else will do."""
    return {key: " ".join(_asked(material)) for key, material in taxonomy().materials.items()}


def _asked(material: Material) -> Iterator[str]:
    yield from asked_of(material)
    if not may_be_declared(material):
        yield "samples"
