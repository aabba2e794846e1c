"""What the triggers write: every change of an audited table, who made it, and nothing else."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import delete, select, text, update
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.orm import Session

from marketplace.acting import Acting, act_as
from marketplace.models import (
    AuditEntry,
    AuditReader,
    BackgroundOverride,
    Base,
    Declaration,
    Document,
    Facility,
    Invitation,
    LabReport,
    LabSample,
    LabValueRow,
    Listing,
    MassPlanRow,
    Membership,
    Organisation,
    Project,
    ReductionTarget,
    User,
)
from marketplace.services.audit import unlogged
from marketplace.types import AuditAction, DocumentKind, ListingStatus, Role
from tests.conftest import NOW
from tests.factories import SANDVIKA, Factory, stored_point


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A table, how a row of it is made, and a column that is changed to `value`."""

    make: Callable[[Factory], Any]
    column: str
    value: object
    subject: str
    """The table that people know the row as part of."""
    inserts: bool = True
    is_public: bool = False
    """Whether its entries are for administrators alone."""


def _invitation(make: Factory) -> Invitation:
    owner = make.member()
    return make._add(
        Invitation(
            organisation_id=owner.memberships[0].organisation_id,
            email="ny@example.com",
            role=Role.EDITOR,
            token_hash="0" * 64,
            invited_by_id=owner.id,
            expires_at=NOW,
        )
    )


def _document(make: Factory) -> Document:
    project = make.project()
    return make._add(
        Document(
            organisation_id=project.organisation_id,
            project_id=project.id,
            kind=DocumentKind.PERMIT,
            title="Tillatelse",
            file_name="tillatelse.pdf",
            media_type="application/pdf",
            size_bytes=1,
            sha256="a" * 64,
            upload_id="11111111-1111-1111-1111-111111111111",
            uploaded_by_id=project.created_by_id,
        )
    )


def _background(make: Factory) -> BackgroundOverride:
    listing = make.listing()
    paper = _document(make)
    return make._add(
        BackgroundOverride(
            listing_id=listing.id,
            parameter="As",
            background_mg_kg=12,
            document_id=paper.id,
            stated_by="Kari",
            stated_on=NOW.date(),
            created_by_id=listing.created_by_id,
        )
    )


def _target(make: Factory) -> ReductionTarget:
    return make._add(ReductionTarget(project_id=make.project().id, year=2027, surplus_target_t=5))


def _report(make: Factory) -> LabReport:
    return make.report(make.listing())


def _declaration(make: Factory) -> Declaration:
    return make.session.scalars(select(Declaration).where(Declaration.listing_id == make.listing().id)).first()


CASES = {
    User: Case(make=lambda make: make.user(), column="is_admin", value=True, subject="app_user", is_public=True),
    Organisation: Case(make=lambda make: make.organisation(), column="name", value="Nytt", subject="organisation"),
    Membership: Case(
        make=lambda make: make.member().memberships[0], column="role", value=Role.VIEWER, subject="organisation"
    ),
    Invitation: Case(make=_invitation, column="role", value=Role.VIEWER, subject="organisation"),
    Project: Case(make=lambda make: make.project(), column="name", value="Nytt", subject="project"),
    Facility: Case(
        make=lambda make: make.facility(make.organisation()), column="name", value="Nytt", subject="facility"
    ),
    Listing: Case(make=lambda make: make.listing(), column="mass_t", value=7, subject="listing"),
    Document: Case(make=_document, column="title", value="Ny", subject="project"),
    LabReport: Case(make=_report, column="laboratory", value="Nytt", subject="listing"),
    LabSample: Case(
        make=lambda make: _report(make).samples[0], column="name", value="P9", subject="listing", inserts=False
    ),
    LabValueRow: Case(
        make=lambda make: _report(make).samples[0].values[0],
        column="value_mg_kg",
        value=1,
        subject="listing",
        inserts=False,
    ),
    Declaration: Case(make=_declaration, column="basis", value="Annet", subject="listing"),
    BackgroundOverride: Case(make=_background, column="background_mg_kg", value=3, subject="listing"),
    MassPlanRow: Case(
        make=lambda make: make.plan_row(make.project()), column="note", value="Sikkert", subject="project"
    ),
    ReductionTarget: Case(make=_target, column="measures", value="Knuse", subject="project"),
}


