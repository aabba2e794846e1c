"""Numbers and days as people in Norway write them, in a form or in a table."""

import re
from datetime import date, datetime
from decimal import Decimal

LONGEST_NUMBER = 40

_SPACES = re.compile(r"\s+")  # \s holds the no-break, narrow no-break and thin space too
_NUMBER = re.compile(
    r"(?P<minus>-?)"
    r"(?P<whole>[1-9][0-9]{0,2}(?:(?P<group>[ .,])[0-9]{3})(?:(?P=group)[0-9]{3})*|[0-9]+)"
    r"(?:(?P<mark>[.,])(?P<decimals>[0-9]+))?"
)


class UnclearNumber(ValueError):
    """`12.000` may be twelve or twelve thousand: the caller must not guess."""


def read_decimal(text: str, *, decimal_sign: str = ",", has_groups: bool = True) -> Decimal:
    """The number in `text`: 1 200,5 and 1200.5 and 1.200,5 alike.

    A point or comma before three last digits is the decimal sign where it is `decimal_sign`, and unclear where it is
    the other one. Without `has_groups` it is always a decimal sign: for densities and degrees.

    Raises:
        UnclearNumber: as above.
        ValueError: no number, among them NaN, Infinity and powers of ten.
    """
    plain = _SPACES.sub(" ", text.strip()).replace("\N{MINUS SIGN}", "-")
    found = _NUMBER.fullmatch(plain) if len(plain) <= LONGEST_NUMBER else None
    if found is None:
        raise ValueError(f"no number: {plain[:LONGEST_NUMBER]}")
    whole, group, mark, decimals = found.group("whole", "group", "mark", "decimals")
    if mark is not None and mark == group:
        raise ValueError(f"no number: {plain}")
    if group in (".", ",") and mark is None and whole.count(group) == 1:
        if has_groups and group != decimal_sign:
            raise UnclearNumber(plain)
        whole, decimals = whole.split(group)
    elif group in (".", ",") and not has_groups:
        raise ValueError(f"no number: {plain}")
    digits = re.sub(r"[ .,]", "", whole)
    return Decimal(f"{found['minus']}{digits}" + (f".{decimals}" if decimals else ""))


def two_readings(unclear: str, *, decimal_sign: str) -> tuple[str, str]:
    """How to write each of the two numbers that an unclear one may be: 12000 and 12,0 for `12.000`."""
    whole, decimals = re.split(r"[.,]", unclear)
    return whole + decimals, whole + decimal_sign + (decimals.rstrip("0") or "0")


DAY_PATTERNS = ("%Y-%m-%d", "%d.%m.%Y", "%d/%m/%Y")


def read_day(text: str) -> date:
    """The day in `text`: 2027-03-01 as browsers and spreadsheets write it, 1.3.2027 or 1/3/2027 as people do.

    Raises:
        ValueError: no such day.
    """
    for pattern in DAY_PATTERNS:
        try:
            return datetime.strptime(text, pattern).date()  # noqa: DTZ007 - a day has no time zone
        except ValueError:
            continue
    raise ValueError(f"no day: {text[:LONGEST_NUMBER]}")
