"""The HTML edge: one blueprint a noun."""

from importlib import import_module

from flask import Flask
from werkzeug.routing import IntegerConverter

from marketplace.lifetime import is_under_development
from marketplace.web import demo

LARGEST_ID = 2**63 - 1

BLUEPRINTS = (
    "basemap",
    "facilities",
    "front",
    "sign_up",
    "accounts",
    "invitations",
    "organisations",
    "reports",
    "verification",
    "admin",
    "admin_organisations",
    "admin_people",
    "admin_factors",
    "admin_what_if",
    "outbox",
    "demo_log_ins",
    "language",
    "health",
    "projects",
    "listings",
    "quality",
    "lab_results",
    "freshness",
    "documents",
    "matches",
    "mass_plans",
    "plan_grid",
    "plan_listings",
    "plan_files",
    "reductions",
    "impact_method",
    "climate",
    "bulk",
    "passports",
    "audit",
    "deals",
    "deal_messages",
    "enquiries",
    "notices",
    "deal_requests",
    "deal_papers",
    "recovery",
    "deal_impact",
    "statements",
    "api_tokens",
    "ticket_files",
    "tickets",
    "gate_links",
    "gate",
    "geocode",
    "search",
    "saved_searches",
    "regions",
    "flows",
    "exports",
    "region_reports",
    "public_impact",
    "unsubscribe",
)


class IdConverter(IntegerConverter):
    """A positive id that fits a bigint; anything else is no address of ours."""

    def __init__(self, url_map: object) -> None:
        super().__init__(url_map, min=1, max=LARGEST_ID)  # type: ignore[arg-type]


def init_app(app: Flask) -> None:
    app.url_map.converters["id"] = IdConverter
    demo.init_app(app)
    for name in BLUEPRINTS:
        app.register_blueprint(import_module(f"marketplace.web.{name}").bp)
    if app.testing or is_under_development():
        app.register_blueprint(import_module("marketplace.web.styleguide").bp)
