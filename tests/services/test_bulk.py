"""Files of listings: taken in, checked row by row, applied, and sent again."""

import csv
import io
import tracemalloc
from collections.abc import Callable, Sequence
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
import xlsxwriter
from sqlalchemy import Engine, func, select, text
from sqlalchemy.orm import Session

from marketplace.actor import Actor
from marketplace.db import make_sessions
from marketplace.errors import Conflict, Forbidden, InvalidInput
from marketplace.models import Declaration, ImportBatch, ImportRow, Listing, Organisation, Project
from marketplace.services import bulk, bulk_staging
from marketplace.services.bulk_staging import GivenFile, MissingColumns, Staged
from marketplace.services.listings import close_listing, publish_listing
from marketplace.types import (
    Documentation,
    ImportKind,
    ImportRowStatus,
    ImportStatus,
    ListingKind,
    ListingStatus,
    PausedReason,
    PriceKind,
    Role,
)
from tests.conftest import NOW
from tests.factories import Factory

GOOD = {
    "Referanse": "A-1",
    "Type": "Behov",
    "Breddegrad": "59,8906",
    "Lengdegrad": "10,5266",
    "Materiale": "Sprengstein",
    "Mengde": "12 000",
    "Enhet": "tonn",
    "Fra dato": "01.04.2027",
    "Til dato": "2027-08-31",
}
CLEAN = {
    "Type": "Overskudd",
    "Grunnlag for rene masser": "Urørt fjell, rapport 12",
    "Ikke syredannende": "ja",
    "Hvem svarer for det": "Kari Nordmann",
}


def row(**changed: str) -> dict[str, str]:
    """A row that is good, but for what is changed; headings with spaces are given with underscores."""
    return {**GOOD, **{name.replace("_", " "): value for name, value in changed.items()}}


def csv_file(rows: Sequence[dict[str, str]], *, delimiter: str = ";", encoding: str = "utf-8-sig") -> bytes:
    headings = list(dict.fromkeys(heading for each in rows for heading in each))
    written = io.StringIO()
    writer = csv.DictWriter(written, headings, delimiter=delimiter, restval="")
    writer.writeheader()
    writer.writerows(rows)
    return written.getvalue().encode(encoding)


def xlsx_file(rows: Sequence[Sequence[object]]) -> bytes:
    written = io.BytesIO()
    with xlsxwriter.Workbook(written, {"in_memory": True}) as book:
        sheet = book.add_worksheet()
        day = book.add_format({"num_format": "dd.mm.yyyy"})
        for number, cells in enumerate(rows):
            for column, cell in enumerate(cells):
                if isinstance(cell, timedelta):
                    sheet.write_number(number, column, cell.days, day)
                else:
                    sheet.write(number, column, cell)
    return written.getvalue()


@pytest.fixture
def organisation(make: Factory) -> Organisation:
    return make.organisation()


@pytest.fixture
def editor(make: Factory, organisation: Organisation) -> Actor:
    return make.actor(make.member(organisation, role=Role.EDITOR))


def stage(session: Session, actor: Actor, data: bytes, *, name: str = "masser.csv") -> Staged:
    given = GivenFile(data=io.BytesIO(data), name=name, decimal_sign=",")
    return bulk_staging.stage_file(
        session, actor, organisation_id=actor.memberships[0].organisation_id, kind=ImportKind.LISTINGS, given=given
    )


def check(session: Session, batch: ImportBatch) -> ImportBatch:
    while bulk.check_chunk(session, batch_id=batch.id, now=NOW):
        pass
    session.flush()
    return batch


def apply(session: Session, actor: Actor, batch: ImportBatch) -> ImportBatch:
    bulk.request_apply(session, actor, batch_id=batch.id)
    session.flush()
    assert actor.user_id is not None
    while bulk.apply_chunk(session, batch_id=batch.id, user_id=actor.user_id, now=NOW):
        pass
    session.flush()
    return batch


def send(session: Session, actor: Actor, rows: Sequence[dict[str, str]]) -> ImportBatch:
    """Rows all the way in."""
    return apply(session, actor, check(session, stage(session, actor, csv_file(rows)).batch))


