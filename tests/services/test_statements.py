"""A deal ends with a statement that both sides sign, and that nothing can change under them."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from marketplace.errors import Conflict, Forbidden, InvalidInput
from marketplace.models import DealStatement, Listing, Notice, OutboxMail, Ticket
from marketplace.queries.statements import open_statement
from marketplace.recovery import Recovery
from marketplace.services.deals import OfferTerms, accept, counter
from marketplace.services.documents import SignedFor, add_document, remove_document
from marketplace.services.statement_changes import void_if_changed
from marketplace.services.statements import (
    DISPUTED_OF_THEIRS,
    OBSTACLES,
    NoStatement,
    NotReady,
    Obstacle,
    OtherStatement,
    SignedAlready,
    StatementIsThere,
    closing_of,
    draw_up,
    obstacle_words,
    send_back,
    sign,
)
from marketplace.statement_values import from_json, statement_number, to_json
from marketplace.storage import open_storage
from marketplace.types import (
    DealEvent,
    DealStatus,
    Documentation,
    DocumentKind,
    ListingStatus,
    Role,
    Side,
    TicketStatus,
)
from tests.closing import Closing, closing_deal
from tests.conftest import NOW
from tests.factories import Factory
from tests.files import PDF

LATER = NOW + timedelta(days=1)


@pytest.fixture
def ending(session: Session, make: Factory) -> Closing:
    """490 t of 500 t in 40 loads, everything confirmed and answered."""
    closing = closing_deal(session, make)
    closing.loads(30, "12.25")
    closing.loads(10, "12.25", is_weighed=False)
    closing.answer()
    return closing


def drawn_up(closing: Closing, **values: str) -> DealStatement:
    return draw_up(closing.session, closing.giver, deal_id=closing.deal.id, now=NOW, **values)


def signed(closing: Closing, statement: DealStatement) -> DealStatement:
    return sign(closing.session, closing.taker, deal_id=closing.deal.id, statement_id=statement.id, now=LATER)


# Drawing it up ----------------------------------------------------------------------------------------------------


def test_a_statement_adds_up_what_counts_and_is_signed_by_who_drew_it_up(ending: Closing) -> None:
    statement = drawn_up(ending)
    content = from_json(statement.content)

    assert (statement.delivered_t, statement.ticket_count) == (Decimal(490), 40)
    assert (content.weighed_t, content.weighed_count) == (Decimal("367.500"), 30)
    assert (content.estimated_t, content.estimated_count) == (Decimal("122.500"), 10)
    assert sum(each.mass_t for each in content.tickets) == statement.delivered_t
    assert [each.side for each in content.signatures] == [Side.GIVER]
    assert content.signatures[0].name == "Kari Giver"
    assert statement.giver_signed_at == NOW
    assert statement.taker_signed_at is None
    assert ending.deal.status is DealStatus.AGREED


def test_what_was_corrected_or_voided_is_left_out(ending: Closing) -> None:
    old = ending.load(5, is_current=False)
    ending.load(6, corrects_id=old.id)
    ending.load(7, status=TicketStatus.VOIDED, confirmed_at=None, confirmed_by_id=None)
    content = from_json(drawn_up(ending).content)
    assert (content.delivered_t, len(content.tickets)) == (Decimal(496), 41)
    assert [each.mass_t for each in content.tickets if each.is_correction] == [Decimal(6)]


@pytest.mark.parametrize(
    ("status", "obstacle"),
    [(TicketStatus.REPORTED, Obstacle.UNCONFIRMED), (TicketStatus.DISPUTED, Obstacle.DISPUTED)],
)
def test_no_load_may_be_left_unconfirmed_or_disputed(ending: Closing, status: TicketStatus, obstacle: Obstacle) -> None:
    ending.load(3, status=status)
    assert closing_of(ending.session, ending.deal).obstacles == (obstacle,)
    with pytest.raises(NotReady):
        drawn_up(ending)


def test_only_who_reported_a_disputed_load_is_told_to_correct_it(ending: Closing) -> None:
    ending.load(3, status=TicketStatus.DISPUTED)
    closing = closing_of(ending.session, ending.deal)
    assert obstacle_words(closing, [Side.GIVER]) == (OBSTACLES[Obstacle.DISPUTED],)
    assert obstacle_words(closing, [Side.TAKER]) == (DISPUTED_OF_THEIRS,)
    with pytest.raises(NotReady, match="other side reported them"):
        draw_up(ending.session, ending.taker, deal_id=ending.deal.id, now=NOW)


def test_the_tests_of_recovery_must_be_answered(session: Session, make: Factory) -> None:
    closing = closing_deal(session, make)
    closing.loads(4, 120)
    assert closing_of(session, closing.deal).obstacles == (Obstacle.RECOVERY_UNANSWERED,)
    with pytest.raises(NotReady):
        drawn_up(closing)


def test_a_use_that_is_no_recovery_can_be_closed_too_and_says_so(session: Session, make: Factory) -> None:
    closing = closing_deal(session, make)
    closing.loads(40, "12.25")
    closing.answer(quantity_matches_need=False)
    content = from_json(drawn_up(closing).content)
    assert content.recovery_comes_to is Recovery.NOT_RECOVERY
    assert not content.recovery_comes_to.credits_virgin_material


def test_nothing_delivered_is_nothing_to_sign(session: Session, make: Factory) -> None:
    closing = closing_deal(session, make)
    closing.answer()
    assert closing_of(session, closing.deal).obstacles == (Obstacle.NOTHING_DELIVERED,)


@pytest.mark.parametrize(("delivered", "must"), [("475", False), ("474.999", True), ("525", False)])
def test_a_deviation_outside_the_tolerance_is_explained(
    session: Session, make: Factory, delivered: str, must: bool
) -> None:
    closing = closing_deal(session, make)
    rest = Decimal(delivered) - 3 * 150
    closing.loads(3, 150)
    closing.load(rest)
    closing.answer()
    assert closing_of(session, closing.deal).must_explain is must
    if must:
        with pytest.raises(InvalidInput) as refused:
            drawn_up(closing, deviation="  ")
        assert [each.field for each in refused.value.errors] == ["deviation"]
    said = "Fjellet tok slutt" if must else ""
    assert from_json(drawn_up(closing, deviation=said).content).deviation == said


def test_there_is_one_statement_at_a_time(ending: Closing) -> None:
    drawn_up(ending)
    with pytest.raises(StatementIsThere):
        draw_up(ending.session, ending.taker, deal_id=ending.deal.id, now=NOW)


def test_either_side_draws_it_up_and_nobody_else(ending: Closing) -> None:
    stranger = ending.make.actor()
    viewer = ending.make.actor(ending.make.member(ending.deal.taker_organisation, role=Role.VIEWER))
    unconfirmed = ending.make.actor(ending.make.member(ending.deal.taker_organisation, confirmed=False))
    for actor in (stranger, viewer, unconfirmed):
        with pytest.raises(Forbidden):
            draw_up(ending.session, actor, deal_id=ending.deal.id, now=NOW)
    statement = draw_up(ending.session, ending.taker, deal_id=ending.deal.id, now=NOW)
    assert statement.taker_signed_at == NOW


# Signing it -------------------------------------------------------------------------------------------------------


def test_both_signatures_complete_the_deal_and_free_what_was_not_delivered(ending: Closing) -> None:
    surplus = ending.deal.surplus
    ending.session.refresh(surplus)
    assert surplus.committed_t == 500
    statement = signed(ending, drawn_up(ending))
    ending.session.refresh(surplus)

    assert ending.deal.status is DealStatus.COMPLETED
    assert ending.deal.ended_at == LATER
    assert (surplus.committed_t, surplus.left_t) == (490, 510)
    assert [each.name for each in from_json(statement.content).signatures] == ["Kari Giver", "Ola Taker"]


def test_a_listing_that_was_full_is_in_sight_again(session: Session, make: Factory) -> None:
    closing = closing_deal(session, make, mass_t=1000)
    surplus = closing.deal.surplus
    surplus.status, surplus.paused_reason = ListingStatus.PAUSED, "full"
    closing.loads(6, 150)
    closing.answer()
    signed(closing, drawn_up(closing, deviation="Mindre enn ventet"))
    session.refresh(surplus)
    assert surplus.left_t == 100
    assert surplus.status is ListingStatus.PUBLISHED


def test_who_drew_it_up_cannot_sign_for_the_other_side(ending: Closing) -> None:
    statement = drawn_up(ending)
    with pytest.raises(SignedAlready):
        sign(ending.session, ending.giver, deal_id=ending.deal.id, statement_id=statement.id, now=NOW)


def test_nobody_signs_another_statement_than_they_read(ending: Closing) -> None:
    first = drawn_up(ending)
    send_back(ending.session, ending.taker, deal_id=ending.deal.id, statement_id=first.id, reason="Feil dato", now=NOW)
    with pytest.raises(NoStatement):
        signed(ending, first)
    drawn_up(ending)
    with pytest.raises(OtherStatement):
        signed(ending, first)


def test_a_completed_deal_takes_no_statement_any_more(ending: Closing) -> None:
    signed(ending, drawn_up(ending))
    with pytest.raises(Conflict):
        drawn_up(ending)


# Sending it back, and what makes it void ----------------------------------------------------------------------------


def test_sent_back_with_a_reason_another_one_can_be_drawn_up(ending: Closing) -> None:
    statement = drawn_up(ending)
    with pytest.raises(InvalidInput) as refused:
        send_back(ending.session, ending.taker, deal_id=ending.deal.id, statement_id=statement.id, reason=" ", now=NOW)
    assert [each.field for each in refused.value.errors] == ["reason"]
    send_back(
        ending.session, ending.taker, deal_id=ending.deal.id, statement_id=statement.id, reason="Feil dato", now=NOW
    )
    assert (statement.voided_at, statement.void_reason) == (NOW, "Feil dato")
    assert statement.voided_by_id == ending.taker_user.id
    assert drawn_up(ending).id != statement.id


def test_the_other_side_is_told(ending: Closing) -> None:
    drawn_up(ending)
    told = ending.session.scalars(select(OutboxMail.recipient)).all()
    assert told == [ending.taker_user.email]


@pytest.mark.parametrize("change", ["added", "corrected", "disputed"])
def test_what_is_changed_after_one_signature_makes_it_void(ending: Closing, change: str) -> None:
    statement = drawn_up(ending)
    _change(ending, change)
    assert void_if_changed(ending.session, ending.deal, now=LATER)
    assert statement.voided_at == LATER
    assert statement.voided_by_id is None


def test_new_terms_void_what_one_side_has_signed_once_they_are_agreed(ending: Closing) -> None:
    statement = drawn_up(ending)
    deal = ending.deal
    terms = OfferTerms(
        entered_value=deal.agreed_t, starts_on=deal.agreed_from, ends_on=deal.agreed_to + timedelta(days=7)
    )
    counter(ending.session, ending.giver, deal_id=deal.id, terms=terms, now=NOW)
    assert statement.voided_at is None
    accept(ending.session, ending.taker, deal_id=deal.id, now=LATER)
    assert (statement.voided_at, statement.voided_by_id) == (LATER, None)
    assert open_statement(ending.session, deal_id=deal.id) is None
    told = select(Notice.user_id).where(Notice.event == DealEvent.STATEMENT_VOIDED, Notice.about_id == statement.id)
    assert set(ending.session.scalars(told)) == {ending.giver_user.id, ending.taker_user.id}


@pytest.mark.parametrize("change", ["added", "corrected", "disputed", "terms"])
def test_nobody_signs_for_other_loads_than_it_lists_even_where_nothing_voided_it(ending: Closing, change: str) -> None:
    statement = drawn_up(ending)
    _change(ending, change)
    signed(ending, statement)
    assert statement.voided_at == LATER
    assert statement.taker_signed_at is None
    assert ending.deal.status is DealStatus.AGREED


def _change(ending: Closing, change: str) -> None:
    ticket = ending.session.scalars(select(Ticket).where(Ticket.deal_id == ending.deal.id).limit(1)).one()
    if change == "added":
        ending.load(1)
    elif change == "corrected":
        ticket.is_current = False
        ending.session.flush()
        ending.load(ticket.mass_t, number=ticket.number, corrects_id=ticket.id, vehicle_registration="ZZ 99999")
    elif change == "disputed":
        ticket.status, ticket.confirmed_at, ticket.disputed_at = TicketStatus.DISPUTED, None, NOW
    else:
        ending.deal.agreed_to += timedelta(days=7)
    ending.session.flush()


def test_what_changes_nothing_it_says_leaves_it_standing(ending: Closing) -> None:
    statement = drawn_up(ending)
    ending.giver_user.name = "Kari Gift Giver"
    ending.session.flush()
    assert not void_if_changed(ending.session, ending.deal, now=LATER)
    assert signed(ending, statement).taker_signed_at == LATER


# Kept as it was -----------------------------------------------------------------------------------------------------


def test_it_says_the_same_whatever_becomes_of_what_it_is_about(ending: Closing) -> None:
    statement = signed(ending, drawn_up(ending))
    before = to_json(from_json(statement.content))
    ending.deal.giver_organisation.name = "Noe helt annet AS"
    lot = ending.session.get_one(Listing, ending.deal.surplus_id)
    lot.documentation = Documentation.TESTED
    ending.deal.origin_name = "Et annet sted"
    ending.session.flush()
    ending.session.expire_all()

    kept = ending.session.get_one(DealStatement, statement.id)
    assert to_json(from_json(kept.content)) == before
    assert from_json(kept.content).giver.name == "Fjell og Grus AS"


@pytest.mark.parametrize("statement", ["UPDATE deal_statement SET deviation = 'x'", "DELETE FROM deal_statement"])
def test_the_database_lets_nobody_change_what_both_have_signed(ending: Closing, statement: str) -> None:
    signed(ending, drawn_up(ending))
    with pytest.raises(DBAPIError, match="never"), ending.session.begin_nested():
        ending.session.execute(text(statement))


def test_its_number_is_that_of_what_is_signed_and_not_of_the_signatures(ending: Closing) -> None:
    statement = drawn_up(ending)
    number = statement_number(from_json(statement.content))
    content = from_json(signed(ending, statement).content)
    assert statement_number(content) == number
    assert statement_number(replace(content, deviation="x")) != number


def test_a_document_that_a_statement_names_is_not_taken_away(ending: Closing) -> None:
    surplus = ending.deal.surplus
    owner = ending.make.actor(ending.make.member(surplus.organisation))
    document = add_document(
        ending.session,
        owner,
        listing_id=surplus.id,
        kind=DocumentKind.CERTIFICATE,
        file_name="sertifikat.pdf",
        content=PDF,
        upload_id=uuid4(),
        storage=open_storage("memory:"),
        now=NOW,
    )
    statement = drawn_up(ending)
    assert [each.sha256 for each in from_json(statement.content).papers] == [document.sha256]
    with pytest.raises(SignedFor):
        remove_document(ending.session, owner, document_id=document.id, now=NOW)
    statement.voided_at = NOW
    ending.session.flush()
    assert remove_document(ending.session, owner, document_id=document.id, now=NOW).removed_at == NOW
