"""Text that people typed, made fit to be kept and to be given out."""

import unicodedata
from typing import Final

KEPT_CONTROLS = frozenset("\n\t")
UNPRINTABLE = frozenset({"Cc", "Cs"})  # control characters, and halves of characters
TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Turn the direction of writing, also of our own text that comes after; Arabic and Hebrew need none of them."""
SEEN = frozenset("LNPS")  # letters, numbers, punctuation and symbols
FILLERS = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""Letters and symbols of which nothing is seen."""

BEGINS_A_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
"""What makes a spreadsheet take text for a formula: in a file of text it is set off by a space."""


def clean_line(text: str | None) -> str:
    """One line: no control characters, single spaces, nothing at the ends."""
    return " ".join(_printable(text or "").split())


def clean_text(text: str | None) -> str:
    """Lines as typed, without control characters (PostgreSQL takes no NUL) and without space at the ends."""
    lines = _printable((text or "").replace("\r\n", "\n").replace("\r", "\n")).split("\n")
    return "\n".join(line.rstrip() for line in lines).strip()


def is_blank(text: str) -> bool:
    """Whether nothing of the text would be seen: a name that nobody can read is none."""
    return not any(unicodedata.category(each)[0] in SEEN and each not in FILLERS for each in text)


def _printable(text: str) -> str:
    return "".join(each for each in text if each in KEPT_CONTROLS or _is_printable(each))


def _is_printable(character: str) -> bool:
    return unicodedata.category(character) not in UNPRINTABLE and character not in TURNING
