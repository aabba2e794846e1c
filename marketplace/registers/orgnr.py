"""Norwegian organisation numbers: nine digits, the last a check digit by modulus 11."""

import re

from stdnum.exceptions import ValidationError
from stdnum.no import orgnr

VAT_MARKS = re.compile(r"^\s*(?:NO|ORG\.?\s*NR\.?:?)?\s*|\s*(?:MVA)?\s*$", re.IGNORECASE)


def parse_org_number(written: str) -> str | None:
    """The nine digits of what a person wrote, or None where it is no organisation number.

    Spaces, dots, a leading "NO" or "Org.nr." and a trailing "MVA" are taken as decoration, since that is how the number
    stands on letterheads and invoices.
    """
    bare = re.sub(r"[\s.\u00a0-]", "", VAT_MARKS.sub("", written))
    if not (bare.isascii() and bare.isdecimal()):
        return None
    try:
        return str(orgnr.validate(bare))
    except ValidationError:
        return None


def format_org_number(org_number: str) -> str:
    """Grouped as people write it, with no-break spaces: 974 760 673."""
    return "\u00a0".join((org_number[:3], org_number[3:6], org_number[6:]))
