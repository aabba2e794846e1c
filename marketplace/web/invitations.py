"""The page behind the link of an invitation: log in and accept, or sign up on the spot."""

from http import HTTPStatus

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale
from flask_babel import gettext as _

from marketplace import clock, db
from marketplace.forms.accounts import EmptyForm, InvitedSignUpForm
from marketplace.models import Invitation
from marketplace.permissions import Permission
from marketplace.queries.accounts import user_by_email
from marketplace.services import invitations
from marketplace.services.links import DeadLink
from marketplace.web.access import current_actor, requires
from marketplace.web.links import dead_link_page
from marketplace.web.sessions import begin_session
from marketplace.web.submit import applying

bp = Blueprint("invitations", __name__)


@bp.route("/invitation", methods=["GET", "POST"])
@requires(Permission.PUBLIC)
def answer() -> ResponseReturnValue:
    token = request.args.get("token", "")
    try:
        invitation = invitations.open_invitation(db.session, token=token, now=clock.now())
        if not current_actor().is_anonymous:
            return _accept(invitation, token)
        invitee = user_by_email(db.session, email=invitation.email)
        if invitee is not None and invitee.email_confirmed_at is not None:
            back = url_for(".answer", token=token)
            log_in = url_for("accounts.log_in", next=back)
            return render_template("accounts/invitation.html", invitation=invitation, log_in=log_in)
        return _sign_up(invitation, token)
    except DeadLink as dead:
        return dead_link_page(dead)


def _accept(invitation: Invitation, token: str) -> ResponseReturnValue:
    form = EmptyForm()
    is_theirs = current_actor().email.lower() == invitation.email.lower()
    if form.validate_on_submit():
        invitations.accept_invitation(db.session, current_actor(), token=token, now=clock.now())
        flash(_("You are now a member of %(name)s.", name=invitation.organisation.name), "success")
        return redirect(url_for("organisations.show", organisation_id=invitation.organisation_id))
    return render_template("accounts/invitation.html", invitation=invitation, form=form, is_theirs=is_theirs)


def _sign_up(invitation: Invitation, token: str) -> ResponseReturnValue:
    form = InvitedSignUpForm()
    organisation_id, name = invitation.organisation_id, invitation.organisation.name
    if form.validate_on_submit():
        with applying(form) as attempt:
            user = invitations.sign_up_from_invitation(
                db.session,
                token=token,
                name=form.name.data,
                password=form.password.data,
                locale=str(get_locale()),
                now=clock.now(),
            )
        if attempt.ok:
            begin_session(user)
            flash(_("Welcome. You are now a member of %(name)s.", name=name), "success")
            return redirect(url_for("organisations.show", organisation_id=organisation_id))
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    return render_template("accounts/invitation.html", invitation=invitation, sign_up_form=form), status
