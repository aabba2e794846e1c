"""Which months a page about a region shows, whatever its address asks for."""

import pytest

from tests.conftest import Client

NOT_UNDERSTOOD = "The months in the address were not understood."


@pytest.mark.parametrize("page", ["dashboard", "flows", "deals", "report", "export"])
@pytest.mark.parametrize(
    ("query", "is_said"),
    [("", False), ("&from=2026-01&to=2026-06", False), ("&from=soon&to=2026-06", True), ("&to=9999-12", True)],
)
def test_the_page_says_when_it_shows_other_months_than_asked_for(
    client: Client, page: str, query: str, is_said: bool
) -> None:
    html = client.in_english().get(f"/regions/{page}?municipality=3201{query}").get_data(as_text=True)
    assert (NOT_UNDERSTOOD in html) is is_said
