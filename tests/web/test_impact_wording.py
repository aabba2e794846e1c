"""What a comparison says in a line."""

from collections.abc import Iterator
from decimal import Decimal

import pytest
from flask import Flask
from flask_babel import Babel, force_locale

from geo.impact import Leg, Method, Role, ledger_of, rates_of
from marketplace.impact_wording import in_short
from tests.geo.test_impact import golden, ranged

NBSP = "\N{NO-BREAK SPACE}"


@pytest.fixture(autouse=True)
def _english() -> Iterator[None]:
    app = Flask(__name__)
    Babel(app, default_locale="nb")
    with app.test_request_context(), force_locale("en"):
        yield


def said(to_landfill: int, haul: int, *, method: Method = Method.ESTIMATE) -> str:
    legs = (
        Leg(role=Role.TO_LANDFILL, origin="i", destination="L", length_km=Decimal(to_landfill)),
        Leg(role=Role.HAUL, origin="i", destination="j", length_km=Decimal(haul)),
    )
    circuity = ranged("1.20", "1.30", "1.45", "1")
    case = golden(method=method, circuity=circuity, legs=legs, substitution=Decimal(0))
    return in_short(ledger_of(rates_of(case), Decimal(16)), comparison=case).replace(NBSP, " ")


def test_the_line_has_its_range() -> None:
    assert said(200, 100).startswith("Expected to spare 260 km (240\N{EN DASH}290) of lorry driving, ")
    assert "sign" not in said(200, 100)


def test_what_is_added_has_its_range_the_right_way_round() -> None:
    assert said(100, 200).startswith("Expected to add 260 km (240\N{EN DASH}290) of lorry driving, ")


def test_two_sides_that_are_close_say_that_the_sign_is_not_certain() -> None:
    assert said(110, 100).endswith(". The sign is not certain: roads differ from leg to leg")
    assert "sign" not in said(110, 100, method=Method.ROAD)
