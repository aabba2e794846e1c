"""Ids in the query of an address, such as where a page of a list begins; what cannot be an id counts for nothing."""

from typing import Any

from flask import request, url_for

from marketplace.queries.paging import Cursor, IdPage
from marketplace.web import LARGEST_ID


def cursor_from_address() -> Cursor:
    return Cursor(before=id_from_address("before"), after=id_from_address("after"))


def id_from_address(name: str) -> int | None:
    text = request.args.get(name, "")
    number = int(text) if text.isascii() and text.isdecimal() and len(text) <= len(str(LARGEST_ID)) else 0
    return number if 1 <= number <= LARGEST_ID else None


def page_links(page: IdPage[object], endpoint: str, **arguments: str | int | None) -> dict[str, str | None]:
    """The addresses for the `paging` macro."""

    def link(cursor: Cursor | None) -> str | None:
        if cursor is None:
            return None
        values: dict[str, Any] = {**arguments, "before": cursor.before, "after": cursor.after}
        return url_for(endpoint, **values)

    return {"previous_url": link(page.newer), "next_url": link(page.older)}
