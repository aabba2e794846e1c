"""The API for other systems: JSON in, JSON or problem+json out, described by OpenAPI 3.1 at /api/v1/openapi.json.

A system shows a token of its organisation (`Authorization: Bearer msf_...`); a browser's cookie opens nothing here.
"""

from typing import Any

from flask import Response, jsonify
from flask_openapi3.models.info import Info
from flask_openapi3.openapi import OpenAPI

from marketplace.api import deals
from marketplace.api.problems import Problem as Problem
from marketplace.api.problems import refuse_body as refuse_body
from marketplace.permissions import Permission
from marketplace.web.access import requires
from marketplace.web.security import csrf

INFO = Info(title="Masseflyt", version="1", description="Deals and their weighed loads.")
SECURITY_SCHEMES: dict[str, Any] = {"token": {"type": "http", "scheme": "bearer"}}


def init_app(app: OpenAPI) -> None:
    csrf.exempt(deals.bp)  # no cookie opens it, so no other site can use one
    app.register_api(deals.bp)

    @app.get("/api/v1/openapi.json", endpoint="api_description", doc_ui=False)
    @requires(Permission.PUBLIC)
    def description() -> Response:
        return jsonify(app.api_doc)
