"""What the agreement of a deal says on paper: the terms that hold, between whom, and about what."""

from dataclasses import dataclass
from datetime import datetime

from flask_babel import gettext as _

from marketplace import clock, db
from marketplace.errors import NotFound
from marketplace.filters import date_, datetime_, number, period, tonnes
from marketplace.labels import label
from marketplace.models import Deal, DealOffer
from marketplace.printing import qr_svg
from marketplace.recovery import recovery_of
from marketplace.services.deal_actions import accepted_offer
from marketplace.services.quality import quality_of
from marketplace.services.statement_content import (
    destination_of,
    first_origin_of,
    lot_of,
    origin_of,
    party_of,
    recovery_answers,
    recovery_line,
    terms_of,
)
from marketplace.statement_values import Terms
from marketplace.types import DealStatus, Side
from marketplace.web.deal_places import contacts_of
from marketplace.web.deal_words import (
    PartySheet,
    RecoverySheet,
    class_text,
    facts,
    haulage_text,
    lot_facts,
    lot_title,
    lot_words,
    party_sheet,
    passport_url,
    place_facts,
    price_text,
    recovery_sheet,
    tolerance_text,
)
from marketplace.web.passport_proof import Tone
from marketplace.web.passport_sheet import Fact, Notice

AGREEMENTS = frozenset({DealStatus.AGREED, DealStatus.COMPLETED, DealStatus.CANCELLED})
"""The deals that have one: also one that was cancelled, since it once held."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgreementSheet:
    """All of the paper. `deal_terms` are the facts, `texts` what somebody wrote at length."""

    title: str
    material: str
    number: str
    mark: Notice
    notices: tuple[Notice, ...]
    watermark: str
    parties: tuple[PartySheet, ...]
    deal_terms: tuple[Fact, ...]
    texts: tuple[Fact, ...]
    lot: tuple[Fact, ...]
    proof_sha256: str
    origin: tuple[Fact, ...]
    destination: tuple[Fact, ...]
    lot_is_from: tuple[Fact, ...]
    recovery: RecoverySheet
    qr: str
    passport_url: str
    made_at: datetime
    as_of: str


def agreement_sheet(deal: Deal) -> AgreementSheet:
    """The agreement as it stands.

    Raises:
        NotFound: nothing has been agreed.
    """
    offer = accepted_offer(deal)
    if deal.status not in AGREEMENTS or offer is None:
        raise NotFound
    made_at = _last_change(deal, offer)
    lot = lot_of(deal.surplus, quality_of(db.session, deal.surplus, today=clock.local_date(clock.now())))
    answers = recovery_answers(db.session, deal)
    terms = terms_of(deal)
    url = passport_url(lot)
    return AgreementSheet(
        title=f"{tonnes(terms.agreed_t)} {lot_words(lot)}",
        material=lot_title(lot),
        number=str(deal.id),
        mark=_mark(deal, lot_class=class_text(lot)),
        notices=tuple(_notices(deal)),
        watermark=_("Cancelled") if deal.status is DealStatus.CANCELLED else "",
        parties=tuple(_party(deal, offer, side) for side in Side),
        deal_terms=_terms_facts(terms, offer),
        texts=facts(
            (_("Way in"), offer.access), (_("Opening hours"), offer.opening_hours), (_("Also agreed"), offer.note)
        ),
        lot=lot_facts(lot),
        proof_sha256=lot.proof_sha256,
        origin=place_facts(origin_of(deal)),
        destination=place_facts(destination_of(deal)),
        lot_is_from=place_facts(first_origin_of(db.session, deal)) if deal.source_deal_id is not None else (),
        recovery=recovery_sheet(
            [recovery_line(each) for each in answers],
            comes_to=recovery_of({each.test: each.holds for each in answers}),
        ),
        qr=qr_svg(url),
        passport_url=url,
        made_at=made_at,
        as_of=_("As it stood on %(day)s", day=datetime_(made_at)),
    )


def _terms_facts(terms: Terms, offer: DealOffer) -> tuple[Fact, ...]:
    entered = None
    if offer.density_t_m3 is not None:
        entered = _(
            "%(amount)s %(unit)s at %(density)s t/m³",
            amount=number(offer.entered_value, 3),
            unit=label(offer.entered_unit),
            density=number(offer.density_t_m3, 2, keep_zeros=True),
        )
    return facts(
        (_("Quantity"), tonnes(terms.agreed_t)),
        (_("Entered as"), entered),
        (_("Tolerance"), tolerance_text(terms)),
        (_("Period"), period((terms.starts_on, terms.ends_on))),
        (_("Price"), price_text(terms)),
        (_("Loading"), label(terms.loading)),
        (_("Haulage"), haulage_text(terms)),
    )


def _mark(deal: Deal, *, lot_class: str) -> Notice:
    assert deal.agreed_at is not None
    if deal.status is DealStatus.CANCELLED:
        return Notice(
            tone=Tone.BAD, title=_("Cancelled on %(day)s", day=date_(deal.ended_at)), text=deal.end_reason or ""
        )
    return Notice(tone=Tone.GOOD, title=_("Agreed on %(day)s", day=date_(deal.agreed_at)), text=lot_class)


def _notices(deal: Deal) -> list[Notice]:
    if not deal.is_example:
        return []
    return [
        Notice(
            tone=Tone.QUIET,
            title=_("Example data"),
            text=_("Everything in this agreement is invented, to show what one looks like."),
        )
    ]


def _party(deal: Deal, offer: DealOffer, side: Side) -> PartySheet:
    """Who made the offer has signed by making it, the other side by accepting it."""
    is_maker = offer.made_by is side
    person = offer.maker if is_maker else offer.answerer
    moment = offer.created_at if is_maker else offer.answered_at
    organisation = deal.giver_organisation if side is Side.GIVER else deal.taker_organisation
    return party_sheet(
        party_of(organisation),
        role=_("Giver") if side is Side.GIVER else _("Taker"),
        contacts=[f"{each.name}, {each.email}" for each in contacts_of(deal, side)],
        signed=(person.name, person.email, datetime_(moment)) if person else (),
    )


def _last_change(deal: Deal, offer: DealOffer) -> datetime:
    moments = [deal.agreed_at, deal.ended_at, offer.answered_at]
    moments += [each.answered_at for each in deal.recovery_answers]
    return max(each for each in moments if each is not None)
