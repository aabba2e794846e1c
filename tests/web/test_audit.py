"""The pages of the log: whose they are, what they say, and what narrows them down."""

import csv
import io
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from marketplace.acting import Acting, act_as
from marketplace.clock import local_date
from marketplace.models import AuditEntry, AuditReader, Listing, Organisation, User
from marketplace.types import AuditAction, ListingStatus, Role
from tests.conftest import Client, QueryCounter
from tests.factories import Factory


@pytest.fixture
def ours(make: Factory) -> Organisation:
    return make.organisation(name="Vårt AS")


@pytest.fixture
def member(make: Factory, ours: Organisation) -> User:
    return make.member(ours, role=Role.VIEWER, name="Kari Nordmann")


@pytest.fixture
def visitor(client: Client, member: User) -> Client:
    return client.log_in_as(member).in_english()


def log_of(organisation: Organisation) -> str:
    return f"/organisations/{organisation.id}/log"


def acting_as(session: Session, user: User) -> None:
    act_as(session, Acting(label="user", user_id=user.id))


def entry(session: Session, organisation: Organisation, **values: Any) -> AuditEntry:
    """An entry as a trigger would write it."""
    defaults = {
        "actor_label": "system",
        "organisation_ids": [organisation.id],
        "subject_type": "listing",
        "table_name": "listing",
        "action": AuditAction.UPDATE,
        "before": {},
        "after": {},
    }
    added = AuditEntry(**defaults | values)
    session.add(added)
    session.flush()
    session.add(AuditReader(organisation_id=organisation.id, entry_id=added.id))
    session.flush()
    return added


# What it says -----------------------------------------------------------------------------------------------------


def test_a_change_is_told_in_words(
    visitor: Client, session: Session, make: Factory, ours: Organisation, member: User
) -> None:
    listing = make.listing(ours)
    acting_as(session, member)
    listing.status = ListingStatus.CLOSED
    listing.closed_at, listing.closed_reason = make.now, "owner"  # type: ignore[assignment]
    session.flush()
    page = visitor.get(log_of(ours)).text
    link = f'<a class="ds-link" href="/listings/{listing.id}">the listing {listing.id} ('
    assert f"<strong>Kari Nordmann</strong> changed {link}" in page
    assert "Published</span>" in page
    assert "Closed</span>" in page
    assert "1 Mar 2027" in page


def test_what_is_part_of_a_listing_leads_to_it(visitor: Client, make: Factory, ours: Organisation) -> None:
    listing = make.listing(ours)
    page = visitor.get(log_of(ours)).text
    assert f'added a declaration to <a class="ds-link" href="/listings/{listing.id}">' in page


def test_what_is_gone_is_named_without_a_link(
    visitor: Client, session: Session, make: Factory, ours: Organisation
) -> None:
    draft = make.listing(ours, status=ListingStatus.DRAFT, is_proven=False)
    number = draft.id
    session.delete(draft)
    session.flush()
    page = visitor.get(log_of(ours)).text
    assert f"deleted the listing {number}<" in page
    assert f'href="/listings/{number}"' not in page


def test_what_people_wrote_is_escaped(visitor: Client, make: Factory, ours: Organisation, session: Session) -> None:
    listing = make.listing(ours)
    listing.description = "<script>alert(1)</script> %(who)s"
    session.flush()
    page = visitor.get(log_of(ours)).text
    assert "&lt;script&gt;alert(1)&lt;/script&gt; %(who)s" in page
    assert "<script>alert" not in page


def test_ids_are_told_as_names_and_secrets_not_at_all(
    visitor: Client, make: Factory, ours: Organisation, session: Session, member: User
) -> None:
    project = make.project(ours, name="Rv. 4", created_by_id=member.id)
    make.listing(ours, project=project, created_by_id=member.id)
    page = visitor.get(log_of(ours)).text
    assert "Rv. 4" in page
    assert "Bærum" in page
    assert "search_text" not in page
    assert session.scalars(select(Listing.passport_token)).one().hex not in page


@pytest.mark.parametrize(
    ("label", "said"),
    [("job:expire_listings", "Masseflyt itself"), ("visitor", "A visitor"), ("gate:7", "The link at the gate (7)")],
)
def test_what_no_person_did_is_told_apart(
    label: str, said: str, visitor: Client, session: Session, ours: Organisation, make: Factory
) -> None:
    listing = make.listing(ours)
    entry(session, ours, actor_label=label, subject_id=listing.id)
    assert f"<strong>{said}</strong> changed" in visitor.get(log_of(ours)).text