def rows_of(session: Session, batch: ImportBatch) -> list[ImportRow]:
    query = select(ImportRow).where(ImportRow.batch_id == batch.id).order_by(ImportRow.line)
    return list(session.scalars(query.execution_options(populate_existing=True)))


def problems_of(session: Session, batch: ImportBatch) -> list[tuple[int, str, str]]:
    return [
        (each.line, problem["column"], problem["message"])
        for each in rows_of(session, batch)
        for problem in each.problems
    ]


def listings(session: Session, organisation: Organisation) -> list[Listing]:
    query = select(Listing).where(Listing.organisation_id == organisation.id).order_by(Listing.id)
    return list(session.scalars(query.execution_options(populate_existing=True)))


def problems_with(session: Session, actor: Actor, **changed: str) -> list[tuple[str, str]]:
    batch = check(session, stage(session, actor, csv_file([row(**changed)])).batch)
    return [(column, message) for _, column, message in problems_of(session, batch)]


# From a file to listings ------------------------------------------------------------------------------------------


def test_a_row_becomes_a_draft_with_all_it_says(
    session: Session, make: Factory, organisation: Organisation, editor: Actor
) -> None:
    project = make.project(organisation, name="E18 Vestkorridoren", builder="Vegvesenet")
    batch = send(
        session,
        editor,
        [
            {
                **row(Referanse="E18-014", Type="overskudd", Mengde="1.200,5", Enhet="pfm3"),
                "Prosjekt": "e18 vestkorridoren",
                "Breddegrad": "",
                "Lengdegrad": "",
                "Fraksjon": "22-120",
                "Minste parti": "500",
                "Hvem betaler": "Mottaker betaler",
                "Pris per tonn": "12,50",
                "Beskrivelse": "Ligger i haug",
            }
        ],
    )
    [listing] = listings(session, organisation)
    assert batch.status is ImportStatus.APPLIED
    assert (listing.kind, listing.status) == (ListingKind.SURPLUS, ListingStatus.DRAFT)
    assert listing.external_reference == "E18-014"
    assert (listing.project_id, listing.has_own_position) == (project.id, False)
    assert listing.entered_value == Decimal("1200.5")
    assert listing.mass_t > listing.entered_value
    assert listing.fraction_mm == (Decimal(22), Decimal(120))
    assert (listing.price_kind, listing.price_nok_per_t) == (PriceKind.TAKER_PAYS, Decimal("12.50"))
    assert listing.municipality_number == "3201"
    assert "vegvesenet" in listing.search_text.lower()
    assert listing.created_by_id == editor.user_id


def test_english_headings_in_any_order_and_below_titles_are_understood(
    session: Session, organisation: Organisation, editor: Actor
) -> None:
    data = xlsx_file(
        [
            ["Masses from the north shaft"],
            [],
            ["", "Period", "", "What"],
            ["To", "From", "KIND *", "Material", "Unit (see sheet 2)", "Quantity", "Lat", "lon", "Our own notes"],
            [timedelta(46630), timedelta(46500), "demand", "gravel", "t", 1234.567, 59.8906, 10.5266, "not read"],
        ]
    )
    batch = check(session, stage(session, editor, data, name="x.xlsx").batch)
    assert problems_of(session, batch) == []
    apply(session, editor, batch)
    [listing] = listings(session, organisation)
    assert listing.mass_t == Decimal("1234.567")
    assert listing.material_key == "gravel"


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_the_same_rows_are_the_same_with_any_separator(
    session: Session, organisation: Organisation, editor: Actor, delimiter: str
) -> None:
    sign = "." if delimiter == "," else ","
    rows = [row(Breddegrad=f"59{sign}8906", Lengdegrad=f"10{sign}5266", Mengde=f"12{sign}345")]
    check(session, stage(session, editor, csv_file(rows, delimiter=delimiter)).batch)
    assert session.scalars(select(ImportRow.problems)).all() == [[]]


