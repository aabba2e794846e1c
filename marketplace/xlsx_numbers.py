"""Numbers in an XLSX file as text: what their format makes of them, where that is more than rounding."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Final

BUILT_IN_FORMATS: Final = {
    "9": "0%",
    "10": "0.00%",
    **dict.fromkeys(("14", "15", "16", "17"), "yyyy-mm-dd"),
    **dict.fromkeys(("18", "19", "20", "21", "45", "46", "47"), "hh:mm"),
    "22": "yyyy-mm-dd hh:mm",
}
"""Those whose meaning differs from the number itself (ECMA-376 part 1, 18.8.30)."""

DAYS_TO_THE_YEAR_10000: Final = 2_957_004
"""From 1904; whatever is stored beyond is no day."""
LITERAL: Final = re.compile(r'"[^"]*"|\\.|_.|\*.')
BRACKETED: Final = re.compile(r"\[[^\]]*\]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What a number format does to the number, beyond rounding it."""

    is_date: bool
    is_percent: bool
    sign: str
    """A `<` or `>` that is written before the number."""


@lru_cache(maxsize=256)
def shape_of(code: str) -> Shape:
    """What a number format such as `0.00%` or `dd.mm.yyyy` does to positive numbers."""
    positive = BRACKETED.sub("", code).split(";")[0]
    bare = LITERAL.sub("", positive)
    written = positive.replace('"', "").replace("\\", "").lstrip()
    return Shape(
        is_date="general" not in bare.lower() and any(letter in "ymdhs" for letter in bare.lower()),
        is_percent="%" in bare,
        sign=written[0] if written[:1] in {"<", ">"} else "",
    )


def number_text(value: str, shape: Shape, *, counts_from_1904: bool) -> str:
    """What somebody reads in a cell that stores `value`.

    Raises ValueError: the value is no number.
    """
    number = float(value)
    if shape.is_date and 0 <= number < DAYS_TO_THE_YEAR_10000:
        return _date_text(number, counts_from_1904=counts_from_1904)
    if shape.is_percent:
        return f"{_plain(number * 100)}%"
    return shape.sign + _plain(number)


def _plain(number: float) -> str:
    """With a decimal point, and the 15 digits that a spreadsheet keeps: 0.1 + 0.2 is 0.3."""
    return f"{Decimal(f'{number:.15g}'):f}"


def _date_text(days: float, *, counts_from_1904: bool) -> str:
    """The day as 2027-03-01, with the time of day behind it where there is one; a time of day alone as 13:45."""
    # Excel has a 29th of February 1900, which never was.
    start = datetime(1904, 1, 1) if counts_from_1904 else datetime(1899, 12, 31 if days < 60 else 30)  # noqa: DTZ001
    moment = start + timedelta(seconds=round(days * 86400))
    if days < 1:
        return f"{moment:%H:%M}"
    return f"{moment:%Y-%m-%d}" if days == int(days) else f"{moment:%Y-%m-%d %H:%M}"
