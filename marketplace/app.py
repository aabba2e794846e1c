"""The web application, put together; reads like a table of contents."""

from flask_openapi3.openapi import OpenAPI
from sqlalchemy import Connection, Engine
from werkzeug.middleware.proxy_fix import ProxyFix

from marketplace import api, db, filters, i18n, labels, logging, maps, quality_wording, routing, web
from marketplace.config import ROOT, Settings, load_settings
from marketplace.storage import Storage, open_storage
from marketplace.web import access, errors, road_words, security


class MasseflytApp(OpenAPI):
    settings: Settings
    storage: Storage
    """Where uploaded files lie."""


def build_app(settings: Settings | None, *, bind: Engine | Connection | None, testing: bool) -> MasseflytApp:
    settings = settings or load_settings()
    app = MasseflytApp(
        "marketplace",
        root_path=str(ROOT / "marketplace"),
        template_folder=str(ROOT / "templates"),
        info=api.INFO,
        security_schemes=api.SECURITY_SCHEMES,
        validation_error_model=api.Problem,
        validation_error_callback=api.refuse_body,
        doc_ui=False,  # the description is served by the api itself
    )
    app.settings = settings
    app.storage = open_storage(settings.documents_url)
    app.testing = testing
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    logging.configure(settings)
    routing.configure(settings)

    logging.init_app(app)
    security.init_app(app, settings)
    # Registered before the views' own hooks, and run after them: the commit is the last thing a request does.
    db.init_app(app, bind if bind is not None else db.make_engine(settings))
    i18n.init_app(app)
    access.init_app(app)
    filters.init_app(app)
    labels.init_app(app)
    quality_wording.init_app(app)
    maps.init_app(app)
    road_words.init_app(app)
    errors.init_app(app)
    web.init_app(app)
    api.init_app(app)
    access.require_declarations(app)

    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
    return app
