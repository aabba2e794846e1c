"""What a lot's passport says, in the visitor's language: one value for the page and the PDF, so that both say the same.

Nothing is judged here: the figures are those of `services.quality`, for the day on which the passport is opened.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from flask import current_app, url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from geo.gate import ConditionKind
from geo.geometry import Position
from geo.materials import taxonomy
from geo.quality import Judgement
from marketplace import db
from marketplace.filters import date_, fraction, number, period, tonnes
from marketplace.labels import label, material_name
from marketplace.models import Document, Listing
from marketplace.permissions import Permission, allows
from marketplace.printing import qr_svg
from marketplace.quality_wording import (
    level_name,
    obstacle_in_words,
)
from marketplace.queries.projects import position_of
from marketplace.services.passports import proof_number
from marketplace.services.quality import LotQuality, quality_of
from marketplace.types import Documentation, ListingStatus, PausedReason
from marketplace.web.access import current_actor
from marketplace.web.passport_deliveries import Deliveries, deliveries_for_passport, passport_deliveries
from marketplace.web.passport_proof import Proof, Tone, proof_of, shown_documents, tone_of

LATIN_DECIMALS = 5
HIDDEN_DECIMALS = 2
"""0.01 degree is about a kilometre, as much as is hidden."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What must not be overlooked."""

    tone: Tone
    title: str
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    name: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PassportSheet:
    """All of a passport.

    `proof` is None where its owner no longer shows what it rested on, `deliveries` while nothing has been driven.
    """

    title: str
    material_group: str
    number: str
    is_example: bool
    mark: Notice
    """What the lot rests on: tested, declared, or nothing."""
    notices: tuple[Notice, ...]
    watermark: str
    lot: tuple[Fact, ...]
    origin: tuple[Fact, ...]
    owner: tuple[Fact, ...]
    proof: Proof | None
    proof_sha256: str
    """The number of all that the lot rests on; agreements and statements name it."""
    deliveries: Deliveries | None
    validity: tuple[Fact, ...]
    ends_if: tuple[str, ...]
    url: str
    qr: str
    made_at: datetime
    """When what it says last changed."""
    as_of: str


def passport_sheet(listing: Listing, *, today: date) -> PassportSheet:
    """The passport of a lot as this visitor may see it."""
    quality = quality_of(db.session, listing, today=today)
    shows_proof = allows(Permission.VIEW_PROOF, current_actor(), listing)
    documents = shown_documents(listing)
    delivered = deliveries_for_passport(listing)
    url = f"{current_app.settings.base_url}{url_for('passports.show', token=listing.passport_token)}"  # type: ignore[attr-defined]
    name = material_name(listing.material_key)
    return PassportSheet(
        title=f"{name} {fraction(listing.fraction_mm)}" if listing.fraction_mm else name,
        material_group=taxonomy().material(listing.material_key).group.value,
        number=str(listing.passport_token)[:8],
        is_example=listing.is_example,
        mark=_mark(listing, quality, shows_proof=shows_proof),
        notices=tuple(_notices(listing, quality, today=today, shows_proof=shows_proof)),
        watermark="" if _is_offered(listing, quality) else _("Not offered"),
        lot=_facts(_lot(listing)),
        origin=_facts(_origin(listing)),
        owner=_facts(_owner(listing)),
        proof=proof_of(quality, documents) if shows_proof else None,
        proof_sha256=proof_number(listing, quality),
        deliveries=passport_deliveries(delivered, listing),
        validity=_facts(_validity(listing, quality, today=today)),
        ends_if=_ends_if(quality) if _is_offered(listing, quality) else (),
        url=url,
        qr=qr_svg(url),
        made_at=max([_last_change(listing, quality, documents), *(each.changed_at for each in delivered)]),
        as_of=_("As it stood on %(day)s", day=date_(today)),
    )


def _facts(pairs: Mapping[str, str | None]) -> tuple[Fact, ...]:
    return tuple(Fact(name=name, value=value) for name, value in pairs.items() if value)


# Whether it is offered --------------------------------------------------------------------------------------------


def _is_offered(listing: Listing, quality: LotQuality) -> bool:
    return listing.status is ListingStatus.PUBLISHED and quality.verdict.may_be_published


def _mark(listing: Listing, quality: LotQuality, *, shows_proof: bool) -> Notice:
    """What the lot rests on, as it stands today; what was closed stays what it was."""
    documentation = quality.documentation if listing.status is not ListingStatus.CLOSED else listing.documentation
    samples = _samples(quality.judgement) if quality.judgement is not None and shows_proof else ""
    if documentation is Documentation.TESTED and quality.judgement is not None:
        return Notice(tone=tone_of(quality.judgement.outcome), title=_("Tested"), text=samples)
    if documentation is Documentation.DECLARED:
        text = _("Nothing was analysed. Its owner states that it comes from unpolluted ground.")
        if quality.judgement is not None:
            text = _("The samples do not settle it. Its owner states that it comes from unpolluted ground.")
        return Notice(tone=Tone.WARNING, title=_("Declared, not tested"), text=text)
    return Notice(tone=Tone.BAD, title=_("Not documented as clean"), text=samples)


def _samples(judgement: Judgement) -> str:
    level = level_name(outcome=judgement.outcome, soil_class=judgement.soil_class)
    return ngettext("%(num)s sample, %(level)s", "%(num)s samples, %(level)s", len(judgement.samples), level=level)