def test_columns_and_values_that_are_no_more_are_told_as_they_are(
    visitor: Client, session: Session, ours: Organisation
) -> None:
    entry(session, ours, subject_type="barn", table_name="barn", subject_id=1, after={"roof": "red"})
    entry(session, ours, subject_id=1, before={"status": "asleep"}, after={"status": "published"})
    page = visitor.get(log_of(ours)).text
    assert "changed barn" in page
    assert "roof" in page
    assert "asleep" in page


# Whose it is ------------------------------------------------------------------------------------------------------


def test_another_organisations_things_are_not_in_it(visitor: Client, make: Factory, ours: Organisation) -> None:
    theirs = make.listing(make.organisation(name="Deres AS"))
    page = visitor.get(log_of(ours)).text
    assert f"/listings/{theirs.id}" not in page
    assert "Deres AS" not in page


def test_both_sides_of_a_deal_read_of_it_and_of_no_more(
    client: Client, make: Factory, session: Session, ours: Organisation, member: User
) -> None:
    theirs = make.organisation()
    deal = make.deal(ours, theirs)
    other = make.member(theirs)
    for reader, organisation in ((member, ours), (other, theirs)):
        page = client.log_in_as(reader).in_english().get(f"{log_of(organisation)}?thing=deal").text
        assert f"the deal {deal.id} (" in page
    assert f"/listings/{deal.surplus_id}" not in client.get(log_of(theirs)).text
    found = session.scalars(select(AuditEntry).where(AuditEntry.table_name == "deal")).one()
    assert found.after is not None
    assert not [column for column in found.after if column.endswith("_25833")], "exact before it is agreed"


def test_administrators_are_not_named_to_members(
    visitor: Client, session: Session, make: Factory, ours: Organisation
) -> None:
    moderator = make.user(name="Mod Erator", is_admin=True)
    acting_as(session, moderator)
    ours.name = "Omdøpt AS"
    session.flush()
    entry(
        session, ours, subject_type="organisation", subject_id=ours.id, table_name="organisation",
        after={"verified_by_id": moderator.id},
    )  # fmt: skip
    page = visitor.get(log_of(ours)).text
    assert "<strong>An administrator of Masseflyt</strong> changed" in page
    assert "Mod Erator" not in page
    assert "Mod Erator" not in visitor.get(f"{log_of(ours)}.csv").text


def test_what_administrators_noted_is_not_shown_to_members(
    visitor: Client, make: Factory, session: Session, ours: Organisation
) -> None:
    moderator = make.user(is_admin=True)
    ours.verified_at, ours.verified_by_id, ours.verification_note = make.now, moderator.id, "Ringte daglig leder."
    session.flush()
    page = visitor.get(log_of(ours)).text
    assert "Note on the verification" in page
    assert "Ringte" not in page + visitor.get(f"{log_of(ours)}.csv").text
    visitor.log_in_as(moderator)
    assert "Ringte daglig leder." in visitor.get(log_of(ours)).text


def test_administrators_read_everything(client: Client, session: Session, make: Factory, ours: Organisation) -> None:
    moderator = make.user(name="Mod Erator", is_admin=True)
    acting_as(session, moderator)
    make.listing(ours)
    client.log_in_as(moderator).in_english()
    page = client.get("/admin/log").text
    assert "<strong>Mod Erator</strong> created" in page
    assert "<strong>Mod Erator</strong> created" in client.get(log_of(ours)).text


def test_nobody_acting_any_more_leaves_no_name(
    visitor: Client, session: Session, make: Factory, ours: Organisation
) -> None:
    listing = make.listing(ours)
    entry(session, ours, actor_label="user", actor_user_id=2**40, subject_id=listing.id)
    assert "Somebody whose account is gone" in visitor.get(log_of(ours)).text


# Narrowing down ---------------------------------------------------------------------------------------------------


def test_it_is_narrowed_down_by_thing(visitor: Client, make: Factory, ours: Organisation) -> None:
    first, second = make.listing(ours), make.listing(ours)
    page = visitor.get(f"{log_of(ours)}?thing=listing&number={first.id}").text
    assert f'/listings/{first.id}"' in page
    assert f'/listings/{second.id}"' not in page
    assert "the organisation" not in visitor.get(f"{log_of(ours)}?thing=project").text


def test_it_is_narrowed_down_by_person(
    visitor: Client, make: Factory, ours: Organisation, member: User, session: Session
) -> None:
    make.listing(ours)
    acting_as(session, member)
    make.project(ours, name="Karis")
    page = visitor.get(f"{log_of(ours)}?person={member.id}").text
    assert "the project Karis" in page
    assert "the listing" not in page


