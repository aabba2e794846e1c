"""Logging in and out, forgotten passwords, and what people change about themselves."""

from flask import Blueprint, flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale
from flask_babel import gettext as _

from marketplace import clock, db
from marketplace.errors import FieldError
from marketplace.forms.accounts import ChangePasswordForm, EmailForm, LogInForm, ProfileForm, ResetForm
from marketplace.i18n_marker import N_
from marketplace.permissions import Permission
from marketplace.services import accounts
from marketplace.services.links import DeadLink
from marketplace.web.access import LoggedInUser, current_actor, requires
from marketplace.web.limits import (
    LOG_IN_BY_ADDRESS,
    LOG_IN_BY_CLIENT,
    MAIL_BY_ADDRESS,
    MAIL_BY_CLIENT,
    PASSWORD_BY_ACCOUNT,
    client,
    forget_attempts,
    over_limit,
    refused,
)
from marketplace.web.links import dead_link_page
from marketplace.web.security import safe_next
from marketplace.web.sessions import begin_session, end_session, link_signer
from marketplace.web.submit import add_error, applying, unprocessable

bp = Blueprint("accounts", __name__)

MAILED_TO = "mailed_to"
WRONG = N_("The e-mail address and the password do not fit together, or the address has not been confirmed yet.")


@bp.route("/login", methods=["GET", "POST"])
@requires(Permission.PUBLIC)
def log_in() -> ResponseReturnValue:
    if not current_actor().is_anonymous:
        return redirect(safe_next(request.args.get("next"), default=url_for("front.index")))
    form = LogInForm()
    if form.validate_on_submit():
        over = over_limit(form, (LOG_IN_BY_CLIENT, client()), (LOG_IN_BY_ADDRESS, form.email.data))
        if over:
            return refused(render_template("accounts/log_in.html", form=form), over)
        user = None
        with applying(form) as attempt:
            user = accounts.authenticate(db.session, email=form.email.data, password=form.password.data)
        if user is not None:
            forget_attempts(LOG_IN_BY_ADDRESS, form.email.data)
            return redirect(_first_page(begin_session(user, remember=form.remember.data)))
        if attempt.ok:
            add_error(form, FieldError(field="", message=WRONG))
    return render_template("accounts/log_in.html", form=form), unprocessable(form)


@bp.post("/logout")
@requires(Permission.PUBLIC)
def log_out() -> ResponseReturnValue:
    end_session()
    flash(_("You are logged out."), "info")
    return redirect(url_for("front.index"))


@bp.route("/password/forgotten", methods=["GET", "POST"])
@requires(Permission.PUBLIC)
def forgotten() -> ResponseReturnValue:
    form = EmailForm()
    if form.validate_on_submit():
        over = over_limit(form, (MAIL_BY_CLIENT, client()), (MAIL_BY_ADDRESS, form.email.data))
        if over:
            return refused(render_template("accounts/forgotten.html", form=form), over)
        accounts.ask_for_reset(
            db.session, email=form.email.data, locale=str(get_locale()), signer=link_signer(), now=clock.now()
        )
        session[MAILED_TO] = form.email.data
        return redirect(url_for(".reset_sent"))
    return render_template("accounts/forgotten.html", form=form), unprocessable(form)


@bp.get("/password/sent")
@requires(Permission.PUBLIC)
def reset_sent() -> ResponseReturnValue:
    return render_template("accounts/reset_sent.html", email=session.get(MAILED_TO))


@bp.route("/password/reset", methods=["GET", "POST"])
@requires(Permission.PUBLIC)
def reset() -> ResponseReturnValue:
    token = request.args.get("token", "")
    form = ResetForm()
    try:
        user = accounts.account_to_reset(db.session, token=token, signer=link_signer(), now=clock.now())
        if form.validate_on_submit():
            with applying(form) as attempt:
                user = accounts.reset_password(
                    db.session, token=token, password=form.password.data, signer=link_signer(), now=clock.now()
                )
            if attempt.ok:
                first_page = _first_page(begin_session(user))  # before the message: a new session begins empty
                flash(_("Your new password is in place, and you are logged in."), "success")
                return redirect(first_page)
    except DeadLink as dead:
        return dead_link_page(dead, again=url_for(".forgotten"))
    return render_template("accounts/reset.html", form=form, email=user.email), unprocessable(form)


@bp.route("/account", methods=["GET", "POST"])
@requires(Permission.ACCOUNT)
def account() -> ResponseReturnValue:
    actor = current_actor()
    form = ProfileForm(name=actor.name, locale=actor.locale)
    if form.validate_on_submit():
        accounts.change_profile(db.session, actor, name=form.name.data, locale=form.locale.data)
        session["locale"] = form.locale.data
        flash(_("Saved."), "success")
        return redirect(url_for(".account"))
    return render_template("accounts/account.html", form=form), unprocessable(form)


@bp.route("/account/password", methods=["GET", "POST"])
@requires(Permission.ACCOUNT)
def change_password() -> ResponseReturnValue:
    actor = current_actor()
    form = ChangePasswordForm()
    if form.validate_on_submit():
        over = over_limit(form, (PASSWORD_BY_ACCOUNT, actor.user_id or 0))
        if over:
            return refused(render_template("accounts/change_password.html", form=form), over)
        with applying(form) as attempt:
            user = accounts.change_password(db.session, actor, current=form.current.data, new=form.new.data)
        if attempt.ok:
            begin_session(user)
            flash(_("Your password is changed. You are logged out everywhere else."), "success")
            return redirect(url_for(".account"))
    return render_template("accounts/change_password.html", form=form), unprocessable(form)


def _first_page(logged_in: LoggedInUser) -> str:
    """Where to go after logging in: where they were going, else to the front page, or to getting an organisation."""
    home = url_for("front.index" if logged_in.actor.memberships or logged_in.actor.is_admin else "organisations.mine")
    return safe_next(request.args.get("next"), default=home)
