"""Handing in photos and documents. The files themselves are read by the view, from what was sent as files."""

import wtforms
from flask_babel import lazy_gettext as _l
from wtforms.fields import SelectChoice
from wtforms.validators import Length, Optional

from marketplace.forms.base import PostedForm
from marketplace.forms.fields import LineField, Required
from marketplace.labels import LABELS
from marketplace.types import DocumentKind

LONGEST_TITLE = 200
PICTURES = "image/jpeg,image/png,image/webp"
"""Named one by one, not as image/*: a telephone then turns its own formats into JPEG before it sends them."""

FILES = f"application/pdf,.pdf,.xlsx,.docx,.csv,.txt,{PICTURES}"


class PhotosForm(PostedForm):
    """One or several photos; `upload_id` is the sender's name for the upload."""

    kind = wtforms.HiddenField(id="photo-kind", default=DocumentKind.PHOTO.value)
    upload_id = wtforms.HiddenField(id="photo-upload-id")
    file = wtforms.MultipleFileField(
        _l("Photos"), id="photo-file", render_kw={"accept": PICTURES, "data-mf-upload-input": ""}
    )


class FileForm(PostedForm):
    """One document that is not a photo."""

    upload_id = wtforms.HiddenField(id="file-upload-id")
    kind = wtforms.SelectField(
        _l("Kind of document"),
        [Required(_l("Choose what kind of document it is."))],
        id="file-kind",
        choices=[
            SelectChoice(kind.value, _l(LABELS[DocumentKind][kind]))
            for kind in DocumentKind
            if kind is not DocumentKind.PHOTO
        ],
        invalid_choice_message=_l("Choose what kind of document it is."),
    )
    title = LineField(
        _l("Name of the document"),
        [Optional(), Length(max=LONGEST_TITLE, message=_l("Use at most %(max)d characters."))],
        id="file-title",
    )
    file = wtforms.FileField(
        _l("File"),
        id="file-file",
        description=_l("PDF, XLSX, DOCX, CSV or a picture, at most 25 MB."),
        render_kw={"accept": FILES, "data-mf-upload-input": "", "required": True},
    )
    is_shared = wtforms.BooleanField(_l("Everybody who sees this page may open it"), id="file-is-shared", default=True)