@pytest.mark.parametrize("path", ["", ".csv"])
def test_nobody_is_looked_up_who_is_not_named_in_it(
    visitor: Client, make: Factory, session: Session, ours: Organisation, path: str
) -> None:
    """Whoever asks by number learns neither a name nor whether there is such an account."""
    stranger, moderator = make.member(name="Fremmed Person"), make.user(name="Mod Erator", is_admin=True)
    for person, organisation in ((stranger, stranger.memberships[0].organisation), (moderator, ours)):
        acting_as(session, person)
        make.project(organisation)
    answers = [visitor.get(f"{log_of(ours)}{path}?person={each}") for each in (stranger.id, moderator.id, 2**40)]
    assert not [answer for answer in answers if "Fremmed" in answer.text or "Mod Erator" in answer.text]
    if not path:
        assert {answer.status_code for answer in answers} == {HTTPStatus.UNPROCESSABLE_ENTITY}
        assert all("Choose from the list." in answer.text for answer in answers)
    else:
        assert {len(rows_of(answer.text)) for answer in answers} == {1}


def test_who_has_left_and_is_named_in_it_can_still_be_looked_up(
    visitor: Client, make: Factory, session: Session, ours: Organisation
) -> None:
    person = make.user(name="Per Sluttet")
    acting_as(session, person)
    make.project(ours, name="Pers")
    acting_as(session, make.user(name="En Annen"))
    make.project(ours, name="Ikke hans")
    page = visitor.get(f"{log_of(ours)}?person={person.id}").text
    assert "the project Pers" in page
    assert "the project Ikke hans" not in page


def test_an_administrator_looks_up_whoever_is_named_in_it(
    client: Client, make: Factory, session: Session, ours: Organisation
) -> None:
    moderator = make.user(name="Mod Erator", is_admin=True)
    acting_as(session, moderator)
    make.project(ours, name="Mods")
    client.log_in_as(moderator).in_english()
    assert "the project Mods" in client.get(f"{log_of(ours)}?person={moderator.id}").text


def test_administrators_narrow_it_down_by_address(
    client: Client, make: Factory, session: Session, member: User, ours: Organisation
) -> None:
    acting_as(session, member)
    make.project(ours, name="Karis")
    client.log_in_as(make.user(is_admin=True)).in_english()
    assert "the project Karis" in client.get(f"/admin/log?email={member.email.upper()}").text
    answer = client.get("/admin/log?email=nobody@example.com")
    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert "Nobody has an account with this address." in answer.text
    assert "nobody@example.com" in answer.text


def test_it_is_narrowed_down_by_day_in_norway(
    visitor: Client, session: Session, ours: Organisation, make: Factory
) -> None:
    """An hour before midnight in London in winter it is the next day in Oslo at midnight."""
    listing = make.listing(ours)
    entry(session, ours, subject_id=listing.id, at=datetime(2026, 1, 31, 23, 30, tzinfo=UTC), after={"note": "Februar"})
    assert "Februar" in visitor.get(f"{log_of(ours)}?day=2026-02-01").text
    assert "Februar" not in visitor.get(f"{log_of(ours)}?day=2026-01-31").text
    today = local_date(datetime.now(UTC))
    assert f"the listing {listing.id}" in visitor.get(f"{log_of(ours)}?day={today}").text


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("thing=listing&number=abc", "Enter a number, with digits only."),
        ("thing=listing&number=99999999999999999999999", "Enter a number, with digits only."),
        ("number=3", "Say what the number is of."),
        ("thing=barn", "Choose from the list."),
        ("person=x", "Choose from the list."),
        ("day=soon", "Enter a day, for example 31.12.2027."),
    ],
)
def test_what_cannot_be_understood_is_told_beside_it(
    asked: str, told: str, visitor: Client, make: Factory, ours: Organisation
) -> None:
    make.listing(ours)
    answer = visitor.get(f"{log_of(ours)}?{asked}")
    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert told in answer.text
    assert "mf-log__entry" not in answer.text


def test_the_pages_follow_on_each_other_and_keep_what_was_asked(
    visitor: Client, make: Factory, ours: Organisation, session: Session
) -> None:
    listing = make.listing(ours)
    for number in range(40):
        entry(session, ours, subject_id=listing.id, after={"note": f"nr{number}-"})
    first = visitor.get(f"{log_of(ours)}?thing=listing").text
    assert "nr39-" in first
    assert "nr5-" not in first
    older = first.split('rel="next" href="')[1].split('"')[0].replace("&amp;", "&")
    assert "thing=listing" in older
    assert "nr5-" in visitor.get(older).text


