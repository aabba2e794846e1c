"""Printed papers: typst templates and data in, PDF out.

A template is a file of `marketplace/printed/`, on the sheet of `house.typ`. What it prints is handed over as JSON,
apart from the code: whatever a text holds, it is printed and never run. The words and figures in the data are ready:
translated and formatted where pages are, since nothing in here knows of languages.

The papers are PDF/A-2b (kept for years by whoever is handed one) and PDF/UA-1 (tagged, so that a screen reader has
headings, tables and alternative texts). The same data gives the same bytes: the only time in a paper is its `made_at`.
"""

import json
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import segno
import typst

TEMPLATES: Final = Path(__file__).parent / "printed"
FONTS: Final = Path(__file__).parent / "static" / "vendor" / "print-fonts"
STANDARDS: Final = ("a-2b", "ua-1")

UNPRINTABLE: Final = re.compile(
    "[^\n -~\u00a0-\u024f\u0370-\u0377\u037a-\u037f\u0384-\u038a\u038c\u038e-\u03a1\u03a3-\u03ff\u0400-\u045f"
    "\u2002-\u200a\u2010-\u2015\u2018-\u201e\u2020-\u2022\u2026\u202f\u2030\u2032\u2033\u2039\u203a\u2044"
    "\u2070\u2074-\u2079\u2080-\u2089\u20ac\u2116\u2122\u2126\u2190-\u2193\u2202\u2206\u2211\u2212\u221a\u221e"
    "\u2248\u2260\u2264\u2265\u25cf\u25cb\ufffd]"
)
"""What the fonts have no shape for, such as emoji. PDF/A holds no letter without one."""
STAND_IN: Final = "\ufffd"


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """What stands around a paper's own content, in the reader's language.

    `title` is the document's, `head` stands in the head of each page opposite the mark, `foot` in its foot beside
    `page_of`, in which {page} and {pages} are filled in. `made_at` is the time the document says it was made.
    """

    title: str
    locale: str
    made_at: datetime
    page_of: str
    head: str = ""
    foot: str = ""
    author: str = ""
    brand: str = "Masseflyt"


def render_pdf(template: str, data: object, *, house: House) -> bytes:
    """The paper that `printed/<template>.typ` makes of the data: a frozen dataclass or a mapping of ready values.

    Raises:
        TypeError: the data holds something that is not ready to be printed, such as a Decimal.
        typst.TypstError: the template and the data do not fit together.
    """
    around = {field.name: getattr(house, field.name) for field in fields(house) if field.name != "made_at"}
    paper = json.dumps({"house": _ready(around), "data": _ready(data)}, ensure_ascii=False)
    compiler = typst.Compiler(root=TEMPLATES, font_paths=_fonts(), sys_inputs={"paper": paper})
    made = compiler.compile(
        TEMPLATES / f"{template}.typ",
        format="pdf",
        pdf_standards=[*STANDARDS],
        timestamp=int(house.made_at.timestamp()),
    )
    assert isinstance(made, bytes)
    return made


def qr_svg(text: str) -> str:
    """A QR code of the text, black on white with its quiet zone, as an SVG of its own size."""
    drawn = BytesIO()
    segno.make_qr(text, error="m").save(
        drawn, kind="svg", border=4, xmldecl=False, svgns=True, omitsize=True, dark="#000", light="#fff"
    )
    return drawn.getvalue().decode().strip()


@cache
def _fonts() -> typst.Fonts:
    """The pages' own two families, and behind them those in the typst package; never what a machine happens to have."""
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=True, font_paths=[FONTS])


def _ready(value: Any) -> Any:
    """The value as JSON has it."""
    if is_dataclass(value) and not isinstance(value, type):
        value = {field.name: getattr(value, field.name) for field in fields(value)}
    match value:
        case StrEnum():
            return value.value
        case str():
            text = unicodedata.normalize("NFC", value.replace("\r\n", "\n"))
            return UNPRINTABLE.sub(STAND_IN, text)
        case None | bool() | int() | float():
            return value
        case Mapping():
            return {str(key): _ready(each) for key, each in value.items()}
        case list() | tuple():
            return [_ready(each) for each in value]
    raise TypeError(f"{type(value).__name__} cannot be printed as it is: format it first")
