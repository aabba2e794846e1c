"""Tokens of an organisation: making one, which is shown once, and revoking it."""

from flask import Blueprint, flash, make_response, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from marketplace import clock, db
from marketplace.errors import NotFound
from marketplace.forms.accounts import EmptyForm
from marketplace.forms.api_tokens import TokenForm
from marketplace.models import ApiToken, Organisation
from marketplace.permissions import Permission
from marketplace.queries.api_tokens import tokens_of
from marketplace.services.api_tokens import make_token, revoke_token
from marketplace.text import clean_line
from marketplace.web.access import current_actor, requires
from marketplace.web.organisations import load_organisation
from marketplace.web.submit import applying, unprocessable

bp = Blueprint("api_tokens", __name__, url_prefix="/organisations")


def load_token(organisation_id: int, token_id: int) -> ApiToken:
    token = db.session.get(ApiToken, token_id)
    if token is None or token.organisation_id != organisation_id:
        raise NotFound
    return token


@bp.route("/<id:organisation_id>/tokens", methods=["GET", "POST"])
@requires(Permission.MANAGE_TOKENS, subject=load_organisation)
def of_organisation(organisation: Organisation) -> ResponseReturnValue:
    form = TokenForm()
    if form.validate_on_submit():
        with applying(form) as attempt:
            token, secret = make_token(
                db.session,
                current_actor(),
                organisation_id=organisation.id,
                name=clean_line(form.name.data),
                days=form.days.data,
                now=clock.now(),
            )
        if attempt.ok:
            return _shown_once(organisation, token, secret)
    page = render_template(
        "api_tokens/of_organisation.html",
        organisation=organisation,
        form=form,
        tokens=tokens_of(db.session, organisation_id=organisation.id),
        now=clock.now(),
    )
    return page, unprocessable(form)


def _shown_once(organisation: Organisation, token: ApiToken, secret: str) -> ResponseReturnValue:
    page = render_template("api_tokens/made.html", organisation=organisation, token=token, secret=secret)
    response = make_response(page)
    response.headers["Cache-Control"] = "no-store"
    return response


@bp.post("/<id:organisation_id>/tokens/<id:token_id>/revoke")
@requires(Permission.MANAGE_TOKENS, subject=load_token)
def revoke(token: ApiToken) -> ResponseReturnValue:
    if EmptyForm().validate_on_submit():
        revoke_token(
            db.session,
            current_actor(),
            organisation_id=token.organisation_id,
            token_id=token.id,
            now=clock.now(),
        )
        flash(_("The token no longer opens anything."), "success")
    return redirect(url_for(".of_organisation", organisation_id=token.organisation_id))
