"""What a file is, told by its content."""

import pytest

from marketplace.errors import InvalidInput
from marketplace.file_types import LIMIT_BYTES, FileType, recognise, safe_name
from tests.files import HTML, PDF, SVG, office, picture

NAMES = ["x.pdf", "x.jpg", "x.html", "x"]


def refusal(content: bytes, *, file_name: str = "x.pdf") -> str:
    with pytest.raises(InvalidInput) as refused:
        recognise(content, file_name=file_name)
    (error,) = refused.value.errors
    assert error.field == "file"
    return error.message % error.params


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (PDF, FileType.PDF),
        (picture("JPEG"), FileType.JPEG),
        (picture("PNG"), FileType.PNG),
        (picture("WEBP"), FileType.WEBP),
        (office(), FileType.XLSX),
        (office("word/document.xml"), FileType.DOCX),
    ],
    ids=lambda each: each.name if isinstance(each, FileType) else "",
)
def test_the_content_says_what_a_file_is_whatever_it_is_called(content: bytes, expected: FileType, name: str) -> None:
    assert recognise(content, file_name=name) is expected


@pytest.mark.parametrize(
    "content", ["Prøve;Bly\nP1;12,3\n".encode(), "Prøve;Bly\n".encode("cp1252"), "Prøve\n".encode("utf-16")]
)
def test_a_table_of_text_is_taken_by_its_name(content: bytes) -> None:
    assert recognise(content, file_name="Resultater.CSV") is FileType.CSV
    assert "not taken" in refusal(content, file_name="resultater.pdf")


@pytest.mark.parametrize(
    "content", [HTML, SVG, b"Bly;12\n" + HTML, b"MZ\x90\x00", HTML.decode().encode("utf-16"), b"\x00\x01;2"]
)
@pytest.mark.parametrize("name", ["rapport.pdf", "bilde.jpg", "tabell.csv", "side.html", "tegning.svg"])
def test_pages_drawings_and_programs_are_refused_under_any_name(content: bytes, name: str) -> None:
    assert "not taken" in refusal(content, file_name=name)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "empty"),
        (PDF[:-20], "damaged"),
        (b"%PDF-" + HTML, "damaged"),
        (PDF + office() * 10, "damaged"),
        (office()[:-12], "damaged"),
        (office("a.txt"), "not taken"),
        (office("xl/workbook.xml", "xl/vbaProject.bin"), "macros"),
        (b"\x00\x00\x00\x18ftypheic" + bytes(100), "HEIC"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(100), "not taken"),
    ],
)
def test_what_cannot_be_taken_is_refused_with_its_reason(content: bytes, expected: str) -> None:
    assert expected in refusal(content)


def test_a_file_over_the_limit_is_told_its_size() -> None:
    assert "26 MB" in refusal(PDF + bytes(LIMIT_BYTES))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("../../etc/passwd", "passwd.pdf"),
        (r"C:\Documents and Settings\kari\Rapport 2027.PDF", "Rapport 2027.pdf"),
        ("rapport.pdf.exe", "rapport.pdf.pdf"),
        ("\x00\u202efdp.exe", "fdp.pdf"),
        (".htaccess", "htaccess.pdf"),
        ("..", "file.pdf"),
        ("", "file.pdf"),
        ("a" * 300 + ".pdf", "a" * 120 + ".pdf"),
        ('Ærlig "måling" <1>.pdf', "Ærlig måling 1.pdf"),
    ],
)
def test_a_name_keeps_its_words_and_nothing_else(given: str, expected: str) -> None:
    assert safe_name(given, file_type=FileType.PDF) == expected
