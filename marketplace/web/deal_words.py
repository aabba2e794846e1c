"""What agreements and statements say alike, in the visitor's language: ready rows for papers and pages."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from flask import current_app, url_for
from flask_babel import get_locale, ngettext
from flask_babel import gettext as _

from marketplace.filters import date_, fraction, nok, nok_per_t, number, percent
from marketplace.i18n import translate
from marketplace.labels import label
from marketplace.quality_wording import level_name
from marketplace.recovery import Recovery
from marketplace.recovery_wording import CONSEQUENCES, OUTCOMES, TITLES
from marketplace.statement_values import Lot, Paper, Party, Place, RecoveryLine, Terms
from marketplace.types import Documentation, PriceKind
from marketplace.web.passport_proof import Tone
from marketplace.web.passport_sheet import Fact, Notice

LATIN_DECIMALS = 5

RECOVERY_TONES = {
    Recovery.RECOVERY: Tone.GOOD,
    Recovery.NOT_RECOVERY: Tone.BAD,
    Recovery.UNANSWERED: Tone.WARNING,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PartySheet:
    """A side with whom to ask; `signed` is who signed for it and when, empty while nobody has."""

    role: str
    name: str
    org_number: str
    address: str
    contacts: tuple[str, ...]
    signed: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryRow:
    title: str
    answer: str
    tone: Tone
    evidence: str
    answered: str
    document: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoverySheet:
    rows: tuple[RecoveryRow, ...]
    outcome: Notice


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperRow:
    title: str
    kind: str
    sha256: str


def facts(*pairs: tuple[str, str | None]) -> tuple[Fact, ...]:
    return tuple(Fact(name=name, value=value) for name, value in pairs if value)


def exact_tonnes(mass_t: Decimal) -> str:
    """To the kilogram, as a weighbridge has it: sums on paper must be those of its rows."""
    return f"{exact_number(mass_t)}\N{NO-BREAK SPACE}t"


def exact_number(mass_t: Decimal, *, decimals: int | None = None) -> str:
    """`decimals` shows so many, for columns."""
    return number(mass_t, 3) if decimals is None else number(mass_t, decimals, keep_zeros=True)


def decimals_of(masses: Iterable[Decimal]) -> int:
    """How many decimals it takes to show all of them."""
    return max((max(0, -int(each.normalize().as_tuple().exponent)) for each in masses), default=0)


def org_number_text(org_number: str) -> str:
    return " ".join(org_number[at : at + 3] for at in range(0, len(org_number), 3))


def lot_title(lot: Lot) -> str:
    """Standing alone, with a capital."""
    words = lot_words(lot)
    return words[:1].upper() + words[1:]


def lot_words(lot: Lot) -> str:
    """Inside a phrase."""
    locale = get_locale()
    is_english = locale is not None and locale.language == "en"
    name = lot.material_en if is_english else lot.material_no
    return f"{name} {_sizes(lot)}" if _sizes(lot) else name


def _sizes(lot: Lot) -> str:
    if lot.fraction_min_mm is None or lot.fraction_max_mm is None:
        return ""
    return fraction((lot.fraction_min_mm, lot.fraction_max_mm))


def class_text(lot: Lot) -> str:
    """Tested: class 1 (3 samples); declared, not tested."""
    if lot.documentation is Documentation.TESTED and lot.outcome is not None:
        level = level_name(outcome=lot.outcome, soil_class=lot.soil_class)
        return ngettext(
            "Tested: %(level)s (%(num)s sample)", "Tested: %(level)s (%(num)s samples)", lot.sample_count, level=level
        )
    if lot.documentation is Documentation.DECLARED:
        return _("Declared, not tested")
    return _("Not documented as clean")


def lot_facts(lot: Lot) -> tuple[Fact, ...]:
    return facts(
        (_("Material"), lot_title(lot)),
        (_("Class"), class_text(lot)),
        (_("Limits of version"), lot.limits_version),
        (_("Waste code (EWC)"), lot.ewc),
        (_("Waste type (NS 9431)"), lot.ns9431),
        (_("Project"), lot.project),
        (_("Builder"), lot.builder),
        (_("Material passport no."), str(lot.passport_token)[:8]),
    )


def place_facts(place: Place) -> tuple[Fact, ...]:
    return facts(
        (_("Place"), place.name),
        (_("Facility"), place.facility if place.facility != place.name else ""),
        (_("Municipality"), f"{place.municipality} ({place.municipality_number})"),
        (_("Position"), position_text(place)),
    )


def position_text(place: Place) -> str:
    """Empty where it is not for the reader to know."""
    if place.lat is None or place.lon is None:
        return ""
    return _(
        "%(lat)s N, %(lon)s E",
        lat=number(place.lat, LATIN_DECIMALS, keep_zeros=True),
        lon=number(place.lon, LATIN_DECIMALS, keep_zeros=True),
    )


def price_text(terms: Terms) -> str:
    """The taker pays 45 kr/t, 22 500 kr for the whole quantity."""
    if terms.price_kind is PriceKind.FREE or terms.price_nok_per_t is None:
        return label(terms.price_kind)
    return _(
        "%(who)s %(price)s, %(total)s for the whole quantity, excl. VAT",
        who=label(terms.price_kind),
        price=nok_per_t(terms.price_nok_per_t),
        total=nok((terms.price_nok_per_t * terms.agreed_t).quantize(Decimal(1))),
    )


def haulage_text(terms: Terms) -> str:
    return f"{label(terms.haulage)}: {terms.haulier}" if terms.haulier else label(terms.haulage)


def tolerance_text(terms: Terms) -> str:
    return _("%(share)s, for what the weighbridge says", share=percent(terms.tolerance_percent / 100, 1))


def party_sheet(party: Party, *, role: str, contacts: Sequence[str], signed: Sequence[str]) -> PartySheet:
    return PartySheet(
        role=role,
        name=party.name,
        org_number=org_number_text(party.org_number),
        address=party.address,
        contacts=tuple(contacts),
        signed=tuple(signed),
    )


def recovery_sheet(lines: Sequence[RecoveryLine], *, comes_to: Recovery) -> RecoverySheet:
    return RecoverySheet(
        rows=tuple(_recovery_row(each) for each in lines),
        outcome=Notice(
            tone=RECOVERY_TONES[comes_to],
            title=translate(OUTCOMES[comes_to], {}),
            text=translate(CONSEQUENCES[comes_to], {}),
        ),
    )


def _recovery_row(line: RecoveryLine) -> RecoveryRow:
    return RecoveryRow(
        title=translate(TITLES[line.test], {}),
        answer=_("yes") if line.holds else _("no"),
        tone=Tone.GOOD if line.holds else Tone.BAD,
        evidence=line.evidence,
        answered=_("%(name)s, %(day)s", name=line.answered_by, day=date_(line.answered_at)),
        document=line.document.title if line.document else "",
        sha256=line.document.sha256 if line.document else "",
    )


def paper_rows(papers: Sequence[Paper]) -> tuple[PaperRow, ...]:
    return tuple(PaperRow(title=each.title, kind=label(each.kind), sha256=each.sha256) for each in papers)


def passport_url(lot: Lot) -> str:
    base_url: str = current_app.settings.base_url  # type: ignore[attr-defined]  # set by build_app
    return base_url + url_for("passports.show", token=lot.passport_token)


def mass_line(mass_t: Decimal, count: int) -> str:
    """312 t in 21 loads."""
    return ngettext("%(mass)s in %(num)s load", "%(mass)s in %(num)s loads", count, mass=exact_tonnes(mass_t))
