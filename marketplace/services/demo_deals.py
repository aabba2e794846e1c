"""Deals of the demo region, one in each state, led there by the services that lead all deals.

So what is agreed, delivered and signed for obeys the rules that hold for everybody, and every notice and mail of the
way is there too.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.actor import Actor
from marketplace.clock import local_date
from marketplace.models import Deal, DealOffer, Facility, Listing, Project, Ticket
from marketplace.queries.statements import open_statement
from marketplace.services import deals, statements, tickets
from marketplace.services.deal_chains import propose_chain
from marketplace.services.deal_messages import send_message
from marketplace.services.deal_places import TakingPlace
from marketplace.services.deal_terms import OfferTerms
from marketplace.services.demo_rows import Row, number_of
from marketplace.services.recovery import Answer, answer_recovery
from marketplace.services.ticket_reports import TicketReport
from marketplace.storage import open_storage
from marketplace.types import Haulage, ListingKind, Loading, PriceKind, RecoveryTest

LOADS_A_DAY: Final = 12
FIRST_LOAD: Final = timedelta(hours=6)
BETWEEN_LOADS: Final = timedelta(minutes=35)
ESTIMATED_EACH: Final = 9
"""Of so many loads one was not weighed."""
HAULIER: Final = "Eksempel Massetransport AS"
PROJECT: Final = "project:"


def add_deals(
    session: Session,
    rows: list[dict[str, str]],
    steps: list[dict[str, str]],
    *,
    actors: Mapping[str, Actor],
    listings: Mapping[str, Listing],
    projects: Mapping[str, Project],
    now: datetime,
) -> int:
    """Make the deals and lead each to where its steps end; returns how many there are."""
    made: dict[str, Deal] = {}
    for row in rows:
        made |= _Opening(session, row, actors=actors, listings=listings, projects=projects, now=now).deals()
    for step in steps:
        _STEPS[step["action"]](session, actors[step["by"]], made[step["deal"]].id, step, _moment(step, now=now))
    deals.expire_offers(session, now=now)
    return len(made)


def _moment(row: Row, *, now: datetime) -> datetime:
    return now - timedelta(days=int(row["days_ago"]))


class _Opening:
    """The first request or offer of a row."""

    def __init__(
        self,
        session: Session,
        row: Row,
        *,
        actors: Mapping[str, Actor],
        listings: Mapping[str, Listing],
        projects: Mapping[str, Project],
        now: datetime,
    ) -> None:
        self.session, self.row, self.now = session, row, now
        self.actor, self.surplus = actors[row["by"]], listings[row["surplus"]]
        self.listings, self.projects = listings, projects
        self.at = _moment(row, now=now)

    def deals(self) -> dict[str, Deal]:
        key = self.row["key"]
        if self.row["kind"] == "chain":
            first, second = self._chain()
            return {key: first, f"{key}:2": second}
        return {key: self._request() if self.row["kind"] == "request" else self._offer()}

    def _request(self) -> Deal:
        return deals.request_deal(
            self.session,
            self.actor,
            surplus_id=self.surplus.id,
            taking=self._taking(),
            terms=self._terms(),
            message=self.row["message"],
            now=self.at,
        )

    def _offer(self) -> Deal:
        return deals.offer_surplus(
            self.session,
            self.actor,
            surplus_id=self.surplus.id,
            taking_listing_id=self.listings[self.row["taking"]].id,
            terms=self._terms(),
            message=self.row["message"],
            now=self.at,
        )

    def _chain(self) -> tuple[Deal, Deal]:
        first = self._terms()
        second = replace(
            first,
            starts_on=self._day("second_from_days"),
            ends_on=self._day("second_to_days"),
            price_kind=PriceKind.FREE,
            price_nok_per_t=None,
        )
        return propose_chain(
            self.session,
            self.actor,
            surplus_id=self.surplus.id,
            hub_listing_id=self._hub().id,
            taking=self._taking(),
            first_terms=first,
            second_terms=second,
            message=self.row["message"],
            now=self.at,
        )

    def _hub(self) -> Listing:
        """What the hub says that it takes in of the material."""
        query = (
            select(Listing)
            .join(Listing.facility)
            .where(Facility.key == self.row["hub"], Listing.kind == ListingKind.RECEPTION)
            .where(Listing.material_key == self.surplus.material_key)
        )
        return self.session.scalars(query).one()

    def _taking(self) -> TakingPlace:
        taking = self.row["taking"]
        if taking.startswith(PROJECT):
            project = self.projects[taking.removeprefix(PROJECT)]
            return TakingPlace(organisation_id=project.organisation_id, project_id=project.id)
        listing = self.listings[taking]
        return TakingPlace(organisation_id=listing.organisation_id, listing_id=listing.id)

    def _terms(self) -> OfferTerms:
        row = self.row
        return OfferTerms(
            entered_value=Decimal(row["quantity"]),
            starts_on=self._day("from_days"),
            ends_on=self._day("to_days"),
            price_kind=PriceKind(row["price_kind"]),
            price_nok_per_t=number_of(row["price_nok_per_t"]),
            loading=Loading(row["loading"]),
            haulage=Haulage(row["haulage"]),
            haulier=row["haulier"],
            access=row["access"],
            opening_hours=row["opening_hours"],
            note=row["note"],
            expires_in_days=int(row["expires_days"]),
        )

    def _day(self, name: str) -> date:
        return local_date(self.now) + timedelta(days=int(self.row[name]))


# Steps ------------------------------------------------------------------------------------------------------------

type _Step = Callable[[Session, Actor, int, Row, datetime], object]


def _counter(session: Session, actor: Actor, deal_id: int, step: Row, now: datetime) -> None:
    last = session.scalars(
        select(DealOffer).where(DealOffer.deal_id == deal_id).order_by(DealOffer.number.desc()).limit(1)
    ).one()
    price_kind = PriceKind(step["price_kind"]) if step["price_kind"] else last.price_kind
    price = number_of(step["price_nok_per_t"]) or last.price_nok_per_t
    terms = OfferTerms(
        entered_value=number_of(step["quantity"]) or last.mass_t,
        starts_on=last.starts_on,
        ends_on=local_date(now) + timedelta(days=int(step["to_days"])) if step["to_days"] else last.ends_on,
        price_kind=price_kind,
        price_nok_per_t=price if price_kind is not PriceKind.FREE else None,
        loading=last.loading,
        haulage=last.haulage,
        haulier=last.haulier,
        access=last.access,
        opening_hours=last.opening_hours,
        note=last.note,
    )
    deals.counter(session, actor, deal_id=deal_id, terms=terms, message=step["text"], now=now)


def _accept(session: Session, actor: Actor, deal_id: int, _step: Row, now: datetime) -> None:
    deals.accept(session, actor, deal_id=deal_id, now=now)


def _decline(session: Session, actor: Actor, deal_id: int, step: Row, now: datetime) -> None:
    deals.decline(session, actor, deal_id=deal_id, reason=step["text"], now=now)


def _withdraw(session: Session, actor: Actor, deal_id: int, step: Row, now: datetime) -> None:
    deals.withdraw(session, actor, deal_id=deal_id, reason=step["text"], now=now)


def _cancel(session: Session, actor: Actor, deal_id: int, step: Row, now: datetime) -> None:
    deals.cancel(session, actor, deal_id=deal_id, reason=step["text"], now=now)


def _message(session: Session, actor: Actor, deal_id: int, step: Row, now: datetime) -> None:
    send_message(session, actor, deal_id=deal_id, body=step["text"], now=now)


def _recovery(session: Session, actor: Actor, deal_id: int, step: Row, now: datetime) -> None:
    answers = [Answer(test=test, holds=True, evidence=step["text"]) for test in RecoveryTest]
    storage = open_storage("memory:")  # no file comes with them
    answer_recovery(session, actor, deal_id=deal_id, answers=answers, storage=storage, now=now)


def _loads(session: Session, actor: Actor, deal_id: int, step: Row, now: datetime) -> None:
    """Loads of a little more and a little less than the usual one, each with a slip's number."""
    for index in range(int(step["count"])):
        day, place = divmod(index, LOADS_A_DAY)
        loaded_at = now - FIRST_LOAD + timedelta(days=day) + BETWEEN_LOADS * (place - LOADS_A_DAY)
        report = TicketReport(
            number=f"S-{deal_id}{1001 + index}",
            loaded_at=loaded_at,
            vehicle_registration=f"EX1{index % 4:04d}",
            mass_t=Decimal(step["quantity"]) + Decimal(index * 7 % 11 - 5) / 10,
            is_weighed=index % ESTIMATED_EACH != ESTIMATED_EACH - 1,
            carrier=HAULIER,
        )
        tickets.add_ticket(session, actor, deal_id=deal_id, report=report, now=loaded_at + BETWEEN_LOADS)


