"""Whether the statement that waits for a signature still says what is so, and its end where it does not."""

from datetime import datetime

from sqlalchemy.orm import Session

from marketplace.models import Deal, DealStatement
from marketplace.queries.statements import load_sums, loads_that_count, open_statement
from marketplace.services.deal_events import DealEvent, tell
from marketplace.services.statement_content import terms_of, ticket_lines
from marketplace.statement_values import from_json, tickets_number


def void_if_changed(session: Session, deal: Deal, *, now: datetime) -> bool:
    """Void the statement that waits for a signature, where the loads or terms are not those it says; whether it was.

    Called, with the deal held, by whatever adds, corrects or disputes a load, or changes the terms.
    """
    statement = open_statement(session, deal_id=deal.id)
    if statement is None or is_still_true(session, deal, statement):
        return False
    statement.voided_at = now
    session.flush()
    tell(session, deal, DealEvent.STATEMENT_VOIDED, by=None, about_id=statement.id, now=now)
    return True


def is_still_true(session: Session, deal: Deal, statement: DealStatement) -> bool:
    """Whether the loads and the terms are those that a statement says."""
    session.flush()
    sums = load_sums(session, deal_id=deal.id)
    if sums.unconfirmed_count or sums.disputed_count or sums.count != statement.ticket_count:
        return False
    if from_json(statement.content).terms != terms_of(deal):
        return False
    loads = loads_that_count(session, deal_id=deal.id)
    return tickets_number(ticket_lines(session, loads)) == statement.tickets_sha256
