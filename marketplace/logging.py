"""Structured logs: one line an event, with the request's id in each."""

import logging
import re
import time
import uuid

import structlog
from flask import Flask, Response, g, request

from marketplace.config import Settings

REQUEST_ID_HEADER = "X-Request-ID"
ACCEPTED_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
QUIET_PATHS = ("/static/", "/healthz", "/readyz", "/basemap/")

log: structlog.stdlib.BoundLogger = structlog.get_logger("masseflyt")


def configure(settings: Settings) -> None:
    """Set up structlog, and let the standard library's warnings through the same renderer."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if settings.log_format == "json"
        # Plain tracebacks: the decorated ones print local variables, and passwords are among those.
        else structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    )
    level = getattr(logging, settings.log_level.upper())
    structlog.configure(
        processors=[*shared, structlog.processors.format_exc_info, renderer]
        if settings.log_format == "json"
        else [*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler()
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(processor=renderer, foreign_pre_chain=shared))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(max(level, logging.WARNING))


def init_app(app: Flask) -> None:
    @app.before_request
    def open_context() -> None:
        given = request.headers.get(REQUEST_ID_HEADER, "")
        g.request_id = given if ACCEPTED_REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
        g.started = time.perf_counter()
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=g.request_id)

    @app.after_request
    def log_request(response: Response) -> Response:
        response.headers[REQUEST_ID_HEADER] = g.get("request_id", "")
        if not request.path.startswith(QUIET_PATHS):
            log.info(
                "request",
                method=request.method,
                path=request.path,
                endpoint=request.endpoint,
                status=response.status_code,
                duration_ms=round((time.perf_counter() - g.get("started", time.perf_counter())) * 1000, 1),
            )
        return response
