"""Photos and documents of a listing, project or facility: the page that adds and changes them, and each by itself."""

from collections.abc import Callable, Iterator
from http import HTTPStatus
from uuid import UUID, uuid4, uuid5

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.datastructures import FileStorage

from marketplace import clock, db
from marketplace.errors import FieldError, InvalidInput, NotFound
from marketplace.file_types import LIMIT_BYTES, MEBIBYTE, too_large
from marketplace.forms.documents import FileForm, PhotosForm
from marketplace.i18n import N_, translate
from marketplace.models import Document, Facility, Listing, Project
from marketplace.permissions import Permission
from marketplace.queries.documents import document_for_page, documents_of
from marketplace.queries.listings import listing_for_page
from marketplace.queries.projects import project_for_page
from marketplace.services import documents as services
from marketplace.services.documents import CARD, THUMBNAIL, DocumentsAreClosed
from marketplace.types import DocumentKind
from marketplace.web.access import current_actor, requires
from marketplace.web.document_files import derived_response, document_response, storage
from marketplace.web.document_rows import Subject, can_change, edit_url_of, key_of, photo_row, rows_of
from marketplace.web.document_subjects import head_of
from marketplace.web.errors import wants_json
from marketplace.web.submit import add_error, applying, unprocessable

bp = Blueprint("documents", __name__)

MOST_FILES_AT_ONCE = 4
"""Of the largest; a telephone with scripts sends them one by one."""
UPLOAD_BYTES = MOST_FILES_AT_ONCE * LIMIT_BYTES + MEBIBYTE

MOVES = {"earlier": -1, "later": 1}
"""The names of the buttons that move a photo; their values are its id."""

USUAL_KINDS = {Listing: DocumentKind.LAB_REPORT, Facility: DocumentKind.PERMIT, Project: DocumentKind.OTHER}
"""What is mostly added to a listing, a facility and a project."""

type Form = PhotosForm | FileForm


@bp.url_value_preprocessor
def allow_files(_endpoint: str | None, _arguments: object) -> None:
    """More than other requests may hold, for who is logged in; before anything has read the form."""
    if request.method == "POST" and not current_actor().is_anonymous:
        request.max_content_length = UPLOAD_BYTES


def load_document(document_id: int, name: str | None = None) -> Document:
    document = document_for_page(db.session, document_id=document_id)
    if document is None or name not in (None, document.file_name):
        raise NotFound
    return document


# Each by itself -------------------------------------------------------------------------------------------------------


@bp.get("/documents/<id:document_id>/<name>")
@requires(Permission.VIEW_DOCUMENT, subject=load_document)
def file(document: Document) -> Response:
    return document_response(document)


@bp.get("/documents/<id:document_id>/thumbnail")
@requires(Permission.VIEW_DOCUMENT, subject=load_document)
def thumbnail(document: Document) -> Response:
    return derived_response(document, variant=THUMBNAIL)


@bp.get("/documents/<id:document_id>/card")
@requires(Permission.VIEW_DOCUMENT, subject=load_document)
def card(document: Document) -> Response:
    return derived_response(document, variant=CARD)


@bp.get("/documents/<id:document_id>")
@requires(Permission.VIEW_DOCUMENT, subject=load_document)
def show(document: Document) -> ResponseReturnValue:
    """A photo large, with its neighbours; any other document is the file itself."""
    if document.kind is not DocumentKind.PHOTO:
        return redirect(url_for(".file", document_id=document.id, name=document.file_name))
    subject = document.subject
    actor = current_actor()
    beside = documents_of(
        db.session,
        **key_of(subject),
        kind=DocumentKind.PHOTO,
        shared_only=not (actor.is_admin or actor.is_member(document.organisation_id)),
    )
    at = beside.index(document)
    return render_template(
        "documents/photo.html",
        photo=photo_row(document, number=at + 1),
        count=len(beside),
        earlier_id=beside[at - 1].id if at else None,
        later_id=beside[at + 1].id if at + 1 < len(beside) else None,
        head=head_of(subject),
    )


