"""What papers are made of: a block names its kind, and the `printed/*.typ` that sets it knows how that kind looks."""

from collections.abc import Sequence
from typing import Any

type Block = dict[str, Any]


def heading(text: str) -> Block:
    return {"kind": "heading", "text": text}


def paragraph(text: str, *, under: str = "") -> Block:
    """A text, under a small heading of its own or none."""
    return {"kind": "text", "heading": under, "text": text}


def table(head: Sequence[str], rows: Sequence[Sequence[str]], *, texts: int = 1) -> Block:
    """`texts`: how many columns hold words; the others hold figures."""
    return {"kind": "table", "head": list(head), "rows": [list(row) for row in rows], "texts": texts}
