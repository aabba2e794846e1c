"""Printed papers at the web edge: what stands around them in the visitor's language, and how they are sent."""

from datetime import datetime

from flask import Response
from flask_babel import get_locale
from flask_babel import gettext as _
from werkzeug.http import dump_options_header
from werkzeug.utils import secure_filename

from marketplace.i18n import DEFAULT_LOCALE
from marketplace.printing import House, render_pdf

LATIN = str.maketrans({"æ": "ae", "ø": "o", "Æ": "Ae", "Ø": "O"})
"""Letters that a file name of plain letters would lose."""


def pdf_of(
    template: str, data: object, *, title: str, made_at: datetime, head: str = "", foot: str = "", author: str = ""
) -> bytes:
    """A paper in the visitor's language; see `marketplace.printing.render_pdf`."""
    house = House(
        title=title,
        locale=str(get_locale() or DEFAULT_LOCALE),
        made_at=made_at,
        page_of=_("Page %(page)s of %(pages)s", page="{page}", pages="{pages}"),
        head=head,
        foot=foot,
        author=author,
    )
    return render_pdf(template, data, house=house)


def pdf_response(pdf: bytes, *, name: str) -> Response:
    """The PDF, to be shown by the browser and saved by a name of its own (without `.pdf`)."""
    name = name.translate(LATIN)
    response = Response(pdf, mimetype="application/pdf")
    file_name = f"{secure_filename(name) or 'masseflyt'}.pdf"
    response.headers["Content-Disposition"] = dump_options_header("inline", {"filename": file_name})
    return response
