"""Organisation numbers for examples: they pass modulus 11, and no real enterprise can ever hold one."""

from collections.abc import Iterator
from typing import Final

from stdnum.no import orgnr

REAL_SERIES: Final = ("8", "9")
"""Enhetsregisteret gives out nine digits that begin with 8 or 9 (Brønnøysundregistrene, Om organisasjonsnummeret)."""

DEMO_SERIES: Final = "1"
SCALE_SERIES: Final = "2"


def example_org_numbers(series: str, *, after: str | None = None) -> Iterator[str]:
    """Numbers of an example series in rising order, from the first one greater than `after`."""
    serial = int(after[1:8]) + 1 if after else 1
    for n in range(serial, 10**7):
        stem = f"{series}{n:07d}"
        check_digit = -orgnr.checksum(f"{stem}0") % 11
        if check_digit < 10:  # a remainder of ten has no digit; such numbers are skipped
            yield f"{stem}{check_digit}"
