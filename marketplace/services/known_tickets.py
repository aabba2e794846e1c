"""Telling loads apart: which ticket of a deal a report repeats, if any."""

from collections.abc import Collection, Iterable
from uuid import UUID

from sqlalchemy import ARRAY, String, Uuid, any_, func, literal, or_, select
from sqlalchemy.orm import Session

from marketplace.errors import Conflict
from marketplace.i18n_marker import N_
from marketplace.models import Deal, Ticket
from marketplace.services.ticket_reports import TicketReport, says_the_same


class OtherTicket(Conflict):
    """The same number, or the same sending, was used for another load; `ticket` is what was reported first."""

    message = N_("Ticket %(number)s is here already, and says something else: %(mass_t)s t, %(vehicle)s.")

    def __init__(self, ticket: Ticket) -> None:
        super().__init__(None, number=ticket.number, mass_t=ticket.mass_t, vehicle=ticket.vehicle_registration)
        self.ticket = ticket


class KnownTickets:
    """The tickets of a deal that some reports could repeat, with all that was ever said of each load."""

    def __init__(self, versions: Iterable[Ticket], *, number_keys: dict[str, str]) -> None:
        self._number_keys = number_keys
        self._by_number: dict[str, list[Ticket]] = {}
        self._by_client_key: dict[UUID, Ticket] = {}
        for version in versions:
            self.add(version, number_key=number_keys.get(version.number))

    def number_key(self, number: str) -> str:
        """What is the same for two numbers that the database holds to be the same."""
        return self._number_keys[number]

    def add(self, ticket: Ticket, *, number_key: str | None = None) -> None:
        key = number_key or self._number_keys.setdefault(ticket.number, ticket.number.lower())
        self._by_number.setdefault(key, []).append(ticket)
        if ticket.client_key is not None:
            self._by_client_key[ticket.client_key] = ticket

    def repeated_by(self, report: TicketReport) -> Ticket | None:
        """The ticket that a report repeats, by its sender's key or by its number.

        Any version of a load will do: what was corrected since is not reported anew.

        Raises:
            OtherTicket: its key or number is another load's.
        """
        same_key = self._by_client_key.get(report.client_key) if report.client_key is not None else None
        if same_key is not None:
            if not says_the_same(report, same_key):
                raise OtherTicket(same_key)
            return same_key
        if not report.number:
            return None
        versions = self._by_number.get(self.number_key(report.number), [])
        for version in versions:
            if says_the_same(report, version):
                return version
        if versions:
            raise OtherTicket(versions[0])
        return None


def known_tickets(session: Session, deal: Deal, reports: Collection[TicketReport]) -> KnownTickets:
    """What is there of a deal that `reports`, checked already, could repeat; the deal is held, or it is a preview."""
    number_keys = _number_keys(session, {report.number for report in reports})
    client_keys = [report.client_key for report in reports if report.client_key is not None]
    could_be = [func.lower(Ticket.number) == any_(literal(list(set(number_keys.values())), ARRAY(String)))]
    if client_keys:
        could_be.append(Ticket.client_key == any_(literal(client_keys, ARRAY(Uuid))))
    found = session.execute(
        select(Ticket, func.lower(Ticket.number))
        .where(Ticket.deal_id == deal.id, or_(*could_be))
        .order_by(Ticket.is_current.desc(), Ticket.id.desc())
    ).all()
    return KnownTickets(
        [ticket for ticket, _key in found],
        number_keys=number_keys | {ticket.number: key for ticket, key in found},
    )


def _number_keys(session: Session, numbers: Collection[str]) -> dict[str, str]:
    """Each number as the index of the database has it, which knows better than Python what is a small letter."""
    if not numbers:
        return {}
    number = func.unnest(literal(sorted(numbers), ARRAY(String))).column_valued("number")
    return {row.number: row.key for row in session.execute(select(number, func.lower(number).label("key")))}
