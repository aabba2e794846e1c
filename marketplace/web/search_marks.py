"""A place in the order of results as an address holds it, and back."""

import base64
import binascii
import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from marketplace.queries.search import Mark, Sort

LARGEST_ID = 2**63 - 1
LARGEST_MASS_T = Decimal(10) ** 9


def write_mark(mark: Mark) -> str:
    key = mark.key.isoformat() if isinstance(mark.key, datetime) else str(mark.key)
    written = json.dumps([mark.sort.value, key, mark.listing_id, mark.rank], separators=(",", ":"))
    return base64.urlsafe_b64encode(written.encode()).decode().rstrip("=")


def read_mark(text: str | None) -> Mark | None:
    """The place in the results that a link leads on from; None, the beginning, for what is no such place.

    A mark holds nothing secret: whoever makes one up starts somewhere else in a list that everybody may see.
    """
    if not text or len(text) > 300:
        return None
    try:
        padded = text + "=" * (-len(text) % 4)
        written = base64.b64decode(padded.encode("ascii"), altchars=b"-_", validate=True)
        sort_name, key, listing_id, rank = json.loads(written)
        sort = Sort(sort_name)
        read_key = _MARK_KEYS[sort](key)
    except (ValueError, TypeError, AttributeError, InvalidOperation, OverflowError, RecursionError, binascii.Error):
        return None
    is_id = type(listing_id) is int and 0 < listing_id <= LARGEST_ID
    is_rank = type(rank) is int and 0 <= rank <= LARGEST_ID
    return Mark(sort=sort, key=read_key, listing_id=listing_id, rank=rank) if is_id and is_rank else None


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _mass(text: str) -> Decimal:
    mass = Decimal(text)
    if not (mass.is_finite() and abs(mass) <= LARGEST_MASS_T and mass == round(mass, 6)):
        raise ValueError(text)
    return mass


def _metres(text: str) -> float:
    metres = float(text)
    if not math.isfinite(metres):
        raise ValueError(text)
    return metres


_MARK_KEYS: Mapping[Sort, Any] = {Sort.NEWEST: _moment, Sort.QUANTITY: _mass, Sort.DISTANCE: _metres}