def test_pasted_cells_are_taken_in(session: Session, organisation: Organisation, editor: Actor) -> None:
    typed = csv_file([row()], delimiter="\t").decode("utf-8-sig")
    given = bulk_staging.pasted(typed, name="Limt inn", decimal_sign=",")
    staged = bulk_staging.stage_file(
        session, editor, organisation_id=organisation.id, kind=ImportKind.LISTINGS, given=given
    )
    assert check(session, staged.batch).good_count == 1


# Files that cannot be taken ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "There is nothing in the table."),
        (b"%PDF-1.7 ...", "This is a PDF."),
        (b"PK\x03\x04 broken", "damaged"),
        ("Hei;på deg\n1;2\n".encode(), "The headings of the template were not found"),
        (csv_file([row()]).split(b"\n")[0] + b"\n", "no rows below"),
        (csv_file([{**row(), "Volum": "3"}]), "called or mean the same: Volum"),
        (b'Type;Materiale\n"Behov;Grus\nBehov;Grus\n', "quotation marks"),
    ],
)
def test_a_file_that_is_no_such_table_is_refused_whole(session: Session, editor: Actor, data: bytes, said: str) -> None:
    with pytest.raises(InvalidInput) as refused, session.begin_nested():
        stage(session, editor, data)
    assert said in str(refused.value)
    assert session.scalar(select(func.count()).select_from(ImportBatch)) == 0


def test_missing_columns_are_named(session: Session, editor: Actor) -> None:
    without = {name: cell for name, cell in row().items() if name not in {"Enhet", "Mengde"}}
    with pytest.raises(MissingColumns) as refused:
        stage(session, editor, csv_file([without]))
    assert [column.key for column in refused.value.columns] == ["entered_value", "entered_unit"]


def book(**sheets: Sequence[Sequence[object]]) -> bytes:
    written = io.BytesIO()
    with xlsxwriter.Workbook(written, {"in_memory": True}) as file:
        for name, rows in sheets.items():
            sheet = file.add_worksheet(name)
            for number, cells in enumerate(rows):
                sheet.write_row(number, 0, cells)
    return written.getvalue()


@pytest.mark.parametrize("cover", [[["Masser 2027"], ["Utarbeidet av", "Kari"]], []])
def test_a_table_behind_a_cover_is_found_and_its_sheet_is_named(
    session: Session, editor: Actor, cover: list[list[object]]
) -> None:
    rows = [list(row()), list(row().values())]
    batch = stage(session, editor, book(Forside=cover, Masser=rows, Mer=rows), name="masser.xlsx").batch
    assert (batch.row_count, batch.file_name) == (1, "masser.xlsx [Masser]")


def test_sheets_that_were_looked_at_in_vain_are_named(session: Session, editor: Actor) -> None:
    with pytest.raises(InvalidInput) as refused, session.begin_nested():
        stage(session, editor, book(Forside=[["Masser"]], Notater=[["Ingen"]]), name="masser.xlsx")
    assert "of the sheets Forside, Notater." in str(refused.value)


def test_only_who_posts_for_the_organisation_sends_files(session: Session, make: Factory) -> None:
    viewer = make.actor(make.member(role=Role.VIEWER))
    with pytest.raises(Forbidden):
        stage(session, viewer, csv_file([row()]))