def _tickets_of(session: Session, deal_id: int) -> list[int]:
    query = select(Ticket.id).where(Ticket.deal_id == deal_id, Ticket.is_current).order_by(Ticket.id)
    return list(session.scalars(query))


def _confirm(session: Session, actor: Actor, deal_id: int, step: Row, now: datetime) -> None:
    known = _tickets_of(session, deal_id)
    confirmed = known[: len(known) - int(step["count"] or 0)]
    tickets.confirm_tickets(session, actor, deal_id=deal_id, ticket_ids=confirmed, now=now)


def _dispute(session: Session, actor: Actor, deal_id: int, step: Row, now: datetime) -> None:
    last = _tickets_of(session, deal_id)[-1]
    tickets.dispute_ticket(session, actor, deal_id=deal_id, ticket_id=last, reason=step["text"], now=now)


def _statement(session: Session, actor: Actor, deal_id: int, step: Row, now: datetime) -> None:
    statements.draw_up(session, actor, deal_id=deal_id, deviation=step["text"], now=now)


def _sign(session: Session, actor: Actor, deal_id: int, _step: Row, now: datetime) -> None:
    waiting = open_statement(session, deal_id=deal_id)
    assert waiting is not None
    statements.sign(session, actor, deal_id=deal_id, statement_id=waiting.id, now=now)


_STEPS: Final[Mapping[str, _Step]] = {
    "counter": _counter,
    "accept": _accept,
    "decline": _decline,
    "withdraw": _withdraw,
    "cancel": _cancel,
    "message": _message,
    "recovery": _recovery,
    "loads": _loads,
    "confirm": _confirm,
    "dispute": _dispute,
    "statement": _statement,
    "sign": _sign,
}
