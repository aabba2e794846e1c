"""What a deal's statement says on paper: all of it from what was kept when it was drawn up and signed."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from flask_babel import gettext as _

from geo.impact import Method
from geo.quantities import Quantity
from marketplace.filters import date_, datetime_, percent, period
from marketplace.impact_wording import exact, rounded_range
from marketplace.labels import label
from marketplace.models import DealStatement
from marketplace.printing import qr_svg
from marketplace.statement_values import Avoided, StatementContent, TicketLine, from_json, statement_number
from marketplace.types import Side
from marketplace.web.deal_words import (
    PaperRow,
    PartySheet,
    RecoverySheet,
    class_text,
    decimals_of,
    exact_number,
    exact_tonnes,
    facts,
    haulage_text,
    lot_facts,
    lot_title,
    lot_words,
    mass_line,
    paper_rows,
    party_sheet,
    passport_url,
    place_facts,
    price_text,
    recovery_sheet,
    tolerance_text,
)
from marketplace.web.passport_proof import Tone
from marketplace.web.passport_sheet import Fact, Notice


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    name: str
    value: str
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketRow:
    number: str
    loaded: str
    vehicle: str
    mass: str
    is_weighed: bool
    weighed: str
    carrier: str
    confirmed: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ImpactRow:
    """A line of what was avoided."""

    name: str
    value: str
    range: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementSheet:
    """All of the paper."""

    title: str
    material: str
    number: str
    mark: Notice
    notices: tuple[Notice, ...]
    watermark: str
    figures: tuple[Figure, ...]
    deviation: str
    parties: tuple[PartySheet, ...]
    origin: tuple[Fact, ...]
    destination: tuple[Fact, ...]
    lot_is_from: tuple[Fact, ...]
    lot: tuple[Fact, ...]
    proof_sha256: str
    deal_terms: tuple[Fact, ...]
    papers: tuple[PaperRow, ...]
    recovery: RecoverySheet
    tickets: tuple[TicketRow, ...]
    ticket_sum: str
    avoided: tuple[ImpactRow, ...]
    avoided_facts: tuple[Fact, ...]
    avoided_note: str
    statement_sha256: str
    qr: str
    passport_url: str
    foot: str
    made_at: datetime


def statement_sheet(statement: DealStatement) -> StatementSheet:
    """The paper of a statement, signed by both or not yet."""
    content = from_json(statement.content)
    terms = content.terms
    url = passport_url(content.lot)
    decimals = decimals_of(each.mass_t for each in content.tickets)
    return StatementSheet(
        title=f"{exact_tonnes(content.delivered_t)} {lot_words(content.lot)}",
        material=lot_title(content.lot),
        number=str(content.deal_id),
        mark=_mark(statement, content),
        notices=tuple(_notices(content)),
        watermark="" if _is_signed_by_both(content) else _("Not signed by both"),
        figures=_figures(content),
        deviation=content.deviation,
        parties=tuple(_party(content, side) for side in Side),
        origin=place_facts(content.origin),
        destination=place_facts(content.destination),
        lot_is_from=place_facts(content.lot_is_from) if content.lot_is_from else (),
        lot=lot_facts(content.lot),
        proof_sha256=content.lot.proof_sha256,
        deal_terms=facts(
            (_("Agreed on"), date_(terms.agreed_at)),
            (_("Agreed period"), period((terms.starts_on, terms.ends_on))),
            (_("Tolerance"), tolerance_text(terms)),
            (_("Price"), price_text(terms)),
            (_("Loading"), label(terms.loading)),
            (_("Haulage"), haulage_text(terms)),
            (_("Driven"), _driven(content)),
        ),
        papers=paper_rows(content.papers),
        recovery=recovery_sheet(content.recovery, comes_to=content.recovery_comes_to),
        tickets=tuple(_ticket(each, decimals=decimals) for each in content.tickets),
        ticket_sum=exact_number(content.delivered_t, decimals=decimals),
        avoided=_avoided_rows(content.avoided),
        avoided_facts=_avoided_facts(content.avoided),
        avoided_note=_avoided_note(content.avoided),
        statement_sha256=statement_number(content),
        qr=qr_svg(url),
        passport_url=url,
        foot=_("What both have signed stands as it is.")
        if _is_signed_by_both(content)
        else _("Not signed by both: it may still be sent back."),
        made_at=max(each.signed_at for each in content.signatures),
    )


def _is_signed_by_both(content: StatementContent) -> bool:
    return len(content.signatures) == len(Side)


def _mark(statement: DealStatement, content: StatementContent) -> Notice:
    signed_on = date_(content.signatures[-1].signed_at)
    if _is_signed_by_both(content):
        return Notice(tone=Tone.GOOD, title=_("Signed by both, %(day)s", day=signed_on), text=class_text(content.lot))
    if statement.voided_at is not None:
        return Notice(
            tone=Tone.BAD, title=_("Void since %(day)s", day=date_(statement.voided_at)), text=statement.void_reason
        )
    waits_for = content.taker.name if content.signatures[0].side is Side.GIVER else content.giver.name
    return Notice(tone=Tone.WARNING, title=_("Waits for the signature of %(name)s", name=waits_for))


def _notices(content: StatementContent) -> Iterator[Notice]:
    if content.is_example:
        yield Notice(
            tone=Tone.QUIET,
            title=_("Example data"),
            text=_("Everything in this statement is invented, to show what one looks like."),
        )


def _figures(content: StatementContent) -> tuple[Figure, ...]:
    return (
        Figure(name=_("Agreed"), value=exact_tonnes(content.terms.agreed_t)),
        Figure(
            name=_("Delivered"),
            value=exact_tonnes(content.delivered_t),
            note=deviation_text(content.deviation_t, content.terms.agreed_t),
        ),
        Figure(name=_("Weighed"), value=mass_line(content.weighed_t, content.weighed_count)),
        Figure(name=_("Estimated"), value=mass_line(content.estimated_t, content.estimated_count)),
    )


def deviation_text(deviation_t: Decimal, agreed_t: Decimal) -> str:
    """12 t less than agreed (2,4 %)."""
    if not deviation_t:
        return _("as agreed")
    share = percent(abs(deviation_t) / agreed_t, 1)
    if deviation_t < 0:
        return _("%(mass)s less than agreed (%(share)s)", mass=exact_tonnes(-deviation_t), share=share)
    return _("%(mass)s more than agreed (%(share)s)", mass=exact_tonnes(deviation_t), share=share)


def _avoided_rows(avoided: Avoided | None) -> tuple[ImpactRow, ...]:
    if avoided is None:
        return ()
    return tuple(
        ImpactRow(
            name=label(each.measure),
            value=exact(each.measure, each.value),
            range=rounded_range(
                each.measure,
                Quantity(value=each.value, low=each.low, high=each.high, unit=each.measure.unit, source=""),
            ),
        )
        for each in avoided.lines
    )


def _avoided_facts(avoided: Avoided | None) -> tuple[Fact, ...]:
    if avoided is None:
        return ()
    is_road = avoided.method is Method.ROAD
    return facts(
        (_("Level of the resource pyramid"), label(avoided.level)),
        (_("Surplus would have gone to"), avoided.landfill or _("nobody")),
        (_("New material would have come from"), avoided.quarry or _("nobody")),
        (_("Distances"), _("By road") if is_road else _("Estimates: straight line times a factor")),
        (_("Factor set"), f"{avoided.factor_set_name} ({avoided.factor_set})"),
        (_("Record"), str(avoided.record_number)),
    )


def _avoided_note(avoided: Avoided | None) -> str:
    if avoided is None:
        return ""
    words = _(
        "Against what would have happened without the deal. A minus sign means that it adds."
        " Each line stands for itself."
    )
    if avoided.is_plausible:
        return words
    return words + " " + _("Outside 1 to 20 kg CO₂e a tonne, where published savings lie.")


def _driven(content: StatementContent) -> str:
    days = [each.loaded_at for each in content.tickets]
    first, last = date_(min(days)), date_(max(days))
    return first if first == last else f"{first} – {last}"


def _party(content: StatementContent, side: Side) -> PartySheet:
    signature = next((each for each in content.signatures if each.side is side), None)
    return party_sheet(
        content.giver if side is Side.GIVER else content.taker,
        role=_("Giver") if side is Side.GIVER else _("Taker"),
        contacts=(),
        signed=(signature.name, signature.email, datetime_(signature.signed_at)) if signature else (),
    )


def _ticket(line: TicketLine, *, decimals: int) -> TicketRow:
    return TicketRow(
        number=line.number,
        loaded=datetime_(line.loaded_at),
        vehicle=line.vehicle_registration,
        mass=exact_number(line.mass_t, decimals=decimals),
        is_weighed=line.is_weighed,
        weighed=_("weighed") if line.is_weighed else _("estimated"),
        carrier=line.carrier,
        confirmed=line.confirmed_by,
    )