# Rows that cannot be taken ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "column", "said"),
    [
        ({"Type": "Salg"}, "kind", "Write one of these: %(choices)s."),
        ({"Type": ""}, "kind", "This cell must not be empty."),
        ({"Materiale": "granittgrus"}, "material_key", "This is none of the choices. The template lists them."),
        ({"Mengde": "=B2*2"}, "entered_value", "This is a formula. Paste what it comes to as a plain value."),
        ({"Mengde": "12.345"}, "entered_value", "%(typed)s can be read in two ways."),
        ({"Mengde": "mye"}, "entered_value", "Enter a number, with digits only."),
        ({"Mengde": "-4"}, "entered_value", "The quantity must be more than zero."),
        ({"Enhet": "m3"}, "entered_unit", "Write one of these: %(choices)s."),
        ({"Densitet_(t/m³)": "1,6"}, "density_t_m3", "A density does not apply to tonnes."),
        ({"Fra_dato": "01.01.2020", "Til_dato": "31.12.2020"}, "available_to", "The period is over."),
        ({"Fra_dato": "31.02.2027"}, "available_from", "Enter a day, for example 31.12.2027."),
        ({"Til_dato": "01.01.2027"}, "available_to", "The period ends before it starts."),
        ({"Breddegrad": ""}, "lat", "Give both numbers."),
        ({"Breddegrad": "10,5266", "Lengdegrad": "59,8906"}, "lat", "Longitude and latitude seem to be swapped"),
        ({"Breddegrad": "", "Lengdegrad": ""}, "project_id", "Name a project, or give the latitude and longitude."),
        ({"Prosjekt": "Ukjent"}, "project_id", "There is no project of this name or number in the organisation."),
        ({"Fraksjon": "2027-08-04"}, "fraction", "The spreadsheet has made a day of the fraction."),
        ({"Fraksjon": "32/8"}, "fraction", "The largest grain size must be larger than the smallest"),
        ({"Pris_per_tonn": "12"}, "price_kind", "Say who pays the price."),
        ({"Hvem_betaler": "Gratis", "Pris_per_tonn": "12"}, "price_nok_per_t", "Leave the price empty"),
        ({"Referanse": "x" * 81}, "reference", "The text is %(count)s characters long"),
        ({"Publiser": "kanskje"}, "publish", "Write one of these: %(choices)s."),
        ({"Grunnlag_for_rene_masser": "Urørt"}, "stated_by", "Enter the name of whoever answers for it."),
    ],
)
def test_what_is_wrong_stands_at_its_cell(
    session: Session, editor: Actor, changed: dict[str, str], column: str, said: str
) -> None:
    found = problems_with(session, editor, **changed)
    assert [each for each, _ in found] == [column]
    assert found[0][1].startswith(said)


def test_all_that_is_wrong_with_a_row_is_said_at_once(session: Session, editor: Actor) -> None:
    found = problems_with(session, editor, Mengde="mye", Fra_dato="i morgen", Beskrivelse="x" * 4001, Type="")
    assert {column for column, _ in found} == {"entered_value", "available_from", "description", "kind"}


def test_other_organisations_projects_are_not_found(session: Session, make: Factory, editor: Actor) -> None:
    theirs = make.project(name="Deres")
    for name in ("Deres", str(theirs.id)):
        [(column, _)] = problems_with(session, editor, Prosjekt=name)
        assert column == "project_id"


def test_a_project_can_be_named_by_its_number(
    session: Session, make: Factory, organisation: Organisation, editor: Actor
) -> None:
    one, _ = make.project(organisation, name="Felt"), make.project(organisation, name="felt")
    assert [column for column, _ in problems_with(session, editor, Prosjekt="Felt")] == ["project_id"]
    assert problems_with(session, editor, Prosjekt=str(one.id)) == []


def test_rows_with_the_same_reference_are_all_bad(session: Session, editor: Actor) -> None:
    rows = [row(Referanse="A"), row(Referanse="B"), row(Referanse="A", Mengde="3")]
    batch = check(session, stage(session, editor, csv_file(rows)).batch)
    assert [(line, column) for line, column, _ in problems_of(session, batch)] == [(2, "reference"), (4, "reference")]
    assert [each.problems[0]["params"]["row"] for each in rows_of(session, batch) if each.problems] == [4, 2]
    assert (batch.good_count, batch.bad_count) == (1, 2)


# Sending it again -------------------------------------------------------------------------------------------------


def test_the_same_file_again_changes_nothing(session: Session, organisation: Organisation, editor: Actor) -> None:
    rows = [row(Referanse=f"A-{n}", Mengde=str(n + 1)) for n in range(3)] + [row(Referanse=""), row(Referanse="")]
    send(session, editor, rows)
    before = [(each.id, each.updated_at, each.mass_t) for each in listings(session, organisation)]
    again = send(session, editor, rows)
    assert [(each.id, each.updated_at, each.mass_t) for each in listings(session, organisation)] == before
    assert len(before) == 5
    assert {each.status for each in rows_of(session, again)} == {ImportRowStatus.UNCHANGED}


