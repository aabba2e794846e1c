"""What a file is, told by its content: neither its name nor what a browser says of it is believed."""

import io
import zipfile
from enum import StrEnum
from pathlib import PurePath

from marketplace.errors import InvalidInput, field_error
from marketplace.i18n_marker import N_
from marketplace.text import clean_line, is_blank

MEBIBYTE = 1024 * 1024
LIMIT_BYTES = 25 * MEBIBYTE
"""Of one file: a photo at a telephone's best setting, or a report with maps and pictures, takes 5 to 15 MB."""

FIELD = "file"
NAME_LIMIT = 120
PDF_END_WITHIN_BYTES = 1024
LARGEST_DIRECTORY_BYTES = MEBIBYTE
"""Of a ZIP file's list of contents; an office document's is a few kilobytes."""

HEIF_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1", b"avif", b"avis"})
TABLE_SUFFIXES = frozenset({".csv", ".txt", ".tsv"})
MARKUP = (b"<!doctype", b"<html", b"<head", b"<body", b"<script", b"<svg", b"<?xml", b"<iframe", b"javascript:")

EMPTY = N_("The file is empty.")
TOO_LARGE = N_("The file is %(size)s MB. It can be at most %(limit)s MB.")
UNKNOWN = N_("This kind of file is not taken. Send JPEG, PNG or WebP pictures, PDF, XLSX, DOCX or CSV.")
HEIC = N_(
    "This picture is in a format that most browsers cannot show (HEIC or AVIF). Send it as JPEG; on an iPhone choose"
    " Settings, Camera, Formats, Most Compatible."
)
BROKEN = N_("The file is damaged: it ends too early, or holds something else. Send it again, or make it anew.")
MACROS = N_("The document holds macros, which are not taken. Save it without them.")


class FileType(StrEnum):
    """What can be taken in; the value is the media type it is served as."""

    JPEG = "image/jpeg"
    PNG = "image/png"
    WEBP = "image/webp"
    PDF = "application/pdf"
    XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
    CSV = "text/csv"

    @property
    def is_picture(self) -> bool:
        return self in {FileType.JPEG, FileType.PNG, FileType.WEBP}

    @property
    def suffix(self) -> str:
        return ".jpg" if self is FileType.JPEG else f".{self.name.lower()}"


def recognise(content: bytes, *, file_name: str) -> FileType:
    """The type of a file, whole as far as can be seen without opening it. The name decides for plain text only.

    Raises:
        InvalidInput: it is empty, too large, damaged, or of a kind that is not taken.
    """
    if not content:
        raise field_error(FIELD, EMPTY)
    if len(content) > LIMIT_BYTES:
        raise too_large(len(content))
    if content.startswith(b"\xff\xd8\xff"):
        return FileType.JPEG
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return FileType.PNG
    if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        return FileType.WEBP
    if content[4:8] == b"ftyp" and content[8:12] in HEIF_BRANDS:
        raise field_error(FIELD, HEIC)
    if content.startswith(b"%PDF-"):
        return _checked_pdf(content)
    if content.startswith(b"PK\x03\x04"):
        return _checked_office(content)
    if PurePath(clean_line(file_name)).suffix.lower() in TABLE_SUFFIXES and _is_plain_table(content):
        return FileType.CSV
    raise field_error(FIELD, UNKNOWN)


def too_large(size_bytes: int) -> InvalidInput:
    size = -(-size_bytes // MEBIBYTE)  # rounded up, so that it never reads as the limit
    return field_error(FIELD, TOO_LARGE, size=size, limit=LIMIT_BYTES // MEBIBYTE)


def safe_name(file_name: str, *, file_type: FileType) -> str:
    """A file's own name for downloads: no folders, nothing unprintable, and the ending its content asks for."""
    last = clean_line(file_name.replace("\\", "/")).rpartition("/")[2]
    stem = PurePath(last).stem if not last.startswith(".") else last
    stem = "".join(each for each in stem if each not in '<>:"|?*').strip(" .")[:NAME_LIMIT].strip(" .")
    return f"{'file' if is_blank(stem) else stem}{file_type.suffix}"


def _checked_pdf(content: bytes) -> FileType:
    is_whole = (
        content[5:7] in {b"1.", b"2."} and b"%%EOF" in content[-PDF_END_WITHIN_BYTES:] and b"startxref" in content
    )
    if not is_whole:
        raise field_error(FIELD, BROKEN)
    return FileType.PDF


def _checked_office(content: bytes) -> FileType:
    """Looks at a ZIP file's list of contents only; nothing is unpacked."""
    end = content.rfind(b"PK\x05\x06")
    if end < 0 or int.from_bytes(content[end + 12 : end + 16], "little") > LARGEST_DIRECTORY_BYTES:
        raise field_error(FIELD, BROKEN)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = frozenset(archive.namelist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        raise field_error(FIELD, BROKEN) from None
    if any(name.lower().endswith("vbaproject.bin") for name in names):
        raise field_error(FIELD, MACROS)
    if "[Content_Types].xml" in names and "xl/workbook.xml" in names:
        return FileType.XLSX
    if "[Content_Types].xml" in names and "word/document.xml" in names:
        return FileType.DOCX
    raise field_error(FIELD, UNKNOWN)


def _is_plain_table(content: bytes) -> bool:
    """Whether it is text, and no page or program in disguise."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        try:
            content = content.decode("utf-16").encode()
        except UnicodeDecodeError:
            return False
    lowered = content.lower()
    controls = {*range(32)} - {9, 10, 13} | {127}
    return not (controls & set(content)) and not any(sign in lowered for sign in MARKUP)