def entries(session: Session, table: str | None = None) -> list[AuditEntry]:
    query = select(AuditEntry).order_by(AuditEntry.id)
    return list(session.scalars(query.where(AuditEntry.table_name == table) if table else query))


def last(session: Session, table: str = "listing") -> AuditEntry:
    return entries(session, table)[-1]


def row_of(row: Any) -> Any:
    """The condition that finds just this row."""
    mapper = type(row).__mapper__
    return [
        column == value for column, value in zip(mapper.primary_key, mapper.primary_key_from_instance(row), strict=True)
    ]


@pytest.mark.parametrize("model", CASES, ids=lambda model: model.__tablename__)
def test_a_new_row_is_logged(model: type[Base], session: Session, make: Factory) -> None:
    case = CASES[model]
    case.make(make)
    found = entries(session, model.__tablename__)
    if not case.inserts:
        assert found == []
        return
    entry = found[-1]
    assert (entry.action, entry.subject_type, entry.before) == (AuditAction.INSERT, case.subject, None)
    assert entry.after
    assert entry.subject_id is not None
    assert entry.row_id is not None
    assert bool(entry.organisation_ids) is not case.is_public


@pytest.mark.parametrize("model", CASES, ids=lambda model: model.__tablename__)
def test_a_change_is_logged_with_what_was_before_and_only_that(
    model: type[Base], session: Session, make: Factory
) -> None:
    case = CASES[model]
    row = case.make(make)
    session.execute(update(model).where(*row_of(row)).values({case.column: case.value}))
    entry = last(session, model.__tablename__)
    assert (entry.action, entry.subject_type) == (AuditAction.UPDATE, case.subject)
    assert entry.before is not None
    assert entry.after is not None
    assert entry.before.keys() == entry.after.keys() == {case.column}
    assert entry.before != entry.after
    assert bool(entry.organisation_ids) is not case.is_public


@pytest.mark.parametrize("model", CASES, ids=lambda model: model.__tablename__)
def test_a_row_that_is_deleted_is_logged_as_it_was(model: type[Base], session: Session, make: Factory) -> None:
    case = CASES[model]
    row = case.make(make)
    value = getattr(row, case.column)
    session.execute(delete(model).where(*row_of(row)))
    entry = last(session, model.__tablename__)
    assert (entry.action, entry.subject_type, entry.after) == (AuditAction.DELETE, case.subject, None)
    assert entry.before is not None
    assert (case.column in entry.before) is (value is not None)
    assert bool(entry.organisation_ids) is not case.is_public


# What an entry holds ----------------------------------------------------------------------------------------------


def test_what_is_kept_by_the_program_itself_is_not_logged(session: Session, make: Factory) -> None:
    listing = make.listing()
    before = len(entries(session))
    session.execute(update(Listing).values(search_text="noe annet", updated_at=NOW, asked_at=NOW, reminded_at=NOW))
    assert len(entries(session)) == before
    assert "passport_token" not in (entries(session, "listing")[-1].after or {})
    assert listing.passport_token is not None


def test_an_update_that_changes_nothing_is_not_logged(session: Session, make: Factory) -> None:
    make.listing()
    before = len(entries(session))
    session.execute(update(Listing).values(mass_t=Listing.mass_t))
    assert len(entries(session)) == before


def test_of_secrets_only_their_change_is_logged(session: Session, make: Factory) -> None:
    user = make.user(email="hemmelig@example.com")
    user.password_hash = "another"
    user.session_epoch += 1
    session.flush()
    made, changed = entries(session, "app_user")
    assert made.after is not None
    assert made.after["email"] == made.after["name"] == "***"
    assert (changed.before, changed.after) == ({"password_hash": "***"}, {"password_hash": "***"})


def test_a_place_is_logged_by_longitude_and_latitude(session: Session, make: Factory) -> None:
    listing = make.listing()
    listing.position_25833 = stored_point((10.6, 59.95))
    session.flush()
    entry = last(session)
    assert entry.before == {"position_25833": {"lon": pytest.approx(SANDVIKA[0]), "lat": pytest.approx(SANDVIKA[1])}}
    assert entry.after == {"position_25833": {"lon": pytest.approx(10.6), "lat": pytest.approx(59.95)}}