def test_the_same_file_that_is_not_done_with_is_taken_in_once(session: Session, editor: Actor) -> None:
    first, second = (stage(session, editor, csv_file([row()])) for _ in range(2))
    assert (first.is_known, second.is_known) == (False, True)
    assert first.batch.id == second.batch.id


def test_a_file_that_was_applied_before_says_when(session: Session, editor: Actor) -> None:
    send(session, editor, [row()])
    again = stage(session, editor, csv_file([row()]))
    assert (again.is_known, again.applied_before) == (False, NOW)


def test_a_changed_row_changes_its_listing(session: Session, organisation: Organisation, editor: Actor) -> None:
    send(session, editor, [row(Referanse="A"), row(Referanse="B")])
    again = send(session, editor, [row(Referanse="A"), row(Referanse="B", Mengde="77", Beskrivelse="Nytt")])
    first, second = listings(session, organisation)
    assert [each.status for each in rows_of(session, again)] == [ImportRowStatus.UNCHANGED, ImportRowStatus.APPLIED]
    assert (first.mass_t, second.mass_t) == (12000, 77)
    assert "Nytt" in second.search_text


def test_rows_without_a_reference_are_known_again_whatever_the_order_of_columns(
    session: Session, organisation: Organisation, editor: Actor
) -> None:
    plain = {name: cell for name, cell in row().items() if name != "Referanse"}
    send(session, editor, [plain])
    send(session, editor, [{**dict(reversed(plain.items())), "Publiser": "nei"}])
    assert len(listings(session, organisation)) == 1


def test_a_closed_listing_is_left_in_peace(session: Session, organisation: Organisation, editor: Actor) -> None:
    send(session, editor, [row(Publiser="ja")])
    [listing] = listings(session, organisation)
    close_listing(session, editor, listing_id=listing.id, now=NOW)
    assert [column for column, _ in problems_with(session, editor, Mengde="4")] == ["reference"]


# The gate ---------------------------------------------------------------------------------------------------------


def test_a_row_is_published_where_the_gate_lets_it(session: Session, organisation: Organisation, editor: Actor) -> None:
    clean = {**row(Referanse="C", Publiser="ja"), **CLEAN}
    batch = send(session, editor, [row(Referanse="D", Publiser="ja"), clean])
    demand, surplus = listings(session, organisation)
    assert problems_of(session, batch) == []
    assert (demand.status, surplus.status) == (ListingStatus.PUBLISHED, ListingStatus.PUBLISHED)
    assert surplus.documentation is Documentation.DECLARED
    assert surplus.renewed_at == NOW


def test_a_surplus_without_proof_stays_a_draft_and_says_why(
    session: Session, organisation: Organisation, editor: Actor
) -> None:
    batch = send(session, editor, [row(Type="Overskudd", Publiser="ja")])
    [listing] = listings(session, organisation)
    assert listing.status is ListingStatus.DRAFT
    assert rows_of(session, batch)[0].status is ImportRowStatus.APPLIED
    assert {column for _, column, _ in problems_of(session, batch)} == {"virgin_basis", "not_acid_forming"}


def test_a_basis_that_comes_later_publishes_the_same_lot(
    session: Session, organisation: Organisation, editor: Actor
) -> None:
    plain = {**row(Referanse="", Publiser="ja"), "Type": "Overskudd"}
    send(session, editor, [plain])
    send(session, editor, [{**plain, **CLEAN}])
    send(session, editor, [{**plain, **CLEAN}])
    [listing] = listings(session, organisation)
    assert listing.status is ListingStatus.PUBLISHED
    assert session.scalar(select(func.count()).select_from(Declaration)) == 2


def test_a_published_surplus_that_is_said_to_be_acid_forming_is_paused(
    session: Session, organisation: Organisation, editor: Actor
) -> None:
    clean = {**row(Publiser="ja"), **CLEAN}
    send(session, editor, [clean])
    send(session, editor, [{**clean, "Ikke syredannende": "nei", "Publiser": ""}])
    [listing] = listings(session, organisation)
    assert (listing.status, listing.paused_reason) == (ListingStatus.PAUSED, PausedReason.QUALITY)