def _notices(listing: Listing, quality: LotQuality, *, today: date, shows_proof: bool) -> Iterator[Notice]:
    if listing.is_example:
        yield Notice(
            tone=Tone.QUIET,
            title=_("Example data"),
            text=_("Everything in this passport is invented, to show what one looks like."),
        )
    if not shows_proof:
        yield Notice(
            tone=Tone.BAD,
            title=_("Withdrawn"),
            text=_(
                "What is known of these masses no longer shows that they are clean, so they are not offered any more."
                " Ask %(organisation)s before you use any of them.",
                organisation=listing.organisation.name,
            ),
        )
    elif quality.verdict.obstacles and listing.status is not ListingStatus.CLOSED:
        yield Notice(
            tone=Tone.BAD,
            title=_("Kept inside your organisation"),
            text=" ".join(obstacle_in_words(each) for each in quality.verdict.obstacles),
        )
    if listing.status is ListingStatus.DRAFT:
        yield Notice(
            tone=Tone.QUIET, title=_("Draft"), text=_("It has not been offered to anybody. Only members see it.")
        )
    elif listing.hidden_at is not None or listing.paused_reason is PausedReason.BANNED:
        yield Notice(
            tone=Tone.BAD,
            title=_("Taken out of sight by a moderator"),
            text=_("Ask %(organisation)s why, before you use any of it.", organisation=listing.organisation.name),
        )
    elif listing.status is ListingStatus.PAUSED and listing.paused_reason is not PausedReason.QUALITY:
        yield Notice(
            tone=Tone.WARNING,
            title=_("Not offered just now"),
            text=_("Its owner has it on pause, or has not confirmed that it still stands."),
        )
    elif listing.status is ListingStatus.CLOSED:
        yield Notice(
            tone=Tone.QUIET,
            title=_("Closed on %(day)s", day=date_(listing.closed_at)),
            text=_("No more of it is offered. What the passport says holds for what was delivered before."),
        )
    elif listing.available_to < today:
        yield Notice(tone=Tone.QUIET, title=_("The period is over"))


# The lot ----------------------------------------------------------------------------------------------------------


def _lot(listing: Listing) -> dict[str, str | None]:
    material = taxonomy().material(listing.material_key)
    entered = None
    if listing.density_t_m3 is not None:
        entered = _(
            "%(amount)s %(unit)s at %(density)s t/m³",
            amount=number(listing.entered_value, 3),
            unit=label(listing.entered_unit),
            density=number(listing.density_t_m3, 2, keep_zeros=True),
        )
    return {
        _("Quantity"): tonnes(listing.mass_t),
        _("Entered as"): entered,
        _("Grain fraction"): fraction(listing.fraction_mm) if listing.fraction_mm else None,
        _("Period"): period(listing.period),
        _("Waste code (EWC)"): material.ewc,
        _("Waste type (NS 9431)"): material.ns9431,
    }


def _origin(listing: Listing) -> dict[str, str | None]:
    project = listing.project
    return {
        _("Project"): project.name if project else None,
        _("Builder"): project.builder if project else None,
        _("Municipality"): f"{listing.municipality.name} ({listing.municipality_number})",
        _("Position"): _position(listing),
    }


def _position(listing: Listing) -> str:
    """The same to everybody: the paper is handed on, and what is hidden must not go with it."""
    if not listing.hides_position:
        return _degrees(position_of(listing), decimals=LATIN_DECIMALS)
    return _("about %(place)s, hidden to about 1 km", place=_degrees(position_of(listing), decimals=HIDDEN_DECIMALS))


def _degrees(position: Position, *, decimals: int) -> str:
    def written(degrees: float) -> str:
        return number(degrees, decimals, keep_zeros=True)

    return _("%(lat)s N, %(lon)s E", lat=written(position.lat), lon=written(position.lon))


def _owner(listing: Listing) -> dict[str, str | None]:
    org_number, verified_at = listing.organisation.org_number, listing.organisation.verified_at
    return {
        _("Stated by"): listing.organisation.name,
        _("Organisation number"): " ".join(org_number[at : at + 3] for at in range(0, 9, 3)),
        _("Organisation"): _("verified on %(day)s", day=date_(verified_at)) if verified_at else _("not verified"),
        _("Offered since"): date_(listing.published_at) if listing.published_at else None,
        _("Confirmed"): date_(listing.renewed_at) if listing.renewed_at else None,
    }


# Validity ---------------------------------------------------------------------------------------------------------


def _validity(listing: Listing, quality: LotQuality, *, today: date) -> dict[str, str | None]:
    if listing.status is ListingStatus.CLOSED and listing.closed_at is not None:
        return {_("Valid"): _("for masses delivered until %(day)s", day=date_(listing.closed_at))}
    if not _is_offered(listing, quality) or listing.available_to < today:
        return {_("Valid"): _("not now")}
    return {_("Valid until"): date_(_last_day(listing, quality))}


def _last_day(listing: Listing, quality: LotQuality) -> date:
    """The end of its period, or the day on which it may be used no longer."""
    due = [each.due_on for each in quality.verdict.conditions if each.kind is ConditionKind.USE_BEFORE and each.due_on]
    return min([listing.available_to, *due])


def _ends_if(quality: LotQuality) -> tuple[str, ...]:
    grounds = [_("its owner closes the listing, or offers something else in it")]
    if quality.judgement is not None:
        grounds.append(_("new samples, or new limits, no longer show that it is clean"))
    if quality.declarations:
        grounds.append(_("something that is stated here turns out to be wrong"))
    grounds.append(_("it is mixed with other masses"))
    return tuple(grounds)


def _last_change(listing: Listing, quality: LotQuality, documents: tuple[Document, ...]) -> datetime:
    moments = [listing.created_at, listing.updated_at, listing.published_at, listing.renewed_at, listing.closed_at]
    moments += [each.created_at for each in quality.reports]
    moments += [each.created_at for each in quality.declarations.values()]
    moments += [each.created_at for each in quality.overrides]
    moments += [each.created_at for each in documents]
    return max(each for each in moments if each is not None)