# The page that adds and changes them ----------------------------------------------------------------------------------


def load_listing(listing_id: int) -> Listing:
    return _found(listing_for_page(db.session, listing_id=listing_id))


def load_project(project_id: int) -> Project:
    return _found(project_for_page(db.session, project_id=project_id))


def load_facility(facility_id: int) -> Facility:
    return _found(db.session.get(Facility, facility_id))


def _found[Row](row: Row | None) -> Row:
    if row is None:
        raise NotFound
    return row


def edit(subject: Subject) -> ResponseReturnValue:
    if not can_change(subject):
        raise DocumentsAreClosed
    if request.method == "GET":
        return _page(subject)
    if request.form.get("kind") == DocumentKind.PHOTO:
        return _take_photos(subject)
    return _take_file(subject)


def arrange(subject: Subject) -> ResponseReturnValue:
    """Keeps what was written of each document, and then does what the button says: nothing typed is lost to it."""
    if not can_change(subject):
        raise DocumentsAreClosed
    errors = _describe_all(subject)
    if errors:
        return _page(subject, row_errors=errors), HTTPStatus.UNPROCESSABLE_ENTITY
    actor = current_actor()
    for name, by in MOVES.items():
        moved = request.form.get(name, type=int)
        if moved:
            services.move_photo(db.session, actor, document_id=_own(subject, moved).id, by=by)
            return redirect(edit_url_of(subject, moved=moved, _anchor=f"document-{moved}"))
    removed = request.form.get("remove", type=int)
    if removed:
        document = services.remove_document(db.session, actor, document_id=_own(subject, removed).id, now=clock.now())
        is_photo = document.kind is DocumentKind.PHOTO
        flash(_("The photo is removed.") if is_photo else _("The document is removed."), "success")
        return redirect(edit_url_of(subject))
    flash(_("The changes are saved."), "success")
    return redirect(edit_url_of(subject))


def _own(subject: Subject, document_id: int) -> Document:
    return _found(next((each for each in _documents(subject) if each.id == document_id), None))


def _documents(subject: Subject) -> tuple[Document, ...]:
    return documents_of(db.session, **key_of(subject))


def _describe_all(subject: Subject) -> dict[int, list[str]]:
    """Keeps the descriptions that were sent; returns what is wrong with which document's."""
    sent, errors = request.form, {}
    for document in _documents(subject):
        is_photo = document.kind is DocumentKind.PHOTO
        text = sent.get(f"text-{document.id}")
        if text is None:  # it came to be after the page was opened
            continue
        try:
            with db.session.begin_nested():
                services.describe_document(
                    db.session,
                    current_actor(),
                    document_id=document.id,
                    alt_text=text if is_photo else services.UNCHANGED,
                    title=services.UNCHANGED if is_photo else text,
                    is_shared=f"shared-{document.id}" in sent,
                )
        except InvalidInput as refused:
            errors[document.id] = [translate(error.message, error.params) for error in refused.errors]
    return errors


def _page(
    subject: Subject,
    *,
    photos_form: PhotosForm | None = None,
    file_form: FileForm | None = None,
    row_errors: dict[int, list[str]] | None = None,
) -> str:
    photos_form = photos_form or PhotosForm(formdata=None)
    file_form = file_form or FileForm(formdata=None, data={"kind": USUAL_KINDS[type(subject)].value})
    for form in (photos_form, file_form):
        # A new name for what is sent next: the form that comes back with errors must not count as the one before.
        form.upload_id.data = str(uuid4())
    return render_template(
        "documents/edit.html",
        head=head_of(subject),
        documents=rows_of(_documents(subject), edit_url=edit_url_of(subject), shows_who_sees=True),
        photos_form=photos_form,
        file_form=file_form,
        row_errors=row_errors or {},
        sent=request.form,
        limit_bytes=LIMIT_BYTES,
        most_photos=services.MOST_PHOTOS,
        arrange_url=edit_url_of(subject, action="arrange"),
        moved_id=request.args.get("moved", type=int),
    )