def test_who_has_not_confirmed_their_address_publishes_nothing(
    session: Session, make: Factory, organisation: Organisation
) -> None:
    unconfirmed = make.actor(make.member(organisation, confirmed=False))
    batch = send(session, unconfirmed, [row(Publiser="ja")])
    assert listings(session, organisation)[0].status is ListingStatus.DRAFT
    assert [column for _, column, _ in problems_of(session, batch)] == ["publish"]


def test_a_period_that_is_over_makes_no_listing_and_ends_no_published_one(
    session: Session, organisation: Organisation, editor: Actor
) -> None:
    over = {"Fra dato": "01.01.2027", "Til dato": "01.02.2027"}
    rows = [{**row(Referanse="A", Publiser="ja"), **over}, row(Referanse="B", Publiser="ja"), row(Referanse="C") | over]
    batch = send(session, editor, rows)
    assert [(line, column) for line, column, _ in problems_of(session, batch)] == [
        (2, "available_to"),
        (4, "available_to"),
    ]
    assert [each.external_reference for each in listings(session, organisation)] == ["B"]
    assert problems_with(session, editor, Referanse="B", Fra_dato="01.01.2027", Til_dato="01.02.2027") != []


# Going through it -------------------------------------------------------------------------------------------------


def test_only_good_rows_are_applied(session: Session, organisation: Organisation, editor: Actor) -> None:
    batch = send(session, editor, [row(Referanse="A"), row(Referanse="B", Mengde="0"), row(Referanse="C")])
    assert [each.external_reference for each in listings(session, organisation)] == ["A", "C"]
    assert (batch.good_count, batch.bad_count) == (2, 1)


def test_a_good_row_that_has_become_bad_is_not_applied(
    session: Session, make: Factory, organisation: Organisation, editor: Actor
) -> None:
    project = make.project(organisation, name="Felt")
    batch = check(session, stage(session, editor, csv_file([{**row(), "Prosjekt": "Felt"}])).batch)
    project.name = "Felt 2"
    apply(session, editor, batch)
    assert listings(session, organisation) == []
    assert batch.bad_count == 1


def test_a_file_is_applied_once_and_only_when_checked(session: Session, editor: Actor) -> None:
    batch = stage(session, editor, csv_file([row()])).batch
    with pytest.raises(Conflict):
        bulk.request_apply(session, editor, batch_id=batch.id)
    apply(session, editor, check(session, batch))
    with pytest.raises(Conflict):
        bulk.request_apply(session, editor, batch_id=batch.id)
    assert bulk.apply_chunk(session, batch_id=batch.id, user_id=editor.user_id or 0, now=NOW) is False


def test_a_discarded_file_leaves_no_rows(session: Session, organisation: Organisation, editor: Actor) -> None:
    batch = check(session, stage(session, editor, csv_file([row()])).batch)
    bulk.discard(session, editor, batch_id=batch.id)
    assert rows_of(session, batch) == []
    assert not stage(session, editor, csv_file([row()])).is_known


def test_who_has_lost_the_right_applies_nothing_more(
    session: Session, make: Factory, organisation: Organisation, editor: Actor
) -> None:
    batch = check(session, stage(session, editor, csv_file([row()])).batch)
    bulk.request_apply(session, editor, batch_id=batch.id)
    session.flush()
    stranger = make.actor()
    assert bulk.apply_chunk(session, batch_id=batch.id, user_id=stranger.user_id or 0, now=NOW) is False
    assert batch.status is ImportStatus.FAILED
    assert listings(session, organisation) == []


def test_a_chunk_asks_as_little_for_many_rows_as_for_few(
    session: Session, make: Factory, organisation: Organisation, editor: Actor, count_queries: Callable[[], object]
) -> None:
    make.project(organisation, name="Felt")
    counted = []
    for size in (3, 30):
        rows = [
            {**row(Referanse=f"{size}-{n}", Publiser="ja", Prosjekt="Felt"), **(CLEAN if n % 2 else {})}
            for n in range(size)
        ]
        batch = stage(session, editor, csv_file(rows)).batch
        session.expire_all()
        with count_queries() as statements:  # type: ignore[attr-defined]
            apply(session, editor, check(session, batch))
        counted.append(len(statements))
    assert counted[0] == counted[1]


