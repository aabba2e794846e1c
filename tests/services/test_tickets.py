"""Loads: counted once, never more than is left, confirmed by the other side and corrected by new rows."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from marketplace.actor import Actor
from marketplace.clock import local_date
from marketplace.errors import Conflict, Forbidden, InvalidInput, NotFound
from marketplace.models import Deal, GateLink, Notice, Ticket
from marketplace.services.bans import ban_organisation, unban_organisation
from marketplace.services.gate_links import (
    Gate,
    GateClosed,
    GateSigner,
    gate_of_token,
    make_gate_link,
    revoke_gate_link,
)
from marketplace.services.known_tickets import OtherTicket
from marketplace.services.links import DeadLink
from marketplace.services.ticket_corrections import correct_ticket, void_ticket
from marketplace.services.ticket_reports import TicketReport, normal_registration
from marketplace.services.tickets import (
    CorrectedMeanwhile,
    add_ticket,
    confirm_tickets,
    dispute_ticket,
    left_to_deliver_t,
)
from marketplace.storage import Storage, open_storage
from marketplace.types import (
    DealEvent,
    DealStatus,
    ListingStatus,
    PausedReason,
    Role,
    Side,
    TicketSource,
    TicketStatus,
)
from tests.conftest import NOW
from tests.factories import Factory
from tests.files import PDF, photo_from_phone

REPORT = TicketReport(
    number="1001",
    loaded_at=NOW - timedelta(minutes=20),
    vehicle_registration="AB 12345",
    mass_t=Decimal("17.24"),
    is_weighed=True,
)


class Desk:
    """An agreed deal of 100 t with a tolerance of 5 %, and an editor of either side."""

    def __init__(self, make: Factory, session: Session, **values: object) -> None:
        self.session, self.make = session, make
        self.deal = make.deal(status=DealStatus.AGREED, mass_t=100, **values)
        self.giver = make.actor(make.member(self.deal.giver_organisation, role=Role.EDITOR))
        self.taker = make.actor(make.member(self.deal.taker_organisation, role=Role.EDITOR))
        self.storage: Storage = open_storage("memory:")

    def report(self, by: Actor | Gate | None = None, **changes: object) -> Ticket:
        added = add_ticket(
            self.session,
            by or self.giver,
            deal_id=self.deal.id,
            report=replace(REPORT, **changes),  # type: ignore[arg-type]
            storage=self.storage,
            now=NOW,
        )
        return added.ticket

    def gate(self, by: Actor | None = None, *, days: int = 0) -> tuple[GateLink, Gate]:
        link = make_gate_link(
            self.session,
            by or self.giver,
            deal_id=self.deal.id,
            valid_on=local_date(NOW) + timedelta(days=days),
            now=NOW,
        )
        return link, Gate(link_id=link.id, deal_id=link.deal_id, side=link.side, valid_on=link.valid_on)

    @property
    def delivered_t(self) -> Decimal:
        self.session.refresh(self.deal)
        return self.deal.delivered_t

    def count(self) -> int:
        return self.session.scalar(select(func.count()).select_from(Ticket).where(Ticket.deal_id == self.deal.id)) or 0


@pytest.fixture
def desk(make: Factory, session: Session) -> Desk:
    return Desk(make, session)


def refused_field(refused: pytest.ExceptionInfo[InvalidInput]) -> list[str]:
    return [error.field for error in refused.value.errors]


# Reporting ------------------------------------------------------------------------------------------------------------


def test_a_load_counts_towards_what_is_delivered(desk: Desk) -> None:
    ticket = desk.report()
    assert desk.delivered_t == Decimal("17.24")
    assert (ticket.status, ticket.side, ticket.source) == (TicketStatus.REPORTED, Side.GIVER, TicketSource.TYPED)
    assert (ticket.origin_name, ticket.destination_name) == (desk.deal.origin_name, desk.deal.destination_name)


@pytest.mark.parametrize(
    "again",
    [
        pytest.param({}, id="the same"),
        pytest.param({"number": " 1001 "}, id="spaces"),
        pytest.param({"vehicle_registration": "ab-12345"}, id="vehicle written otherwise"),
        pytest.param({"note": "Sendt på nytt"}, id="another note"),
        pytest.param({"client_key": uuid4()}, id="another sending"),
    ],
)
def test_the_same_ticket_sent_twice_counts_once(desk: Desk, again: dict[str, object]) -> None:
    first = desk.report()
    assert desk.report(**again).id == first.id
    assert desk.delivered_t == Decimal("17.24")


def test_a_sending_is_known_by_its_key_also_without_a_number(desk: Desk) -> None:
    key = uuid4()
    first = desk.report(number="", client_key=key)
    assert desk.report(number="", client_key=key).id == first.id
    assert desk.count() == 1


def test_loads_without_a_slip_get_numbers_of_ours(desk: Desk) -> None:
    desk.report(number="L-2")
    numbers = [desk.report(number="", client_key=uuid4()).number for _ in range(2)]
    assert len({"L-2", *numbers}) == 3


@pytest.mark.parametrize(
    "other",
    [
        {"mass_t": Decimal("17.25")},
        {"vehicle_registration": "AB 12346"},
        {"is_weighed": False},
        {"loaded_at": NOW - timedelta(minutes=40)},
    ],
)
def test_another_load_under_the_same_number_is_shown_the_first(desk: Desk, other: dict[str, object]) -> None:
    first = desk.report()
    with pytest.raises(OtherTicket) as refused:
        desk.report(**other)
    assert refused.value.ticket.id == first.id
    assert desk.delivered_t == Decimal("17.24")


def test_a_number_is_only_unique_within_its_deal(desk: Desk, make: Factory, session: Session) -> None:
    desk.report()
    other = Desk(make, session)
    other.report()
    assert (desk.delivered_t, other.delivered_t) == (Decimal("17.24"), Decimal("17.24"))


def test_the_tolerance_can_be_driven_and_no_more(desk: Desk) -> None:
    desk.report(mass_t=Decimal(60))
    desk.report(number="1002", mass_t=Decimal("40.5"))
    assert left_to_deliver_t(desk.deal) == Decimal("4.5")
    with pytest.raises(InvalidInput) as refused:
        desk.report(number="1003", mass_t=Decimal("4.501"))
    (error,) = refused.value.errors
    assert (error.field, error.params["left_t"]) == ("mass_t", Decimal("4.5"))
    desk.report(number="1003", mass_t=Decimal("4.5"))
    assert desk.delivered_t == Decimal(105)


def test_no_lorry_is_turned_away_from_a_full_facility_within_the_tolerance(make: Factory, session: Session) -> None:
    operator = make.organisation()
    facility = make.facility(operator, capacity_t=100, capacity_left_t=100)
    desk = Desk(make, session, taker=operator, destination_facility_id=facility.id)
    desk.report(mass_t=Decimal(101))
    session.refresh(facility)
    assert (desk.delivered_t, facility.booked_peak_t) == (101, 100)


def test_a_correction_that_takes_room_which_others_were_promised_is_refused(make: Factory, session: Session) -> None:
    """What came before the operator said how much room there is, is in what was said; an earlier time takes it out."""
    operator = make.organisation()
    facility = make.facility(
        operator, capacity_t=100, capacity_left_t=100, capacity_reported_at=NOW - timedelta(minutes=10)
    )
    desk = Desk(make, session, taker=operator, destination_facility_id=facility.id)
    early = desk.report(mass_t=Decimal(90))
    facility.capacity_left_t = Decimal(10)
    session.flush()
    with pytest.raises(InvalidInput) as refused:
        correct(desk, early, mass_t=Decimal(80))
    assert refused_field(refused) == ["mass_t"]
    assert desk.delivered_t == Decimal(90)


def test_what_is_driven_beyond_the_agreement_takes_from_the_lot(make: Factory, session: Session) -> None:
    surplus = make.listing(mass_t=Decimal(103))
    desk = Desk(make, session, surplus=surplus)
    desk.report(mass_t=Decimal(103))
    session.refresh(surplus)
    assert (surplus.left_t, surplus.status, surplus.paused_reason) == (0, ListingStatus.PAUSED, PausedReason.FULL)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("mass_t", Decimal(0)),
        ("mass_t", Decimal(-3)),
        ("mass_t", Decimal("200.001")),
        ("mass_t", Decimal("0.0004")),
        ("mass_t", Decimal("NaN")),
        ("mass_t", Decimal("Infinity")),
        ("vehicle_registration", " "),
        ("vehicle_registration", "bilen til Per Olav Nordmann"),
        ("loaded_at", NOW + timedelta(minutes=16)),
        ("loaded_at", NOW - timedelta(days=400)),
        ("loaded_at", datetime(1, 1, 1, tzinfo=UTC)),
        ("loaded_at", datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14)))),
        ("loaded_at", datetime(9999, 12, 31, 23, tzinfo=timezone(-timedelta(hours=12)))),
        ("number", "9" * 61),
        ("carrier", "x" * 201),
        ("note", "x" * 2_001),
        ("slip", PDF),
        ("slip", b"\xff\xd8\xffno picture"),
    ],
)
def test_what_cannot_be_is_refused_beside_its_field(desk: Desk, field: str, value: object) -> None:
    with pytest.raises(InvalidInput) as refused:
        desk.report(**{field: value})
    assert refused_field(refused) == [field]
    assert desk.count() == 0


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("ab12345", "AB 12345"),
        ("AB 12345", "AB 12345"),
        ("a.b-123 45", "AB 12345"),
        ("hk 1234", "HK 1234"),
        ("ABC 123", "ABC123"),
        ("b-mw 2020", "BMW2020"),
        ("ÅSE", "ÅSE"),
        ("", None),
        ("A", None),
        ("AB 12345; DROP", None),
        ("🚚", None),
    ],
)
def test_registrations_are_kept_in_one_way(typed: str, kept: str | None) -> None:
    assert normal_registration(typed) == kept


@pytest.mark.parametrize("status", [each for each in DealStatus if each is not DealStatus.AGREED])
def test_loads_are_driven_for_agreed_deals_only(make: Factory, session: Session, status: DealStatus) -> None:
    deal = make.deal(status=status)
    giver = make.actor(make.member(deal.giver_organisation))
    with pytest.raises(Conflict):
        add_ticket(session, giver, deal_id=deal.id, report=REPORT, now=NOW)


def test_a_ticket_that_came_in_before_the_deal_was_completed_is_still_known(desk: Desk) -> None:
    first = desk.report()
    desk.deal.status, desk.deal.ended_at = DealStatus.COMPLETED, NOW
    desk.session.flush()
    assert desk.report().id == first.id


@pytest.mark.parametrize(
    "who",
    [
        lambda make, _deal: make.actor(),
        lambda make, deal: make.actor(make.member(deal.giver_organisation, role=Role.VIEWER)),
        lambda make, deal: make.actor(make.member(deal.taker_organisation, confirmed=False)),
    ],
    ids=["stranger", "viewer", "unconfirmed"],
)
def test_only_editors_of_the_two_sides_report(desk: Desk, make: Factory, who: Callable[[Factory, Deal], Actor]) -> None:
    with pytest.raises(Forbidden):
        desk.report(by=who(make, desk.deal))


def test_a_slip_keeps_neither_position_nor_owner(desk: Desk) -> None:
    ticket = desk.report(slip=photo_from_phone())
    assert ticket.slip_sha256 is not None
    content = b"".join(desk.storage.read(ticket.slip_sha256))
    assert len(content) == ticket.slip_size_bytes
    assert b"Telefon AS" not in content
    assert b"Exif" not in content
    assert desk.storage.exists(f"{ticket.slip_sha256}.thumbnail")


# Gates ----------------------------------------------------------------------------------------------------------------


def test_a_gate_reports_for_its_side(desk: Desk) -> None:
    link, gate = desk.gate()
    ticket = desk.report(by=gate)
    assert (ticket.source, ticket.gate_link_id, ticket.reported_by_id) == (TicketSource.GATE, link.id, None)
    assert ticket.side is Side.GIVER


def test_a_gate_is_for_its_own_deal(desk: Desk, make: Factory, session: Session) -> None:
    _, gate = desk.gate()
    with pytest.raises(NotFound):
        Desk(make, session).report(by=gate)


def test_a_withdrawn_link_takes_nothing_new_and_knows_what_it_took(desk: Desk) -> None:
    link, gate = desk.gate()
    first = desk.report(by=gate)
    revoke_gate_link(desk.session, desk.giver, deal_id=desk.deal.id, link_id=link.id, now=NOW)
    with pytest.raises(GateClosed):
        desk.report(by=gate, number="1002")
    assert desk.report(by=gate).id == first.id


def test_a_banned_organisations_link_takes_nothing_until_it_is_banned_no_more(
    desk: Desk, make: Factory, session: Session
) -> None:
    _, gate = desk.gate()
    moderator, banned_id = make.actor(make.user(is_admin=True)), desk.deal.giver_organisation_id
    ban_organisation(session, moderator, organisation_id=banned_id, reason="Falskt.", now=NOW)
    with pytest.raises(GateClosed):
        desk.report(by=gate)
    assert desk.count() == 0
    unban_organisation(session, moderator, organisation_id=banned_id, now=NOW)
    assert desk.report(by=gate).side is Side.GIVER


def test_the_gate_of_the_other_side_of_one_who_is_banned_goes_on(desk: Desk, session: Session) -> None:
    _, gate = desk.gate(by=desk.taker)
    desk.deal.giver_organisation.banned_at, desk.deal.giver_organisation.ban_reason = NOW, "Falskt."
    session.flush()
    assert desk.report(by=gate).side is Side.TAKER


def test_a_link_takes_loads_of_its_day_also_some_days_later(desk: Desk) -> None:
    _, gate = desk.gate()

    def send(days: int, number: str) -> Ticket:
        report = replace(REPORT, number=number)
        return add_ticket(
            desk.session, gate, deal_id=desk.deal.id, report=report, now=NOW + timedelta(days=days)
        ).ticket

    assert send(7, "1001").side is Side.GIVER
    with pytest.raises(GateClosed):
        send(8, "1002")


def test_a_link_takes_no_load_of_another_day(desk: Desk) -> None:
    _, gate = desk.gate()
    with pytest.raises(InvalidInput) as refused:
        desk.report(by=gate, loaded_at=NOW - timedelta(days=1))
    assert refused_field(refused) == ["loaded_at"]


@pytest.mark.parametrize("days", [-1, 400])
def test_a_link_is_for_a_day_on_which_loads_can_come(desk: Desk, days: int) -> None:
    with pytest.raises(InvalidInput) as refused:
        desk.gate(days=days)
    assert refused_field(refused) == ["valid_on"]


def test_the_other_side_cannot_withdraw_a_link(desk: Desk) -> None:
    link, _ = desk.gate()
    with pytest.raises(NotFound):
        revoke_gate_link(desk.session, desk.taker, deal_id=desk.deal.id, link_id=link.id, now=NOW)


def test_an_address_is_ours_or_nothing(desk: Desk) -> None:
    link, gate = desk.gate()
    signer = GateSigner("s" * 32)
    token = signer.sign(link)
    assert gate_of_token(desk.session, token, signer=signer)[0] == gate
    for wrong in (token[:-1], f"x{token}", GateSigner("t" * 32).sign(link), "", "a.b", "é" * 2_000):
        with pytest.raises(DeadLink):
            gate_of_token(desk.session, wrong, signer=signer)


def test_an_address_is_bound_to_the_day_it_was_made_for(desk: Desk) -> None:
    link, _ = desk.gate()
    token = GateSigner("s" * 32).sign(link)
    link.valid_on += timedelta(days=1)
    desk.session.flush()
    with pytest.raises(DeadLink):
        gate_of_token(desk.session, token, signer=GateSigner("s" * 32))


# Confirming and disputing ---------------------------------------------------------------------------------------------


def test_the_other_side_confirms_one_many_or_all(desk: Desk) -> None:
    ids = [desk.report(number=str(number), mass_t=Decimal(10)).id for number in range(5)]
    confirm = lambda chosen: confirm_tickets(  # noqa: E731 - said three times below
        desk.session, desk.taker, deal_id=desk.deal.id, ticket_ids=chosen, now=NOW
    )
    assert [confirm(ids[:1]), confirm(ids[:3]), confirm(None), confirm(None)] == [1, 2, 2, 0]
    tickets = desk.session.scalars(select(Ticket).where(Ticket.deal_id == desk.deal.id)).all()
    assert {(each.status, each.confirmed_by_id) for each in tickets} == {(TicketStatus.CONFIRMED, desk.taker.user_id)}


def test_very_many_are_confirmed_in_turns(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("marketplace.services.tickets.CONFIRMED_AT_ONCE", 2)
    first, *_rest = [desk.report(number=str(number), mass_t=Decimal(10)).id for number in range(3)]
    turns = [confirm_tickets(desk.session, desk.taker, deal_id=desk.deal.id, now=NOW) for _ in range(3)]
    assert turns == [2, 1, 0]
    assert desk.session.get_one(Ticket, first).status is TicketStatus.CONFIRMED


def test_nobody_confirms_what_their_own_side_reported(desk: Desk) -> None:
    ticket = desk.report()
    assert confirm_tickets(desk.session, desk.giver, deal_id=desk.deal.id, ticket_ids=[ticket.id], now=NOW) == 0
    taken = desk.report(by=desk.taker, number="1002")
    assert confirm_tickets(desk.session, desk.giver, deal_id=desk.deal.id, now=NOW) == 1
    desk.session.refresh(taken)
    assert taken.status is TicketStatus.CONFIRMED


def test_a_ticket_of_another_deal_is_not_confirmed_with_it(desk: Desk, make: Factory, session: Session) -> None:
    other = Desk(make, session).report()
    assert confirm_tickets(session, desk.taker, deal_id=desk.deal.id, ticket_ids=[other.id], now=NOW) == 0


def test_a_disputed_load_counts_until_it_is_put_right(desk: Desk) -> None:
    ticket = desk.report()
    dispute_ticket(
        desk.session, desk.taker, deal_id=desk.deal.id, ticket_id=ticket.id, reason="Kom aldri fram", now=NOW
    )
    assert (ticket.status, ticket.dispute_reason) == (TicketStatus.DISPUTED, "Kom aldri fram")
    assert desk.delivered_t == Decimal("17.24")
    assert confirm_tickets(desk.session, desk.taker, deal_id=desk.deal.id, now=NOW) == 0  # all means what is unsaid
    assert confirm_tickets(desk.session, desk.taker, deal_id=desk.deal.id, ticket_ids=[ticket.id], now=NOW) == 1


def test_a_dispute_says_why_and_comes_from_the_other_side(desk: Desk) -> None:
    ticket = desk.report()
    with pytest.raises(InvalidInput):
        dispute_ticket(desk.session, desk.taker, deal_id=desk.deal.id, ticket_id=ticket.id, reason=" ", now=NOW)
    with pytest.raises(Forbidden):
        dispute_ticket(desk.session, desk.giver, deal_id=desk.deal.id, ticket_id=ticket.id, reason="Nei", now=NOW)


# Corrections ----------------------------------------------------------------------------------------------------------


def correct(
    desk: Desk, ticket: Ticket, *, by: Actor | None = None, reason: str = "Feil vekt", **changes: object
) -> Ticket:
    return correct_ticket(
        desk.session,
        by or desk.giver,
        deal_id=desk.deal.id,
        ticket_id=ticket.id,
        report=replace(REPORT, **changes),  # type: ignore[arg-type]
        reason=reason,
        now=NOW,
    )


def test_a_correction_is_a_new_row_and_the_old_one_stays(desk: Desk) -> None:
    old = desk.report(slip=photo_from_phone())
    confirm_tickets(desk.session, desk.taker, deal_id=desk.deal.id, now=NOW)
    new = correct(desk, old, mass_t=Decimal("12.5"))
    desk.session.refresh(old)
    assert (old.mass_t, old.is_current, old.status) == (Decimal("17.24"), False, TicketStatus.CONFIRMED)
    assert (new.mass_t, new.is_current, new.status) == (Decimal("12.5"), True, TicketStatus.REPORTED)
    assert (new.corrects_id, new.slip_sha256, new.correction_reason) == (old.id, old.slip_sha256, "Feil vekt")
    assert desk.delivered_t == Decimal("12.5")


@pytest.mark.parametrize("is_disputed", [True, False])
def test_what_is_done_about_a_disputed_load_is_told_at_once(desk: Desk, is_disputed: bool) -> None:
    ticket = desk.report()
    if is_disputed:
        dispute_ticket(desk.session, desk.taker, deal_id=desk.deal.id, ticket_id=ticket.id, reason="Nei", now=NOW)
    corrected = correct(desk, ticket, mass_t=Decimal("12.5"))
    query = select(Notice).where(Notice.event == DealEvent.TICKET_CORRECTED, Notice.about_id == corrected.id)
    assert [each.mail_id is not None for each in desk.session.scalars(query)] == [is_disputed]


def test_a_load_can_be_corrected_up_to_what_is_left_without_it(desk: Desk) -> None:
    old = desk.report(mass_t=Decimal(100))
    with pytest.raises(InvalidInput):
        correct(desk, old, mass_t=Decimal("105.001"))
    correct(desk, old, mass_t=Decimal(105))
    assert desk.delivered_t == Decimal(105)


def test_what_was_corrected_is_not_counted_anew_when_it_is_sent_again(desk: Desk) -> None:
    old = desk.report()
    correct(desk, old, number="2002", mass_t=Decimal("12.5"))
    assert desk.report().id == old.id
    assert desk.delivered_t == Decimal("12.5")


def test_a_corrected_number_may_not_be_another_loads(desk: Desk) -> None:
    old = desk.report()
    desk.report(number="1002")
    with pytest.raises(OtherTicket):
        correct(desk, old, number="1002")
    back = correct(desk, correct(desk, old, number="1003"), number="1001")
    assert back.number == "1001"


def test_only_the_newest_row_is_corrected_and_only_by_who_reported(desk: Desk) -> None:
    old = desk.report()
    with pytest.raises(Forbidden):
        correct(desk, old, by=desk.taker)
    correct(desk, old, mass_t=Decimal(12))
    with pytest.raises(CorrectedMeanwhile):
        correct(desk, old, mass_t=Decimal(11))


def test_a_correction_sent_twice_is_made_once(desk: Desk) -> None:
    old, key = desk.report(), uuid4()
    first = correct(desk, old, mass_t=Decimal(12), client_key=key)
    assert correct(desk, old, mass_t=Decimal(12), client_key=key).id == first.id
    assert desk.count() == 2


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"mass_t": Decimal(11)}, id="another mass"),
        pytest.param({"note": "Kjørt om natten"}, id="another note"),
        pytest.param({"destination_name": "Tipp 2"}, id="another place"),
        pytest.param({"number": "1002"}, id="another number"),
        pytest.param({"reason": "Feil bil"}, id="another reason"),
    ],
)
def test_another_correction_under_the_same_key_is_not_dropped(desk: Desk, change: dict[str, Any]) -> None:
    old, key = desk.report(), uuid4()
    correct(desk, old, mass_t=Decimal(12), client_key=key)
    with pytest.raises(CorrectedMeanwhile):
        correct(desk, old, **{"mass_t": Decimal(12), "client_key": key, **change})


def test_a_correction_under_another_tickets_key_is_shown_that_ticket(desk: Desk) -> None:
    key = uuid4()
    first, second = desk.report(client_key=key), desk.report(number="1002")
    with pytest.raises(OtherTicket) as refused:
        correct(desk, second, number="1002", client_key=key)
    assert refused.value.ticket.id == first.id


def test_a_voided_load_counts_for_nothing_and_keeps_its_number(desk: Desk) -> None:
    old = desk.report()
    voided = void_ticket(
        desk.session, desk.giver, deal_id=desk.deal.id, ticket_id=old.id, reason="Kjørt et annet sted", now=NOW
    )
    assert (voided.status, voided.counted_t, desk.delivered_t) == (TicketStatus.VOIDED, 0, 0)
    assert desk.report().id == voided.id  # sent again, it does not come back
    assert desk.delivered_t == 0
    correct(desk, voided, reason="Den kom fram likevel")
    assert desk.delivered_t == Decimal("17.24")


@pytest.mark.parametrize("reason", ["", " \n", "x" * 2_001])
def test_a_correction_says_why(desk: Desk, reason: str) -> None:
    old = desk.report()
    with pytest.raises(InvalidInput) as refused:
        correct(desk, old, reason=reason)
    assert refused_field(refused) == ["reason"]
    assert desk.count() == 1
