"""Asking that one's organisation be verified."""

from uuid import UUID, uuid4

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from werkzeug.datastructures import FileStorage

from marketplace import clock, db
from marketplace.errors import Conflict
from marketplace.file_types import LIMIT_BYTES, MEBIBYTE, too_large
from marketplace.forms.moderation import VerificationForm
from marketplace.i18n import translate
from marketplace.models import Organisation
from marketplace.permissions import Permission
from marketplace.queries.moderation import requests_of
from marketplace.services import verification as services
from marketplace.services.verification import SentFile, open_request
from marketplace.web.access import current_actor, requires
from marketplace.web.document_files import storage
from marketplace.web.organisations import load_organisation
from marketplace.web.submit import applying, unprocessable

bp = Blueprint("verification", __name__)


@bp.url_value_preprocessor
def allow_a_file(_endpoint: str | None, _arguments: object) -> None:
    """More than other requests may hold, for who is logged in; before anything has read the form."""
    if request.method == "POST" and not current_actor().is_anonymous:
        request.max_content_length = LIMIT_BYTES + MEBIBYTE


@bp.route("/organisations/<id:organisation_id>/verification", methods=["GET", "POST"])
@requires(Permission.ANSWER_FOR_ORGANISATION, subject=load_organisation)
def ask(organisation: Organisation) -> ResponseReturnValue:
    form = VerificationForm()
    if form.validate_on_submit():
        try:
            with applying(form) as attempt:
                services.request_verification(
                    db.session,
                    current_actor(),
                    organisation_id=organisation.id,
                    text=form.text.data,
                    file=_sent_file(form),
                    storage=storage(),
                    now=clock.now(),
                )
        except Conflict as conflict:
            flash(translate(conflict.message, conflict.params), "info")
            return redirect(url_for("organisations.show", organisation_id=organisation.id), code=303)
        if attempt.ok:
            flash(_("An administrator will look at it, and you are answered by mail."), "success")
            return redirect(url_for("organisations.show", organisation_id=organisation.id), code=303)
    form.upload_id.data = str(uuid4())
    page = render_template(
        "verification/ask.html",
        form=form,
        organisation=organisation,
        waiting=open_request(db.session, organisation_id=organisation.id),
        earlier=requests_of(db.session, organisation_id=organisation.id),
    )
    return page, unprocessable(form)


def _sent_file(form: VerificationForm) -> SentFile | None:
    """
    Raises:
        InvalidInput: the file holds too much (field "file").
    """
    sent: FileStorage | None = request.files.get("file")
    if sent is None or not sent.filename:
        return None
    size = sent.stream.seek(0, 2)
    if size > LIMIT_BYTES:
        raise too_large(size)
    sent.stream.seek(0)
    try:
        upload_id = UUID(form.upload_id.data or "")
    except ValueError:
        upload_id = uuid4()
    return SentFile(name=sent.filename, content=sent.stream.read(), upload_id=upload_id)
