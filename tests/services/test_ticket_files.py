"""Weighbridge files: what rows are understood as, and that each load counts once."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from io import BytesIO

import pytest
import xlsxwriter
from sqlalchemy import func, insert, select, text
from sqlalchemy.orm import Session

from marketplace.errors import Conflict, Forbidden, InvalidInput
from marketplace.models import Deal, Notice, Ticket, TicketFile
from marketplace.services.ticket_corrections import correct_ticket
from marketplace.services.ticket_files import (
    FileReading,
    RowState,
    apply_ticket_file,
    reading_of,
    stage_ticket_file,
)
from marketplace.services.ticket_reports import TicketReport
from marketplace.ticket_columns import MassUnit
from marketplace.types import DealEvent, DealStatus, Role, Side, TicketSource
from tests.conftest import NOW, QueryCounter
from tests.factories import Factory

HEAD = "Seddelnr;Dato;Klokkeslett;Reg.nr;Netto (t);Transportør"
ROWS = ("104233;01.03.2027;07:10;AB 12345;18,42;Bærum Transport", "104234;01.03.2027;07:25;EF 54321;17,9;")


class Desk:
    def __init__(self, make: Factory, session: Session) -> None:
        self.session, self.make = session, make
        self.deal = make.deal(status=DealStatus.AGREED, mass_t=100)
        self.giver = make.actor(make.member(self.deal.giver_organisation, role=Role.EDITOR))
        self.taker = make.actor(make.member(self.deal.taker_organisation, role=Role.EDITOR))

    def stage(self, *lines: str, content: bytes | None = None) -> TicketFile:
        data = content if content is not None else "\r\n".join(lines).encode("utf-8-sig")
        return stage_ticket_file(self.session, self.giver, deal=self.deal, file_name="vekt.csv", content=data, now=NOW)

    def read(self, *lines: str, content: bytes | None = None) -> FileReading:
        return reading_of(self.session, self.stage(*lines, content=content), now=NOW)

    def apply(self, *lines: str, only_good: bool = False) -> FileReading:
        staged = self.stage(*lines)
        return apply_ticket_file(self.session, self.giver, staged=staged, only_good=only_good, now=NOW)

    def delivered_t(self) -> Decimal:
        self.session.refresh(self.deal)
        return self.deal.delivered_t

    def count(self) -> int:
        return self.session.scalar(select(func.count()).select_from(Ticket)) or 0


@pytest.fixture
def desk(session: Session, make: Factory) -> Desk:
    return Desk(make, session)


def fields_of(refused: pytest.ExceptionInfo[InvalidInput]) -> list[str]:
    return [error.field for error in refused.value.errors]


def test_rows_become_loads_of_the_side_that_handed_them_in(desk: Desk, session: Session) -> None:
    reading = desk.apply(HEAD, *ROWS)
    assert reading.count(RowState.NEW) == 2
    first = session.scalars(select(Ticket).order_by(Ticket.id)).first()
    assert first is not None
    assert (first.number, first.vehicle_registration, first.carrier) == ("104233", "AB 12345", "Bærum Transport")
    assert (first.source, first.side, first.is_weighed) == (TicketSource.FILE, Side.GIVER, True)
    assert first.loaded_at == datetime(2027, 3, 1, 6, 10, tzinfo=UTC)
    assert desk.delivered_t() == Decimal("36.32")


def test_nothing_counts_before_it_is_confirmed(desk: Desk) -> None:
    assert desk.read(HEAD, *ROWS).new_t == Decimal("36.32")
    assert desk.count() == 0
    assert desk.delivered_t() == 0


def test_the_same_file_again_counts_nothing(desk: Desk) -> None:
    desk.apply(HEAD, *ROWS)
    again = desk.apply(HEAD, *ROWS)
    assert (again.count(RowState.NEW), again.count(RowState.KNOWN)) == (0, 2)
    assert desk.delivered_t() == Decimal("36.32")


def test_a_file_that_says_what_was_corrected_since_counts_nothing(desk: Desk, session: Session) -> None:
    desk.apply(HEAD, ROWS[0])
    first = session.scalars(select(Ticket)).one()
    report = TicketReport(
        number="104233",
        loaded_at=first.loaded_at,
        vehicle_registration="AB 12345",
        mass_t=Decimal(19),
        is_weighed=True,
    )
    correct_ticket(
        session, desk.giver, deal_id=desk.deal.id, ticket_id=first.id, report=report, reason="Feil vekt", now=NOW
    )
    states = [desk.read(HEAD, ROWS[0].replace("18,42", mass)).rows[0].state for mass in ("18,42", "19", "20")]
    assert states == [RowState.KNOWN, RowState.KNOWN, RowState.BAD]
    assert desk.apply(HEAD, *ROWS).count(RowState.NEW) == 1
    assert desk.delivered_t() == Decimal("36.9")


def test_numbers_differ_as_the_database_says(desk: Desk) -> None:
    desk.apply(HEAD, ROWS[0].replace("104233", "Å-1"))
    assert desk.read(HEAD, ROWS[0].replace("104233", "å-1")).count(RowState.KNOWN) == 1
    reading = desk.apply(HEAD, ROWS[1].replace("104234", "STRASSE"), ROWS[1].replace("104234", "straße"))
    assert reading.count(RowState.NEW) == 2


def test_a_file_is_told_of_once_with_how_many_loads_it_brought(desk: Desk, session: Session) -> None:
    desk.apply(HEAD, *ROWS)
    times = select(Notice.times).where(
        Notice.user_id == desk.deal.created_by_id, Notice.event == DealEvent.TICKET_ADDED
    )
    assert session.scalars(times).all() == [2]
    desk.apply(HEAD, ROWS[0], "104235;01.03.2027;07:40;AB 12345;18;")
    session.expire_all()
    assert session.scalars(times).all() == [3]


def test_a_file_asks_the_database_as_often_for_many_loads_as_for_one(
    desk: Desk, session: Session, count_queries: QueryCounter
) -> None:
    def asked(*numbers: int) -> int:
        staged = desk.stage(HEAD, *(f"{number};01.03.2027;07:10;AB 12345;3;" for number in numbers))
        session.expire_all()
        with count_queries() as queries:
            apply_ticket_file(session, desk.giver, staged=staged, only_good=False, now=NOW)
        return len(queries)

    assert asked(1) == asked(*range(2, 12))


def test_a_file_changes_its_deal_as_often_for_many_loads_as_for_one(desk: Desk, session: Session) -> None:
    """Each change of a row in one transaction makes the next one slower: thousands of them would take minutes."""
    changes = text("SELECT n_tup_upd FROM pg_stat_xact_user_tables WHERE relname = 'deal'")

    def changed(*numbers: int) -> int:
        before = session.scalar(changes)
        desk.apply(HEAD, *(f"{number};01.03.2027;07:10;AB 12345;3;" for number in numbers))
        return int(session.scalar(changes)) - int(before)

    assert changed(1) == changed(*range(2, 12)) > 0
    assert desk.delivered_t() == 33


def test_loads_of_several_deals_written_together_count_for_each(desk: Desk, session: Session, make: Factory) -> None:
    other = Desk(make, session)
    first, second = make.ticket(desk.deal, mass_t=1), make.ticket(other.deal, mass_t=2)
    copied = ("deal_id", "status", "source", "side", "loaded_at", "vehicle_registration", "mass_t", "is_weighed")
    copied += ("origin_name", "destination_name", "reported_by_id")
    rows = [{**{name: getattr(each, name) for name in copied}, "number": f"9{each.number}"} for each in (first, second)]
    session.execute(insert(Ticket).values(rows))
    assert (desk.delivered_t(), other.delivered_t()) == (2, 4)


def test_a_row_that_repeats_one_above_counts_once(desk: Desk) -> None:
    reading = desk.apply(HEAD, ROWS[0], ROWS[0])
    assert (reading.count(RowState.NEW), reading.count(RowState.REPEATED)) == (1, 1)
    assert desk.count() == 1


def test_a_number_that_says_something_else_is_shown_as_wrong(desk: Desk) -> None:
    desk.apply(HEAD, ROWS[0])
    reading = desk.read(HEAD, ROWS[0].replace("18,42", "19,42"), ROWS[1], ROWS[1].replace("17,9", "16"))
    assert [row.state for row in reading.rows] == [RowState.BAD, RowState.NEW, RowState.BAD]
    assert {problem.field for row in reading.rows for problem in row.problems} == {"number"}


def test_bad_rows_stop_the_file_unless_the_good_ones_are_asked_for(desk: Desk) -> None:
    bad = "104235;01.03.2027;07:40;AB 12345;mye;"
    with pytest.raises(InvalidInput) as refused:
        desk.apply(HEAD, ROWS[0], bad)
    assert fields_of(refused) == ["only_good"]
    assert desk.count() == 0
    assert desk.apply(HEAD, ROWS[0], bad, only_good=True).count(RowState.NEW) == 1
    assert desk.count() == 1


@pytest.mark.parametrize(
    ("row", "column"),
    [
        (";01.03.2027;07:10;AB 12345;18;", "number"),
        ("1;;07:10;AB 12345;18;", "day"),
        ("1;i dag;07:10;AB 12345;18;", "day"),
        ("1;01.03.2027;tidlig;AB 12345;18;", "time"),
        ("1;01.03.2027;07:10;;18;", "vehicle_registration"),
        ("1;01.03.2027;07:10;??;18;", "vehicle_registration"),
        ("1;01.03.2027;07:10;AB 12345;;", "net"),
        ("1;01.03.2027;07:10;AB 12345;-3;", "mass_t"),
        ("1;01.03.2027;07:10;AB 12345;=A1;", "net"),
        ("1;01.03.2029;07:10;AB 12345;18;", "loaded_at"),
        ("1;01.03.2020;07:10;AB 12345;18;", "loaded_at"),
        ("1;0001-01-01;00:00;AB 12345;18;", "day"),
        ("1;31.12.1999;23:59;AB 12345;18;", "day"),
        ("1;31.12.9999;23:59;AB 12345;18;", "loaded_at"),
    ],
)
def test_what_is_wrong_with_a_row_is_said_of_its_cell(desk: Desk, row: str, column: str) -> None:
    (read,) = desk.read(HEAD, row).rows
    assert read.state is RowState.BAD
    assert [problem.field for problem in read.problems] == [column]


def test_one_row_too_many_takes_in_none(desk: Desk, session: Session) -> None:
    rows = [f"{number};01.03.2027;07:10;AB 12345;30;" for number in range(4)]
    staged = desk.stage(HEAD, *rows)
    with pytest.raises(InvalidInput), session.begin_nested():
        apply_ticket_file(session, desk.giver, staged=staged, only_good=False, now=NOW)
    assert desk.count() == 0


# Units and ways of writing ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("heading", "cell", "unit"),
    [
        ("Netto (t)", "18,42", MassUnit.TONNES),
        ("Netto (kg)", "18420", MassUnit.KILOGRAMS),
        ("Netto kg", "18 420", MassUnit.KILOGRAMS),
        ("Nettovekt", "18420", MassUnit.KILOGRAMS),
        ("Nettovekt", "18.42", MassUnit.TONNES),
        ("Tonn", "18,420", MassUnit.TONNES),
    ],
)
def test_tonnes_and_kilograms_are_told_apart(desk: Desk, heading: str, cell: str, unit: MassUnit) -> None:
    reading = desk.read(f"Seddel;Dato;Bil;{heading}", f"1;2027-03-01 07:10;AB12345;{cell}")
    assert reading.unit is unit
    assert reading.new_t == Decimal("18.42")


def test_a_few_kilograms_are_hardly_a_load(desk: Desk) -> None:
    (row,) = desk.read("Seddel;Dato;Bil;Netto (kg)", "1;01.03.2027;AB12345;18").rows
    assert [problem.field for problem in row.problems] == ["net"]


def test_the_net_is_gross_less_tare_where_it_is_left_out(desk: Desk) -> None:
    reading = desk.read("Nr;Dato;Regnr;Brutto (kg);Tara (kg)", "1;01.03.2027;AB12345;32420;14000")
    assert reading.new_t == Decimal("18.42")


def test_a_tare_above_the_gross_is_told_with_both(desk: Desk) -> None:
    (row,) = desk.read("Seddelnr;Dato;Reg.nr;Brutto (t);Tara (t)", "1;01.03.2027;AB 12345;15,2;34,6").rows
    (problem,) = row.problems
    assert problem.field == "gross"
    assert problem.params == {"gross": Decimal("15.2"), "tare": Decimal("34.6")}


def test_estimated_loads_are_marked(desk: Desk) -> None:
    reading = desk.read("Nr;Dato;Regnr;Tonn;Veid", "1;01.03.2027;AB12345;18;nei", "2;01.03.2027;AB12345;18;")
    assert [row.report.is_weighed for row in reading.rows if row.report] == [False, True]


def test_a_spreadsheet_with_a_title_above_the_headings(desk: Desk) -> None:
    file = BytesIO()
    with xlsxwriter.Workbook(file) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["Veierapport mars 2027"])
        sheet.write_row(2, 0, ["Veieseddel", "Dato", "Kjøretøy", "Netto tonn"])
        sheet.write_row(3, 0, ["77", "01.03.2027", "AB 12345"])
        sheet.write_number(3, 3, 18.42)
    assert desk.read(content=file.getvalue()).new_t == Decimal("18.42")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"%PDF-1.7",
        b"hei",
        "Navn;Farge\r\nOla;gr\u00f8nn".encode(),
        b"Nr;Dato;Regnr\r\n1;01.03.2027;AB12345",
    ],
)
def test_what_is_no_table_of_loads_is_refused_beside_the_file(desk: Desk, content: bytes) -> None:
    with pytest.raises(InvalidInput) as refused:
        desk.stage(content=content)
    assert fields_of(refused) == ["file"]


# Who may ----------------------------------------------------------------------------------------------------------


def test_the_other_side_cannot_take_in_ones_file(desk: Desk, session: Session) -> None:
    staged = desk.stage(HEAD, *ROWS)
    with pytest.raises(Forbidden):
        apply_ticket_file(session, desk.taker, staged=staged, only_good=False, now=NOW)


def test_a_viewer_hands_in_nothing(desk: Desk, session: Session, make: Factory) -> None:
    viewer = make.actor(make.member(desk.deal.giver_organisation, role=Role.VIEWER))
    with pytest.raises(Forbidden):
        stage_ticket_file(session, viewer, deal=desk.deal, file_name="", content=HEAD.encode(), now=NOW)


def test_a_deal_that_is_over_takes_no_file(desk: Desk, session: Session, make: Factory) -> None:
    over: Deal = make.deal(desk.deal.giver_organisation, status=DealStatus.DECLINED)
    with pytest.raises(Conflict):
        stage_ticket_file(session, desk.giver, deal=over, file_name="", content=HEAD.encode(), now=NOW)


def test_files_that_lie_about_are_thrown_away(desk: Desk, session: Session) -> None:
    desk.stage(HEAD, *ROWS)
    stage_ticket_file(
        session,
        desk.giver,
        deal=desk.deal,
        file_name="",
        content="\n".join((HEAD, *ROWS)).encode(),
        now=NOW + timedelta(days=3),
    )
    assert session.scalar(select(func.count()).select_from(TicketFile)) == 1
