"""What the pool hands out works, whatever the server did to its connections meanwhile."""

import time

from sqlalchemy import Engine, text

from marketplace.config import Settings
from marketplace.db import make_engine

OWN_PID = text("SELECT pg_backend_pid()")


def test_a_connection_that_the_server_dropped_is_replaced(settings: Settings, engine: Engine) -> None:
    pool = make_engine(settings)
    with pool.connect() as connection:
        dropped = connection.scalar(OWN_PID)
    with engine.connect() as other:
        other.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": dropped})
        for _ in range(100):
            if not other.scalar(text("SELECT count(*) FROM pg_stat_activity WHERE pid = :pid"), {"pid": dropped}):
                break
            time.sleep(0.02)
    with pool.connect() as connection:
        assert connection.scalar(OWN_PID) != dropped
    pool.dispose()


def test_an_idle_connection_is_handed_out_again(settings: Settings) -> None:
    pool = make_engine(settings)
    pids = set()
    for _ in range(3):
        with pool.connect() as connection:
            pids.add(connection.scalar(OWN_PID))
    pool.dispose()
    assert len(pids) == 1
