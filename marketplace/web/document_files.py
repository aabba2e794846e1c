"""Handing out stored content: never as a page of ours, in part where a part was asked for, and known by its hash."""

import unicodedata
from collections.abc import Iterator
from urllib.parse import quote

from flask import Response, current_app, request

from marketplace.errors import NotFound
from marketplace.file_types import FileType
from marketplace.logging import log
from marketplace.models import Document
from marketplace.storage import NotStored, Storage

SHOWN_INLINE = frozenset({FileType.JPEG.value, FileType.PDF.value})
"""What a browser shows by itself; everything else is saved, and opened by what the visitor chooses."""

NO_SCRIPTS = {
    # A sandboxed document runs nothing, whatever it holds. Browsers show no PDF in a sandbox; theirs run in their own
    # reader, which is no page of this site.
    FileType.JPEG.value: "default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'",
    FileType.PDF.value: "default-src 'none'; style-src 'unsafe-inline'; object-src 'self'; frame-ancestors 'none'",
}
NOTHING = "default-src 'none'; sandbox; frame-ancestors 'none'"

FRESH_S = 24 * 60 * 60


def storage() -> Storage:
    kept: Storage = current_app.storage  # type: ignore[attr-defined]  # set by build_app
    return kept


def document_response(document: Document) -> Response:
    """The document's content, or the part of it that the request asks for.

    The caller has seen to it that the visitor may have it.
    """
    tag = document.sha256
    if request.if_none_match.contains(tag):
        return _tagged(Response(status=304), document, tag=tag)
    start, end, status = 0, document.size_bytes, 200
    asked = request.range
    is_one_part = asked is not None and asked.units == "bytes" and len(asked.ranges) == 1
    if asked is not None and is_one_part and request.headers.get("If-Range", f'"{tag}"') == f'"{tag}"':
        part = asked.range_for_length(document.size_bytes)
        if part is None:
            return Response(status=416, headers={"Content-Range": f"bytes */{document.size_bytes}"})
        (start, end), status = part, 206
    response = Response(_pieces(document.sha256, start=start, end=end), status=status, mimetype=document.media_type)
    response.content_length = end - start
    response.accept_ranges = "bytes"
    if status == 206:
        response.headers["Content-Range"] = f"bytes {start}-{end - 1}/{document.size_bytes}"
    disposition = "inline" if document.media_type in SHOWN_INLINE else "attachment"
    response.headers["Content-Disposition"] = f"{disposition}; {_named(document.file_name)}"
    return _tagged(response, document, tag=tag)


def derived_response(document: Document, *, variant: str) -> Response:
    """A smaller picture of a photo; the photo itself where there is none."""
    tag = f"{document.sha256}.{variant}"
    if request.if_none_match.contains(tag):
        return _tagged(Response(status=304), document, tag=tag)
    try:
        content = b"".join(storage().read(tag))
    except NotStored:
        return document_response(document)
    return _tagged(Response(content, mimetype=FileType.JPEG.value), document, tag=tag)


def _named(file_name: str) -> str:
    """The file's name for browsers, and spelt in plain letters for what knows no others."""
    plain = (
        unicodedata.normalize("NFKD", file_name).encode("ascii", "ignore").decode().replace("\\", "").replace('"', "")
    )
    return f"filename=\"{plain}\"; filename*=UTF-8''{quote(file_name, safe='')}"


def _pieces(name: str, *, start: int, end: int) -> Iterator[bytes]:
    try:
        return storage().read(name, start=start, end=end)
    except NotStored:
        log.error("content_missing", sha256=name)
        raise NotFound from None


def _tagged(response: Response, document: Document, *, tag: str) -> Response:
    """With what says how long a browser may keep it: what only members see is asked for anew each time."""
    response.set_etag(tag)
    response.headers["Content-Security-Policy"] = NO_SCRIPTS.get(document.media_type, NOTHING)
    response.cache_control.private = True
    if document.is_shared:
        response.cache_control.max_age = FRESH_S
        response.cache_control.immutable = True
    else:
        response.cache_control.no_cache = True
    return response
