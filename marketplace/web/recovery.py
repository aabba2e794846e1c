"""The three tests of recovery: what the taker of a deal answered, and the page where it does."""

from dataclasses import dataclass
from http import HTTPStatus
from uuid import UUID, uuid4, uuid5

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_wtf import FlaskForm

from marketplace import clock, db
from marketplace.errors import Conflict, NotFound
from marketplace.file_types import LIMIT_BYTES, MEBIBYTE
from marketplace.forms.recovery import RecoveryForm, said_before
from marketplace.i18n import translate
from marketplace.models import Deal, RecoveryAnswer
from marketplace.permissions import Permission
from marketplace.queries.statements import open_statement
from marketplace.recovery import Recovery, recovery_of
from marketplace.recovery_wording import CONSEQUENCES, OUTCOMES, TITLES
from marketplace.services import recovery as services
from marketplace.services.deal_actions import DealAction, require
from marketplace.services.statement_content import recovery_answers
from marketplace.types import RecoveryTest
from marketplace.web.access import current_actor, requires
from marketplace.web.deal_page import DealView, deal_section, load_deal, view_of_deal
from marketplace.web.document_files import document_response, storage
from marketplace.web.submit import applying, refused_in, unprocessable

bp = Blueprint("recovery", __name__, url_prefix="/deals/<id:deal_id>/recovery")

UPLOAD_BYTES = len(RecoveryTest) * LIMIT_BYTES + MEBIBYTE


@bp.url_value_preprocessor
def allow_files(_endpoint: str | None, _arguments: object) -> None:
    """More than other requests may hold, for who is logged in; before anything has read the form."""
    if request.method == "POST" and not current_actor().is_anonymous:
        request.max_content_length = UPLOAD_BYTES


@dataclass(frozen=True, slots=True, kw_only=True)
class TestRow:
    """One test as the page shows it; `answer` is None while there is none."""

    test: RecoveryTest
    title: str
    answer: RecoveryAnswer | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoverySection:
    rows: tuple[TestRow, ...]
    comes_to: Recovery
    outcome: str
    consequence: str
    can_answer: bool


@deal_section("recovery")
def section(view: DealView, _form: FlaskForm | None) -> RecoverySection:
    answers = {each.test: each for each in recovery_answers(db.session, view.deal)}
    comes_to = recovery_of({test: each.holds for test, each in answers.items()})
    waits = view.is_firm and open_statement(db.session, deal_id=view.deal.id) is not None
    return RecoverySection(
        rows=_rows(answers),
        comes_to=comes_to,
        outcome=translate(OUTCOMES[comes_to], {}),
        consequence=translate(CONSEQUENCES[comes_to], {}),
        can_answer=view.may(DealAction.ANSWER_RECOVERY) and not waits,
    )


def _rows(answers: dict[RecoveryTest, RecoveryAnswer]) -> tuple[TestRow, ...]:
    return tuple(
        TestRow(test=test, title=translate(TITLES[test], {}), answer=answers.get(test)) for test in RecoveryTest
    )


@bp.route("", methods=["GET", "POST"])
@requires(Permission.ACT_ON_DEAL, subject=load_deal)
def edit(deal: Deal) -> ResponseReturnValue:
    deal_id, status = deal.id, None
    form = RecoveryForm(data=said_before(recovery_answers(db.session, deal)))
    try:
        require(DealAction.ANSWER_RECOVERY, deal, current_actor())
        if form.validate_on_submit():
            with applying(form) as attempt:
                services.answer_recovery(
                    db.session,
                    current_actor(),
                    deal_id=deal_id,
                    answers=form.answers(_files(form)),
                    storage=storage(),
                    now=clock.now(),
                )
            if attempt.ok:
                flash(_("Your answers are saved."), "success")
                return redirect(url_for("deals.show", deal_id=deal_id, _anchor="recovery"), HTTPStatus.SEE_OTHER)
    except Conflict as refused:
        if not form.is_submitted():
            raise
        status = refused_in(form, refused)
    # A new name for what is sent next: a form that comes back with errors must not count as the one before.
    form.upload_id.data = str(uuid4())
    deal = load_deal(deal_id)
    rows = _rows({each.test: each for each in recovery_answers(db.session, deal)})
    page = render_template("deals/recovery.html", view=view_of_deal(deal), deal=deal, form=form, rows=rows)
    return page, status or unprocessable(form)


def _files(form: RecoveryForm) -> dict[RecoveryTest, services.EvidenceFile]:
    """The files that were chosen; a browser sends an empty one where none was."""
    try:
        upload = UUID(form.upload_id.data or "")
    except ValueError:
        upload = uuid4()
    found = {}
    for test in RecoveryTest:
        sent = request.files.get(f"{test}_file")
        if sent is not None and sent.filename:
            found[test] = services.EvidenceFile(
                file_name=sent.filename, content=sent.stream.read(), upload_id=uuid5(upload, test)
            )
    return found


def load_deal_of_answer(deal_id: int, test: str) -> Deal:
    """The deal; which answer it is about, the view reads from the address."""
    del test
    return load_deal(deal_id)


@bp.get("/<test>/document")
@requires(Permission.VIEW_DEAL, subject=load_deal_of_answer)
def document(deal: Deal) -> ResponseReturnValue:
    """What an answer rests on: for both sides of the deal, though it is kept among the papers of one."""
    test = (request.view_args or {})["test"]
    answer = next((each for each in recovery_answers(db.session, deal) if each.test == test), None)
    if answer is None or answer.document is None:
        raise NotFound
    return document_response(answer.document)