@pytest.mark.slow
def test_memory_is_bounded_by_the_chunk_and_not_by_the_file(
    session: Session, organisation: Organisation, editor: Actor, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(bulk, "CHUNK_ROWS", 100)
    monkeypatch.setattr(bulk_staging, "ROWS_A_COPY", 100)
    path = tmp_path / "rows.csv"
    peaks = []
    for size in (200, 200, 1_000):  # the first fills what is kept for good: compiled statements and the like
        path.write_bytes(csv_file([row(Referanse=f"{len(peaks)}-{n}", Beskrivelse="x" * 3_500) for n in range(size)]))
        tracemalloc.start()
        with path.open("rb") as data:
            given = GivenFile(data=data, name=path.name, decimal_sign=",")
            staged = bulk_staging.stage_file(
                session, editor, organisation_id=organisation.id, kind=ImportKind.LISTINGS, given=given
            )
        batch_id = staged.batch.id
        has_more = True
        while has_more:
            has_more = bulk.check_chunk(session, batch_id=batch_id, now=NOW)
            session.flush()
            session.expunge_all()
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[2] < 1.5 * peaks[1]


# A worker that is killed ------------------------------------------------------------------------------------------


def test_what_a_killed_worker_left_is_done_and_nothing_twice(
    committing_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "CHUNK_ROWS", 4)
    sessions = make_sessions(committing_engine)
    with sessions.begin() as session:
        make = Factory(session, now=NOW)
        actor = make.actor(make.member(make.organisation(), role=Role.EDITOR))
        rows = [row(Referanse=f"R{n}") for n in range(10)] + [row(Referanse="") for _ in range(3)]
        batch_id = stage(session, actor, csv_file(rows)).batch.id
    user_id = actor.user_id or 0

    def work(step: Callable[[Session], bool]) -> None:
        """Dies in the middle of the second chunk, and is started again."""
        with sessions.begin() as session:
            assert step(session)
        session = sessions()
        step(session)
        session.flush()
        session.close()  # as PostgreSQL does with the connection of a worker that is killed: nothing is committed
        has_more = True
        while has_more:
            with sessions.begin() as session:
                has_more = step(session)

    work(lambda session: bulk.check_chunk(session, batch_id=batch_id, now=NOW))
    with sessions.begin() as session:
        bulk.request_apply(session, actor, batch_id=batch_id)
    work(lambda session: bulk.apply_chunk(session, batch_id=batch_id, user_id=user_id, now=NOW))
    with sessions() as session:
        batch = session.get_one(ImportBatch, batch_id)
        assert (batch.status, batch.done_count, batch.good_count) == (ImportStatus.APPLIED, 13, 13)
        assert session.scalar(select(func.count()).select_from(Listing)) == 13
        done = session.execute(text("SELECT status, count(*) FROM import_row GROUP BY status")).all()
        assert done == [("applied", 13)]


def test_a_project_of_another_name_in_capitals_is_the_same(
    session: Session, make: Factory, organisation: Organisation, editor: Actor
) -> None:
    project: Project = make.project(organisation, name="Ørlandet ÅS")
    assert problems_with(session, editor, Prosjekt="ØRLANDET åS") == []
    assert project.organisation_id == organisation.id


def test_publishing_by_hand_and_by_file_hold_the_same_rules(
    session: Session, organisation: Organisation, editor: Actor
) -> None:
    send(session, editor, [row(Type="Overskudd")])
    [listing] = listings(session, organisation)
    with pytest.raises(InvalidInput) as refused:
        publish_listing(session, editor, listing_id=listing.id, now=NOW)
    batch = send(session, editor, [row(Type="Overskudd", Publiser="ja")])
    assert sorted(error.message for error in refused.value.errors) == sorted(
        message for _, _, message in problems_of(session, batch)
    )