def test_two_outlines_around_one_centre_are_told_apart(session: Session, make: Factory) -> None:
    project = make.project()
    for size_m in (10, 20):
        session.execute(
            update(Project).values(site_25833=text(f"ST_Expand(position_25833, {size_m})")),
        )
    outline = last(session, "project").after
    assert project.id is not None
    assert outline is not None
    assert outline["site_25833"]["type"] == "POLYGON"
    assert len(outline["site_25833"]["sha256"]) == 64


def test_both_operators_of_a_facility_that_changed_hands_read_of_it(session: Session, make: Factory) -> None:
    before, after = make.organisation(), make.organisation()
    facility = make.facility(before)
    facility.organisation_id = after.id
    session.flush()
    assert last(session, "facility").organisation_ids == sorted([before.id, after.id])


def test_what_goes_with_its_listing_is_logged_for_its_organisation(session: Session, make: Factory) -> None:
    listing = make.listing(status=ListingStatus.DRAFT)
    session.execute(delete(Listing))
    entry = last(session, "declaration")
    assert (entry.action, entry.subject_id) == (AuditAction.DELETE, listing.id)
    assert entry.organisation_ids == [listing.organisation_id]


def test_a_sample_that_goes_with_its_report_is_not_logged_apart(session: Session, make: Factory) -> None:
    report = _report(make)
    session.execute(delete(LabReport).where(LabReport.id == report.id))
    assert entries(session, "lab_sample") == entries(session, "lab_value") == []


def test_each_organisation_of_an_entry_finds_it(session: Session, make: Factory) -> None:
    listing = make.listing()
    entry = last(session)
    found = session.scalars(select(AuditReader.entry_id).where(AuditReader.organisation_id == listing.organisation_id))
    assert entry.id in set(found)


def test_truncating_is_logged(session: Session) -> None:
    session.execute(text("TRUNCATE declaration"))
    assert entries(session, "declaration")[-1].action is AuditAction.TRUNCATE


# Who --------------------------------------------------------------------------------------------------------------


def test_an_entry_says_who_acted(session: Session, make: Factory) -> None:
    user = make.user()
    act_as(session, Acting(label="user", user_id=user.id, request_id="request-1"))
    make.listing()
    entry = last(session)
    assert (entry.actor_user_id, entry.actor_label, entry.request_id) == (user.id, "user", "request-1")


def test_what_nobody_answers_for_is_the_systems(session: Session, make: Factory) -> None:
    make.listing()
    entry = last(session)
    assert (entry.actor_user_id, entry.actor_label, entry.request_id) == (None, "system", None)


def test_whoever_acts_is_told_again_in_the_next_transaction(session: Session, make: Factory) -> None:
    act_as(session, Acting(label="job:tidy"))
    session.commit()
    make.listing()
    assert last(session).actor_label == "job:tidy"


# What is not to be logged -----------------------------------------------------------------------------------------


def test_a_savepoint_that_is_rolled_back_leaves_no_entry(session: Session, make: Factory) -> None:
    listing = make.listing()
    before = len(entries(session))
    savepoint = session.begin_nested()
    listing.mass_t = 1
    session.flush()
    savepoint.rollback()
    assert len(entries(session)) == before


def test_a_transaction_that_is_rolled_back_leaves_no_entry(session: Session, make: Factory) -> None:
    before = len(entries(session))  # what the reference data were loaded with
    make.listing()
    session.rollback()
    assert len(entries(session)) == before


def test_what_is_generated_is_logged_as_generated(session: Session, make: Factory) -> None:
    act_as(session, Acting(label="cli:seed"))
    with unlogged(session, "organisation", reason="generated"):
        make.organisation()
    assert [(each.action, each.actor_label, each.after) for each in entries(session, "organisation")] == [
        (AuditAction.NOTE, "cli:seed", {"reason": "generated"})
    ]
    make.organisation()
    assert last(session, "organisation").action is AuditAction.INSERT


# Append-only ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("table", ["audit_entry", "audit_reader", "audit_seal"])
@pytest.mark.parametrize(
    "statement", ["DELETE FROM {table}", "TRUNCATE {table}", "UPDATE {table} SET {column} = {column}"]
)
def test_the_log_takes_no_change(table: str, statement: str, session: Session, make: Factory) -> None:
    make.listing()
    session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
    column = {"audit_entry": "at", "audit_reader": "entry_id", "audit_seal": "hash"}[table]
    with pytest.raises(ProgrammingError, match="append-only"):
        session.execute(text(statement.format(table=table, column=column)))
