"""Text that people typed, made fit to be kept."""

import unicodedata

KEPT_CONTROLS = frozenset("\n\t")
UNPRINTABLE = frozenset({"Cc", "Cs"})  # control characters, and halves of characters


def clean_line(text: str | None) -> str:
    """One line: no control characters, single spaces, nothing at the ends."""
    return " ".join(_printable(text or "").split())


def clean_text(text: str | None) -> str:
    """Lines as typed, without control characters (PostgreSQL takes no NUL) and without space at the ends."""
    lines = _printable((text or "").replace("\r\n", "\n").replace("\r", "\n")).split("\n")
    return "\n".join(line.rstrip() for line in lines).strip()


def _printable(text: str) -> str:
    return "".join(each for each in text if each in KEPT_CONTROLS or unicodedata.category(each) not in UNPRINTABLE)