def test_it_takes_as_many_questions_for_one_entry_as_for_many(
    visitor: Client, make: Factory, ours: Organisation, session: Session, count_queries: QueryCounter
) -> None:
    listing, project = make.listing(ours), make.project(ours)
    visitor.get(log_of(ours))
    with count_queries() as for_few:
        visitor.get(log_of(ours))
    for number in range(10):
        entry(session, ours, subject_id=listing.id, after={"description": str(number), "project_id": project.id})
    with count_queries() as for_many:
        visitor.get(log_of(ours))
    assert len(for_many) == len(for_few)


# Files ------------------------------------------------------------------------------------------------------------


def rows_of(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text.removeprefix("\ufeff")), delimiter=";"))


def test_the_file_holds_what_the_page_asks_for(
    visitor: Client, make: Factory, ours: Organisation, session: Session
) -> None:
    listing = make.listing(ours)
    listing.mass_t = 7  # type: ignore[assignment]
    session.flush()
    answer = visitor.get(f"{log_of(ours)}.csv?thing=listing&number={listing.id}")
    head, newest, *rest = rows_of(answer.text)
    assert answer.content_type == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"] == "attachment; filename=Log_Vart_AS.csv"
    assert head[:4] == ["Number", "Time", "Who", "What"]
    assert newest[3].startswith("Somebody with access to the database changed the listing")
    assert newest[6] == "Mass (t): 1,000 → 7"
    assert {row[5] for row in rest} == {str(listing.id)}


def test_a_spreadsheet_takes_nothing_in_the_file_for_a_formula(
    visitor: Client, make: Factory, ours: Organisation, session: Session
) -> None:
    person = make.member(ours, name="=1+1")
    acting_as(session, person)
    make.listing(ours)
    assert {row[2] for row in rows_of(visitor.get(f"{log_of(ours)}.csv").text)} >= {" =1+1"}


# From the request -------------------------------------------------------------------------------------------------


def test_what_a_visitor_changes_is_logged_with_who_and_which_request(
    client: Client, session: Session, make: Factory, ours: Organisation
) -> None:
    editor = make.member(ours, role=Role.EDITOR)
    listing = make.listing(ours, created_by_id=editor.id)
    client.log_in_as(editor)
    answer = client.post(f"/listings/{listing.id}/pause", headers={"X-Request-ID": "abcdefgh-1"})
    assert answer.status_code in (HTTPStatus.FOUND, HTTPStatus.SEE_OTHER)
    found = session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc()).limit(1)).one()
    assert (found.actor_user_id, found.actor_label, found.request_id) == (editor.id, "user", "abcdefgh-1")
    assert found.after == {"status": "paused", "paused_reason": "owner"}


def test_reading_pages_says_nothing_to_the_database_of_who_reads(
    visitor: Client, ours: Organisation, count_queries: QueryCounter
) -> None:
    with count_queries() as statements:
        visitor.get(log_of(ours))
    assert not [statement for statement in statements if "set_config" in statement]


def test_the_organisations_page_leads_to_its_log(visitor: Client, ours: Organisation) -> None:
    assert f'href="{log_of(ours)}"' in visitor.get(f"/organisations/{ours.id}").text


def test_a_page_of_a_long_log_is_read_from_an_index(session: Session, make: Factory, ours: Organisation) -> None:
    """However much else is in the log, and however old the day that is asked for."""
    from marketplace.queries.audit import LogFilter, _entries, _key

    session.execute(
        text(
            "INSERT INTO audit_entry (actor_label, organisation_ids, subject_type, subject_id, table_name, action, at)"
            " SELECT 'system', '{}', 'listing', n, 'listing', 'update', now() - n * interval '1 minute'"
            " FROM generate_series(1, 20000) n"
        )
    )
    session.execute(text("INSERT INTO audit_reader SELECT n % 50, n FROM generate_series(1, 20000) n"))
    session.execute(text("ANALYZE audit_entry, audit_reader"))
    for wanted in (
        LogFilter(),
        LogFilter(organisation_id=ours.id),
        LogFilter(organisation_id=7, subject_type="listing", subject_id=3),
        LogFilter(day=local_date(datetime.now(UTC))),
    ):
        query = _entries(wanted).order_by(_key(wanted).desc()).limit(31)
        compiled = query.compile(session.connection(), compile_kwargs={"literal_binds": True})
        plan = "\n".join(session.scalars(text(f"EXPLAIN {str(compiled).replace(':', chr(92) + ':')}")))
        assert "Seq Scan on audit_entry" not in plan, plan
        assert "Seq Scan on audit_reader" not in plan, plan
