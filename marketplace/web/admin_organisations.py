"""Organisations as administrators see them: verifying, banning and taking back."""

from collections.abc import Callable

from flask import Blueprint, flash, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from marketplace import clock, db
from marketplace.errors import Conflict
from marketplace.forms.base import PostedForm
from marketplace.forms.moderation import (
    AnswerForm,
    BanForm,
    RefuseForm,
    RefuseVerificationForm,
    VerifyForm,
    WithdrawForm,
)
from marketplace.i18n import translate
from marketplace.models import Organisation
from marketplace.permissions import Permission
from marketplace.queries import moderation as queries
from marketplace.queries.moderation import OrganisationState
from marketplace.queries.organisations import members_of, municipality_name
from marketplace.services import bans, verification
from marketplace.text import clean_line
from marketplace.web.access import current_actor, requires
from marketplace.web.admin_frame import admin_page, back_to
from marketplace.web.document_rows import file_row
from marketplace.web.organisations import load_organisation
from marketplace.web.paging import cursor_from_address, page_links
from marketplace.web.submit import applying, unprocessable

bp = Blueprint("admin_organisations", __name__, url_prefix="/admin/organisations")

LONGEST_SEARCH = 200


@bp.get("")
@requires(Permission.ADMINISTER)
def index() -> ResponseReturnValue:
    text = clean_line(request.args.get("q", ""))[:LONGEST_SEARCH]
    state = next((each for each in OrganisationState if each.value == request.args.get("state")), None)
    today = clock.local_date(clock.now())
    page = queries.organisations_page(db.session, text=text, state=state, today=today, cursor=cursor_from_address())
    return admin_page(
        "admin/organisations.html",
        tab="organisations",
        page=page,
        links=page_links(page, ".index", q=text or None, state=state),
        text=text,
        state=state,
        states=list(OrganisationState),
    )


@bp.get("/<id:organisation_id>")
@requires(Permission.ADMINISTER, subject=load_organisation)
def show(organisation: Organisation) -> ResponseReturnValue:
    return organisation_page(organisation)


@bp.post("/<id:organisation_id>/verify")
@requires(Permission.ADMINISTER, subject=load_organisation)
def verify(organisation: Organisation) -> ResponseReturnValue:
    form = VerifyForm(prefix="verify-")
    return _deciding(
        organisation,
        form,
        lambda: verification.verify_organisation(
            db.session, current_actor(), organisation_id=organisation.id, note=form.note.data, now=clock.now()
        ),
        said=_("The organisation is verified, and told so."),
        name="verify",
    )


@bp.post("/<id:organisation_id>/refuse-verification")
@requires(Permission.ADMINISTER, subject=load_organisation)
def refuse_verification(organisation: Organisation) -> ResponseReturnValue:
    form = RefuseVerificationForm(prefix="missing-")
    return _deciding(
        organisation,
        form,
        lambda: verification.refuse_verification(
            db.session, current_actor(), organisation_id=organisation.id, answer=form.answer.data, now=clock.now()
        ),
        said=_("The request is answered."),
        name="missing",
    )


@bp.post("/<id:organisation_id>/withdraw-verification")
@requires(Permission.ADMINISTER, subject=load_organisation)
def withdraw_verification(organisation: Organisation) -> ResponseReturnValue:
    form = WithdrawForm(prefix="withdraw-")
    return _deciding(
        organisation,
        form,
        lambda: verification.withdraw_verification(
            db.session, current_actor(), organisation_id=organisation.id, reason=form.reason.data
        ),
        said=_("The organisation is no longer verified, and its owners are told why."),
        name="withdraw",
    )


@bp.post("/<id:organisation_id>/ban")
@requires(Permission.ADMINISTER, subject=load_organisation)
def ban(organisation: Organisation) -> ResponseReturnValue:
    form = BanForm(prefix="ban-")
    return _deciding(
        organisation,
        form,
        lambda: bans.ban_organisation(
            db.session, current_actor(), organisation_id=organisation.id, reason=form.reason.data, now=clock.now()
        ),
        said=_("The organisation is banned, and its owners are told why."),
        name="ban",
    )


@bp.post("/<id:organisation_id>/unban")
@requires(Permission.ADMINISTER, subject=load_organisation)
def unban(organisation: Organisation) -> ResponseReturnValue:
    form = AnswerForm(prefix="unban-")
    return _deciding(
        organisation,
        form,
        lambda: bans.unban_organisation(
            db.session, current_actor(), organisation_id=organisation.id, answer=form.answer.data, now=clock.now()
        ),
        said=_("The ban is lifted, and the owners are told."),
        name="unban",
    )


def _deciding(
    organisation: Organisation, form: PostedForm, decide: Callable[[], object], *, said: str, name: str
) -> ResponseReturnValue:
    """Do what a form asks for; the page once more where it cannot be done."""
    if form.validate_on_submit():
        try:
            with applying(form) as attempt:
                decide()
        except Conflict as conflict:
            flash(translate(conflict.message, conflict.params), "warning")
            return back_to(url_for(".show", organisation_id=organisation.id))
        if attempt.ok:
            flash(said, "success")
            return back_to(url_for(".show", organisation_id=organisation.id))
    return organisation_page(organisation, **{name: form}), unprocessable(form)


def organisation_page(organisation: Organisation, **forms: PostedForm) -> str:
    """All that administrators know of an organisation; `forms` are those that came back with errors, by their names."""
    requests = queries.requests_of(db.session, organisation_id=organisation.id)
    answers = queries.appeals_about(db.session, organisation_id=organisation.id)
    empty: dict[str, PostedForm] = {
        "verify": VerifyForm(formdata=None, prefix="verify-"),
        "missing": RefuseVerificationForm(formdata=None, prefix="missing-"),
        "withdraw": WithdrawForm(formdata=None, prefix="withdraw-"),
        "ban": BanForm(formdata=None, prefix="ban-"),
        "unban": AnswerForm(formdata=None, prefix="unban-"),
        "refuse": RefuseForm(formdata=None, prefix="refuse-"),
    }
    return admin_page(
        "admin/organisation.html",
        tab="organisations",
        organisation=organisation,
        municipality=municipality_name(db.session, number=organisation.municipality_number),
        members=members_of(db.session, organisation_id=organisation.id),
        requests=[(each.request, [file_row(document) for document in each.documents]) for each in requests],
        open_request=next((each.request for each in requests if each.request.decided_at is None), None),
        appeals=answers,
        open_appeal=next((each for each in answers if each.decided_at is None), None),
        verified_by=queries.name_of_person(db.session, user_id=organisation.verified_by_id),
        **{**empty, **forms},
    )
