"""The pages of factor sets, for administrators and for everybody."""

from http import HTTPStatus

import pytest
from sqlalchemy.orm import Session

from geo.factor_tables import factor_tables
from marketplace.models import FactorRow, FactorSet, User
from marketplace.queries.factor_sets import active_set, set_of_version
from marketplace.types import FactorSetStatus
from tests.conftest import Client
from tests.factories import Factory

ROCK = "material.aggregates.primary"


@pytest.fixture
def admin(make: Factory) -> User:
    return make.user(is_admin=True)


@pytest.fixture
def desk(client: Client, admin: User) -> Client:
    client.log_in_as(admin)
    client.in_english()
    return client


@pytest.fixture
def draft(session: Session) -> FactorSet:
    found = set_of_version(session, "norway-2026-draft")
    assert found is not None
    return found


def row_of(kept: FactorSet, key: str = ROCK) -> FactorRow:
    return next(row for row in kept.factors if row.key == key)


def figure(**values: object) -> dict[str, object]:
    return {
        "value": "3.2",
        "low": "1.5",
        "high": "8",
        "unit": "kg CO2e/t",
        "source": "NEPD-1234",
        "year": "2026",
        "is_verified": "y",
        "note": "",
        **values,
    }


def test_every_version_is_listed_with_how_far_it_has_come(desk: Client) -> None:
    page = desk.get("/admin/factors").text
    for said in ("desnz-2025", "norway-2026-draft", "desnz-2024", "In use", "Draft", "No longer in use"):
        assert said in page


def test_a_version_shows_each_figure_with_source_and_mark(desk: Client, session: Session) -> None:
    page = desk.get(f"/admin/factors/{active_set(session).id}").text
    assert "Four-axle tipper, 32 t: payload" in page
    assert "7.793" in page
    assert "UK Government greenhouse gas conversion factors for company reporting, 2025 (DESNZ)" in page
    assert "Unverified" in page


def test_a_version_in_use_has_no_forms(desk: Client, session: Session) -> None:
    used = active_set(session)
    page = desk.get(f"/admin/factors/{used.id}").text
    assert "Put it to use" not in page
    answer = desk.get(f"/admin/factors/figures/{row_of(used).id}")
    assert answer.status_code == HTTPStatus.SEE_OTHER


def test_a_copy_is_a_draft_to_work_on(desk: Client, session: Session) -> None:
    used = active_set(session)
    answer = desk.post(
        f"/admin/factors/{used.id}/copy", data={"version": "norway-2027", "name": "Norway 2027", "note": "EPDs"}
    )
    made = set_of_version(session, "norway-2027")
    assert made is not None
    assert answer.location == f"/admin/factors/{made.id}"
    assert made.status is FactorSetStatus.DRAFT


def test_a_copy_by_a_name_that_is_taken_says_so(desk: Client, session: Session) -> None:
    answer = desk.post(f"/admin/factors/{active_set(session).id}/copy", data={"version": "desnz-2024", "name": "Again"})
    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert "There is a version of this name already." in answer.text
    assert 'value="Again"' in answer.text


def test_a_figure_is_edited(desk: Client, draft: FactorSet, session: Session) -> None:
    row = row_of(draft)
    assert desk.post(f"/admin/factors/figures/{row.id}", data=figure()).status_code == HTTPStatus.SEE_OTHER
    session.refresh(row)
    assert (str(row.value.normalize()), row.source, row.is_verified) == ("3.2", "NEPD-1234", True)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"value": "9"}, "The high figure is below the figure itself."),
        ({"value": "0.1"}, "The low figure is above the figure itself."),
        ({"value": ""}, "Enter the figure."),
        ({"value": "many"}, "Enter a number, with digits only."),
        ({"low": "-1"}, "A factor cannot be negative."),
        ({"source": ""}, "Say where the figure comes from."),
        ({"year": "last"}, "Enter a year of four digits."),
        ({"unit": "t"}, "Not a valid choice"),
    ],
)
def test_a_figure_that_cannot_be_is_told_and_what_was_typed_stays(
    desk: Client, draft: FactorSet, wrong: dict[str, object], said: str
) -> None:
    answer = desk.post(f"/admin/factors/figures/{row_of(draft).id}", data=figure(note="typed with care", **wrong))
    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert said in answer.text
    assert "typed with care" in answer.text


def test_who_saves_over_a_figure_that_changed_is_told(desk: Client, draft: FactorSet) -> None:
    address = f"/admin/factors/figures/{row_of(draft).id}"
    answer = desk.post(address, data=figure(version="of another day"))
    assert answer.status_code == HTTPStatus.CONFLICT
    assert "Somebody else changed this" in answer.text


