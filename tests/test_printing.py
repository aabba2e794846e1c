"""Printed papers: what goes into a PDF comes out of it as text, by the standards, and the same each time."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from io import BytesIO
from pathlib import Path

import pypdf
import pytest

from marketplace import printing
from marketplace.printing import House, qr_svg, render_pdf

HOUSE = House(
    title="Prøvepapir",
    locale="nb",
    made_at=datetime(2026, 11, 21, 12, tzinfo=UTC),
    page_of="Side {page} av {pages}",
    head="Massepass",
    foot="Skrevet ut i dag",
)

PAPER = """
#import "house.typ": *
#show: sheet
= #data.title
#data.text
#if "qr" in data { qr(data.qr, alt: data.title) }
#if "rows" in data { ruled((1fr, 1fr), ("Navn", "Verdi"), data.rows) }
#facts((("Finnes", data.title), ("Finnes ikke", none)))
"""


@pytest.fixture(autouse=True)
def paper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A template of the test's own beside the house's."""
    (tmp_path / "house.typ").write_bytes((printing.TEMPLATES / "house.typ").read_bytes())
    (tmp_path / "paper.typ").write_text(PAPER)
    monkeypatch.setattr(printing, "TEMPLATES", tmp_path)
    return


def read(pdf: bytes) -> pypdf.PdfReader:
    return pypdf.PdfReader(BytesIO(pdf))


def text_of(pdf: bytes) -> str:
    return "\n".join(page.extract_text() for page in read(pdf).pages)


def test_a_paper_carries_its_texts_and_the_number_of_its_pages() -> None:
    rows = [[f"rad {number}", str(number)] for number in range(120)]
    text = text_of(render_pdf("paper", {"title": "Tittel", "text": "Æøå", "rows": rows}, house=HOUSE))

    assert "Massepass" in text
    assert "rad 119" in text
    assert "Side 1 av 3" in text
    assert "Side 3 av 3" in text
    assert "Finnes ikke" not in text


@pytest.mark.parametrize(
    "text",
    [
        '#import "house.typ": nothing',
        '"]} #panic("run") [',
        "#{1+1} $x^2$ *bold* _em_ = Heading",
        "</script> & < > \\u{41} \\ `raw`",
        "{page} of {pages}",
    ],
)
def test_text_is_printed_and_never_run(text: str) -> None:
    printed = text_of(render_pdf("paper", {"title": "Tittel", "text": text}, house=HOUSE))

    assert text in printed.replace("\n", " ")


def test_the_same_data_gives_the_same_bytes_and_the_time_is_the_papers_own() -> None:
    data = {"title": "Tittel", "text": "Tekst"}
    pdf = render_pdf("paper", data, house=HOUSE)

    assert pdf == render_pdf("paper", data, house=HOUSE)
    assert read(pdf).metadata.creation_date == HOUSE.made_at
    assert pdf != render_pdf("paper", data, house=replace(HOUSE, title="En annen"))


def test_papers_keep_the_standards_for_archives_and_screen_readers() -> None:
    reader = read(
        render_pdf("paper", {"title": "Tittel", "text": "Tekst", "qr": qr_svg("https://example.no")}, house=HOUSE)
    )
    marks = reader.xmp_metadata.stream.get_data().decode()

    assert "<pdfaid:part>2</pdfaid:part><pdfaid:conformance>B</pdfaid:conformance>" in marks
    assert "<pdfuaid:part>1</pdfuaid:part>" in marks
    assert reader.root_object["/Lang"] == "nb"
    assert reader.root_object["/MarkInfo"]["/Marked"]
    assert reader.metadata.title == "Prøvepapir"


@pytest.mark.parametrize("text", ["\U0001f69a på vei", "日本", "a\u0000b", "\u200b\u00ad", "sa\u0300mi", "مرحبا"])
def test_letters_without_a_shape_cannot_stop_the_print(text: str) -> None:
    assert render_pdf("paper", {"title": "Tittel", "text": text}, house=HOUSE).startswith(b"%PDF")


def test_letters_that_were_put_together_of_two_are_whole() -> None:
    assert "Å så fint" in text_of(render_pdf("paper", {"title": "T", "text": "A\u030a sa\u030a fint"}, house=HOUSE))


def test_sami_and_kven_letters_are_printed() -> None:
    names = "Guovdageaidnu Kárášjohka Deatnu Čáhcesuolu Ŋ ŋ Đ đ Ŧ ŧ Š š Ž ž"

    assert names in text_of(render_pdf("paper", {"title": "T", "text": names}, house=HOUSE)).replace("\n", " ")


def test_figures_come_ready_to_be_printed() -> None:
    with pytest.raises(TypeError, match="Decimal"):
        render_pdf("paper", {"title": Decimal("1.5"), "text": ""}, house=HOUSE)


def test_a_paper_is_printed_without_the_pages_fonts_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(printing, "FONTS", tmp_path / "none")
    printing._fonts.cache_clear()

    assert "Æøå" in text_of(render_pdf("paper", {"title": "Æøå", "text": "1 000 ≤ 2"}, house=HOUSE))
    printing._fonts.cache_clear()
