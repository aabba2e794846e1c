"""`masseflyt impact verify` and `rebuild`, on a database of their own."""

from decimal import Decimal

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import Engine, text

from marketplace.cli import cli
from marketplace.db import make_sessions
from marketplace.types import DealStatus, FacilityKind, TicketStatus
from tests.conftest import NOW
from tests.factories import Factory


@pytest.fixture
def filled(committing_engine: Engine) -> Engine:
    """An agreed deal with loads, and no record."""
    with make_sessions(committing_engine).begin() as session:
        make = Factory(session, now=NOW)
        make.facility(kind=FacilityKind.LANDFILL, position=(10.21, 59.705), accepts=["blasted_rock"])
        deal = make.deal(status=DealStatus.AGREED)
        for _ in range(3):
            make.ticket(deal, mass_t=Decimal("17.2"), status=TicketStatus.CONFIRMED)
    return committing_engine


def run(engine: Engine, command: str) -> Result:
    environment = {
        "DATABASE_URL": engine.url.render_as_string(hide_password=False),
        "SECRET_KEY": "only-for-tests-only-for-tests-only-for-tests",
    }
    return CliRunner().invoke(cli, ["impact", command], env=environment)


def change(engine: Engine, statement: str) -> None:
    tables = ("deal_month", "flow_month")
    with engine.begin() as connection:
        for table in tables:
            connection.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
        connection.execute(text(statement))
        for table in tables:
            connection.execute(text(f"ALTER TABLE {table} ENABLE TRIGGER USER"))


def test_a_deal_without_a_record_is_named_and_gets_one(filled: Engine) -> None:
    before = run(filled, "verify")
    assert before.exit_code == 1
    assert "1 agreed deals without a record" in before.stderr
    rebuilt = run(filled, "rebuild")
    assert rebuilt.exit_code == 0
    assert "1 records written; 0 deals and 0 sums by way put right" in rebuilt.stdout
    after = run(filled, "verify")
    assert after.exit_code == 0
    assert "The sums hold: 1 records" in after.stdout


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE deal_month SET avoided_t = avoided_t - 1",
        "UPDATE deal_month SET central[1] = central[1] + 1",
        "DELETE FROM deal_month",
        "UPDATE flow_month SET low[3] = low[3] - 0.001",
        "DELETE FROM flow_month",
    ],
)
def test_what_has_drifted_is_found_and_put_right(filled: Engine, statement: str) -> None:
    run(filled, "rebuild")
    change(filled, statement)
    assert run(filled, "verify").exit_code == 1
    assert run(filled, "rebuild").exit_code == 0
    assert run(filled, "verify").exit_code == 0


def test_a_second_rebuild_writes_nothing(filled: Engine) -> None:
    run(filled, "rebuild")
    assert "0 records written; 0 deals and 0 sums by way" in run(filled, "rebuild").stdout