def test_a_figure_is_added(desk: Client, draft: FactorSet, session: Session) -> None:
    data = figure(key="vehicle.dumper.payload", value="28", low="", high="", unit="t")
    assert desk.post(f"/admin/factors/{draft.id}/add", data=data).status_code == HTTPStatus.SEE_OTHER
    session.expire(draft)
    assert row_of(draft, "vehicle.dumper.payload").low == 28


def test_a_figure_that_the_method_does_not_know_is_not_added(desk: Client, draft: FactorSet) -> None:
    answer = desk.post(f"/admin/factors/{draft.id}/add", data=figure(key="colour.of.stones"))
    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert "The method knows no figure colour.of.stones." in answer.text


def test_name_and_defaults_are_edited(desk: Client, draft: FactorSet, session: Session) -> None:
    data = {"name": "Rock", "default_vehicle": "truck_trailer", "default_fuel": "hvo", "note": ""}
    assert desk.post(f"/admin/factors/{draft.id}/edit", data=data).status_code == HTTPStatus.SEE_OTHER
    session.refresh(draft)
    assert (draft.name, draft.default_vehicle, draft.default_fuel) == ("Rock", "truck_trailer", "hvo")


def test_a_draft_is_put_to_use(desk: Client, draft: FactorSet, session: Session) -> None:
    desk.post(f"/admin/factors/{draft.id}/activate")
    assert active_set(session).version == "norway-2026-draft"


def test_a_version_that_lacks_a_figure_says_which(desk: Client, draft: FactorSet, session: Session) -> None:
    session.delete(row_of(draft, "default.haulage_price"))
    session.commit()
    answer = desk.post(f"/admin/factors/{draft.id}/activate")
    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert "default.haulage_price" in answer.text


def test_a_draft_is_deleted(desk: Client, draft: FactorSet, session: Session) -> None:
    desk.post(f"/admin/factors/{draft.id}/discard")
    assert set_of_version(session, "norway-2026-draft") is None


def test_what_is_no_draft_is_not_deleted(desk: Client, session: Session) -> None:
    used = active_set(session)
    desk.post(f"/admin/factors/{used.id}/discard")
    assert active_set(session).id == used.id


def test_a_note_that_nobody_changed_stays_in_both_languages(
    client: Client, session: Session, admin: User, draft: FactorSet
) -> None:
    client.log_in_as(admin)
    row = row_of(draft, "material.concrete.primary")
    kept, address = row.note, f"/admin/factors/figures/{row.id}"
    assert "Godskrives aldri" in client.get(address).text
    shown = factor_tables().notes_no[kept]
    data = figure(value="118,793", low="90", high="150", source=row.source, year="2025", note=shown)
    assert client.post(address, data=data).status_code == HTTPStatus.SEE_OTHER
    session.refresh(row)
    assert row.note == kept


def test_a_name_that_nobody_changed_stays_in_both_languages(
    client: Client, session: Session, admin: User, draft: FactorSet
) -> None:
    client.log_in_as(admin)
    assert 'value="Norsk pukk"' in client.get(f"/admin/factors/{draft.id}").text
    data = {"name": "Norsk pukk", "default_vehicle": "tipper_4axle", "default_fuel": "hvo", "note": ""}
    client.post(f"/admin/factors/{draft.id}/edit", data=data)
    session.refresh(draft)
    assert (draft.name, draft.default_fuel) == ("Norwegian crushed rock", "hvo")


def test_the_log_names_the_version_that_a_figure_was_changed_in(desk: Client, draft: FactorSet) -> None:
    desk.post(f"/admin/factors/figures/{row_of(draft).id}", data=figure())
    page = desk.get("/admin/log").text
    assert "Norwegian crushed rock" in page
    assert f'href="/admin/factors/{draft.id}"' in page


# Everybody ------------------------------------------------------------------------------------------------------------


def test_the_page_of_the_method_promises_no_more_than_the_rule_keeps(client: Client) -> None:
    page = client.in_english().get("/impact/method").text
    assert "Several answers that are compared" in page
    assert "single deals are not shown" not in page


def test_everybody_reads_the_method_its_figures_and_the_rule_of_disclosure(client: Client) -> None:
    client.in_english()
    page = client.get("/impact/method").text
    assert 'id="disclosure"' in page
    for said in ("desnz-2025", "7.793", "Open Government Licence v3.0", "at least 3 deals and 3 different"):
        assert said in page


def test_notes_and_sources_are_norwegian_for_norwegians(client: Client) -> None:
    page = client.get("/impact/method").text
    assert "Ingeniørmessig standardverdi" in page
    assert "knust betong erstatter tilslag" in page
    assert "Range: engineering judgement" not in page
