"""Versions of the figures: loading them, and changing drafts."""

from dataclasses import replace
from datetime import datetime
from decimal import Decimal

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from geo.factor_tables import factor_tables
from marketplace.actor import Actor
from marketplace.errors import Conflict, Forbidden, InvalidInput, NotFound
from marketplace.models import FactorRow, FactorSet
from marketplace.queries.factor_sets import active_set, all_sets, figures_of, find_set, set_of_version
from marketplace.services import factor_sets as services
from marketplace.services.editing import ChangedMeanwhile
from marketplace.services.factor_sets import FactorValues, factor_version, load_factor_sets
from marketplace.types import FactorSetStatus
from tests.conftest import QueryCounter
from tests.factories import Factory

ROCK = "material.aggregates.primary"
VALUES = FactorValues(
    low=Decimal("1.5"),
    value=Decimal("3.5"),
    high=Decimal(8),
    unit="kg CO2e/t",
    source="NEPD-1234",
    year=2026,
    is_verified=True,
    note="Seen.",
)


@pytest.fixture
def admin(make: Factory) -> Actor:
    return make.actor(make.user(is_admin=True))


def kept(session: Session, version: str) -> FactorSet:
    found = set_of_version(session, version)
    assert found is not None
    return found


def row_of(found: FactorSet, key: str) -> FactorRow:
    return next(row for row in found.factors if row.key == key)


@pytest.fixture
def draft(session: Session, admin: Actor, now: datetime) -> FactorSet:
    return services.copy_set(session, admin, set_id=active_set(session).id, version="test-2027", name="A test", now=now)


# Reference data -------------------------------------------------------------------------------------------------------


def test_the_reference_data_holds_every_set_of_the_tables(session: Session) -> None:
    loaded = {each.version: figures_of(kept(session, each.version)) for each in all_sets(session)}
    assert {version: dict(each.factors) for version, each in loaded.items()} == {
        version: dict(each.figures.factors) for version, each in factor_tables().sets.items()
    }
    assert active_set(session).version == "desnz-2025"


def test_loading_again_adds_nothing(session: Session) -> None:
    assert load_factor_sets(session) == 0


def test_loading_again_leaves_what_somebody_changed(session: Session, admin: Actor, now: datetime) -> None:
    row = row_of(kept(session, "norway-2026-draft"), ROCK)
    services.edit_factor(
        session, admin, factor_id=row.id, values=replace(VALUES, value=Decimal(4)), now=now, seen_version=None
    )
    load_factor_sets(session)
    session.refresh(row)
    assert row.value == 4


# Drafts ---------------------------------------------------------------------------------------------------------------


def test_a_copy_has_the_same_figures_and_is_a_draft(session: Session, draft: FactorSet) -> None:
    assert draft.status is FactorSetStatus.DRAFT
    assert draft.copied_from_id == active_set(session).id
    assert figures_of(draft).factors == figures_of(active_set(session)).factors


@pytest.mark.parametrize("version", ["desnz-2025", "", "A b", "æøå", "x" * 61])
def test_a_copy_needs_a_name_of_its_own(session: Session, admin: Actor, now: datetime, version: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        services.copy_set(session, admin, set_id=active_set(session).id, version=version, name="A test", now=now)
    assert [each.field for each in refused.value.errors] == ["version"]


def test_a_figure_of_a_draft_is_changed(session: Session, admin: Actor, draft: FactorSet, now: datetime) -> None:
    row = row_of(draft, ROCK)
    services.edit_factor(session, admin, factor_id=row.id, values=VALUES, now=now, seen_version=factor_version(row))
    changed = figures_of(draft).material("aggregates").primary
    assert (changed.low, changed.value, changed.high) == (Decimal("1.5"), Decimal("3.5"), 8)
    assert changed.source == "NEPD-1234"


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("high", {"value": Decimal(9)}),
        ("value", {"unit": "kg"}),
        ("value", {"low": Decimal(-1)}),
        ("source", {"source": " "}),
        ("year", {"year": 1066}),
        ("high", {"high": Decimal(1_000_000)}),
        ("low", {"low": Decimal("1.0000000001")}),
    ],
)
def test_a_figure_that_cannot_be_is_refused(
    session: Session, admin: Actor, draft: FactorSet, now: datetime, field: str, wrong: dict[str, object]
) -> None:
    with pytest.raises(InvalidInput) as refused:
        services.edit_factor(
            session,
            admin,
            factor_id=row_of(draft, ROCK).id,
            values=replace(VALUES, **wrong),  # type: ignore[arg-type]
            now=now,
            seen_version=None,
        )
    assert [each.field for each in refused.value.errors] == [field]


def test_the_second_of_two_who_change_a_figure_is_told(
    session: Session, admin: Actor, draft: FactorSet, now: datetime
) -> None:
    row = row_of(draft, ROCK)
    seen = factor_version(row)
    services.edit_factor(session, admin, factor_id=row.id, values=VALUES, now=now, seen_version=seen)
    with pytest.raises(ChangedMeanwhile):
        services.edit_factor(session, admin, factor_id=row.id, values=VALUES, now=now, seen_version=seen)


