"""Running the tasks, until told to stop or until none is left."""

import procrastinate
from sqlalchemy import Engine, make_url

from marketplace.config import Settings
from marketplace.db import make_engine, make_sessions
from marketplace.jobs.app import RUNTIME, Runtime, app
from marketplace.mailing import MailRenderer
from marketplace.services.mail import LocalOutbox, SmtpServer
from marketplace.storage import open_storage

CONCURRENCY = 2
STOP_WITHIN_S = 20.0


def make_runtime(settings: Settings, engine: Engine) -> Runtime:
    smtp_url = settings.smtp_url.get_secret_value() if settings.smtp_url else ""
    return Runtime(
        settings=settings,
        sessions=make_sessions(engine),
        render=MailRenderer(settings),
        transport=SmtpServer(smtp_url) if smtp_url else LocalOutbox(),
        storage=open_storage(settings.documents_url),
    )


def connection_string(settings: Settings) -> str:
    """The settings' database as libpq takes it, without the name of SQLAlchemy's driver."""
    assert settings.database_url is not None
    return make_url(settings.database_url).set(drivername="postgresql").render_as_string(hide_password=False)


def run_worker(settings: Settings, *, wait: bool = True, handle_signals: bool = True) -> None:
    """Do queued jobs, and the periodic ones when they are due, until SIGTERM or SIGINT.

    With `wait` False it returns when the queue is empty. Without `handle_signals` it can run beside something else that
    looks after signals.
    """
    engine = make_engine(settings, application_name="masseflyt worker")
    connector = procrastinate.PsycopgConnector(
        conninfo=connection_string(settings), kwargs={"application_name": "masseflyt worker"}, max_size=CONCURRENCY + 3
    )
    try:
        with app.replace_connector(connector):
            app.run_worker(
                concurrency=CONCURRENCY,
                wait=wait,
                install_signal_handlers=handle_signals,
                shutdown_graceful_timeout=STOP_WITHIN_S,
                delete_jobs="successful",
                additional_context={RUNTIME: make_runtime(settings, engine)},
            )
    finally:
        engine.dispose()