# Taking files in ------------------------------------------------------------------------------------------------------


def _take_photos(subject: Subject) -> ResponseReturnValue:
    """Photos; those that can be taken are, and the rest is named beside the field."""
    form = PhotosForm()
    taken = list(_taken(subject, form, files=_files(), kind=DocumentKind.PHOTO, is_shared=True))
    if form.errors or form.form_errors:
        return _refused(subject, form)
    return _answer(subject, taken, said=ngettext("The photo is added.", "%(num)s photos are added.", len(taken)))


def _take_file(subject: Subject) -> ResponseReturnValue:
    form = FileForm()
    if not form.validate_on_submit():
        return _refused(subject, form)
    taken = list(
        _taken(
            subject,
            form,
            files=_files()[:1],
            kind=DocumentKind(form.kind.data),
            title=form.title.data or "",
            is_shared=form.is_shared.data,
        )
    )
    if form.errors or form.form_errors:
        return _refused(subject, form)
    return _answer(subject, taken, said=_("The document is added."))


def _files() -> list[FileStorage]:
    """The files that were chosen; a browser sends an empty one where none was."""
    return [each for each in request.files.getlist("file") if each.filename]


def _taken(
    subject: Subject, form: Form, *, files: list[FileStorage], kind: DocumentKind, is_shared: bool, title: str = ""
) -> Iterator[Document]:
    if not files:
        add_error(form, FieldError(field="file", message=N_("Choose a file first.")))
    for number, sent in enumerate(files):
        before = len(form.file.errors)
        with applying(form) as attempt:
            document = services.add_document(
                db.session,
                current_actor(),
                **key_of(subject),
                kind=kind,
                title=title,
                file_name=sent.filename or "",
                content=_content(sent),
                upload_id=_upload_id(form, number=number),
                is_shared=is_shared,
                storage=storage(),
                now=clock.now(),
            )
        if attempt.ok:
            yield document
        elif len(files) > 1:
            form.file.errors = [
                *form.file.errors[:before],
                *(f"{sent.filename}: {message}" for message in form.file.errors[before:]),
            ]


def _content(sent: FileStorage) -> bytes:
    """What a file holds, unless it holds too much."""
    size = sent.stream.seek(0, 2)
    if size > LIMIT_BYTES:
        raise too_large(size)
    sent.stream.seek(0)
    return sent.stream.read()


def _upload_id(form: Form, *, number: int) -> UUID:
    """The sender's name for this upload, told apart from the others of the same form."""
    try:
        sent = UUID(form.upload_id.data or "")
    except ValueError:
        sent = uuid4()
    return uuid5(sent, str(number)) if number else sent


def _answer(subject: Subject, taken: list[Document], *, said: str) -> ResponseReturnValue:
    if wants_json():
        return {"ids": [each.id for each in taken]}, HTTPStatus.CREATED
    flash(said, "success")
    return redirect(edit_url_of(subject))


def _refused(subject: Subject, form: Form) -> ResponseReturnValue:
    if wants_json():
        messages = [message for field in form for message in field.errors] + list(form.form_errors)
        return {"detail": " ".join(str(each) for each in messages)}, HTTPStatus.UNPROCESSABLE_ENTITY
    if isinstance(form, PhotosForm):
        return _page(subject, photos_form=form), unprocessable(form)
    return _page(subject, file_form=form), unprocessable(form)


SUBJECTS: dict[str, tuple[str, Callable[..., Subject]]] = {
    "listing": ("listings", load_listing),
    "project": ("projects", load_project),
    "facility": ("facilities", load_facility),
}

for _noun, (_folder, _load) in SUBJECTS.items():
    _address = f"/{_folder}/<id:{_noun}_id>/documents"
    _guard = requires(Permission.EDIT_DOCUMENTS, subject=_load)
    bp.add_url_rule(_address, f"of_{_noun}", _guard(edit), methods=["GET", "POST"])
    bp.add_url_rule(f"{_address}/arrange", f"arrange_{_noun}", _guard(arrange), methods=["POST"])