def test_a_lorry_can_be_added(session: Session, admin: Actor, draft: FactorSet, now: datetime) -> None:
    for part, unit in (("payload", "t"), ("full", "l/km"), ("empty", "l/km")):
        services.add_factor(
            session, admin, set_id=draft.id, key=f"vehicle.dumper.{part}", values=replace(VALUES, unit=unit), now=now
        )
    services.edit_set(
        session,
        admin,
        set_id=draft.id,
        name="With a dumper",
        default_vehicle="dumper",
        default_fuel="hvo",
        note="",
    )
    assert figures_of(draft).vehicle().payload_t == Decimal("3.5")


@pytest.mark.parametrize("key", ["vehicle.dumper.colour", ROCK])
def test_a_figure_that_is_unknown_or_there_is_not_added(
    session: Session, admin: Actor, draft: FactorSet, now: datetime, key: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        services.add_factor(session, admin, set_id=draft.id, key=key, values=VALUES, now=now)
    assert [each.field for each in refused.value.errors] == ["key"]


def test_defaults_must_be_in_the_version(session: Session, admin: Actor, draft: FactorSet) -> None:
    with pytest.raises(InvalidInput) as refused:
        services.edit_set(
            session, admin, set_id=draft.id, name="", default_vehicle="ship", default_fuel="steam", note=""
        )
    assert [each.field for each in refused.value.errors] == ["name", "default_vehicle", "default_fuel"]


def test_a_draft_is_discarded(session: Session, admin: Actor, draft: FactorSet) -> None:
    services.discard_draft(session, admin, set_id=draft.id)
    assert set_of_version(session, "test-2027") is None


def test_a_draft_that_was_copied_is_not_discarded(
    session: Session, admin: Actor, draft: FactorSet, now: datetime
) -> None:
    services.copy_set(session, admin, set_id=draft.id, version="test-2028", name="Another", now=now)
    with pytest.raises(Conflict, match="copied from this one"):
        services.discard_draft(session, admin, set_id=draft.id)


# In use ---------------------------------------------------------------------------------------------------------------


def test_a_draft_becomes_the_version_that_all_is_worked_out_with(
    session: Session, admin: Actor, draft: FactorSet, now: datetime
) -> None:
    services.activate(session, admin, set_id=draft.id, now=now)
    assert active_set(session).version == "test-2027"
    assert kept(session, "desnz-2025").status is FactorSetStatus.RETIRED
    assert draft.activated_at == now


def test_a_retired_version_can_be_put_to_use_again(session: Session, admin: Actor, now: datetime) -> None:
    services.activate(session, admin, set_id=kept(session, "desnz-2024").id, now=now)
    assert active_set(session).version == "desnz-2024"
    with pytest.raises(Conflict):
        services.activate(session, admin, set_id=kept(session, "desnz-2024").id, now=now)


def test_a_version_that_lacks_something_is_not_put_to_use(
    session: Session, admin: Actor, draft: FactorSet, now: datetime
) -> None:
    session.delete(row_of(draft, "default.landfill_height"))
    session.flush()
    session.expire(draft, ["factors"])
    with pytest.raises(InvalidInput):
        services.activate(session, admin, set_id=draft.id, now=now)
    assert active_set(session).version == "desnz-2025"


def test_what_is_no_draft_is_not_changed(session: Session, admin: Actor, now: datetime) -> None:
    used = active_set(session)
    row = row_of(used, ROCK)
    with pytest.raises(Conflict):
        services.edit_factor(session, admin, factor_id=row.id, values=VALUES, now=now, seen_version=None)
    with pytest.raises(Conflict):
        services.add_factor(session, admin, set_id=used.id, key="fuel.steam.ttw", values=VALUES, now=now)
    with pytest.raises(Conflict):
        services.discard_draft(session, admin, set_id=used.id)


@pytest.mark.parametrize(
    "change",
    [
        update(FactorRow).where(FactorRow.key == ROCK).values(value=3),
        update(FactorSet).where(FactorSet.version == "desnz-2025").values(default_fuel="hvo"),
        update(FactorSet).where(FactorSet.version == "desnz-2025").values(status="draft", activated_at=None),
    ],
)
def test_the_database_refuses_to_change_what_is_no_draft(session: Session, change: object) -> None:
    with pytest.raises(DBAPIError, match="never changed"):
        session.execute(change)  # type: ignore[call-overload]


def test_only_administrators_change_anything(session: Session, make: Factory, now: datetime) -> None:
    stranger, used = make.actor(make.user()), active_set(session)
    with pytest.raises(Forbidden):
        services.copy_set(session, stranger, set_id=used.id, version="mine", name="Mine", now=now)
    with pytest.raises(Forbidden):
        services.activate(session, stranger, set_id=used.id, now=now)


def test_what_is_not_there_is_not_found(session: Session, admin: Actor, now: datetime) -> None:
    with pytest.raises(NotFound):
        services.copy_set(session, admin, set_id=987_654, version="new", name="New", now=now)
    assert find_set(session, set_id=987_654) is None


def test_reading_a_set_takes_two_statements_however_many_figures_it_has(
    session: Session, count_queries: QueryCounter
) -> None:
    figures = session.scalar(select(func.count()).select_from(FactorRow))
    assert figures is not None
    assert figures > 100
    with count_queries() as statements:
        figures_of(active_set(session))
    assert len(statements) == 2
