"""Signing up: the form, the mail, and the page behind its link.

Every address gets the same answers here, and log-in comes after the address is confirmed: see `services/accounts.py`.
"""

from http import HTTPStatus

from flask import Blueprint, flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale
from flask_babel import gettext as _

from marketplace import clock, db
from marketplace.forms.accounts import ConfirmForm, EmailForm, SignUpForm
from marketplace.permissions import Permission
from marketplace.services import accounts
from marketplace.services.links import DeadLink
from marketplace.web.access import current_actor, requires
from marketplace.web.limits import MAIL_BY_ADDRESS, MAIL_BY_CLIENT, client, over_limit, refused
from marketplace.web.links import dead_link_page
from marketplace.web.sessions import begin_session, browser_key, link_signer
from marketplace.web.submit import applying, unprocessable

bp = Blueprint("sign_up", __name__, url_prefix="/signup")

MAILED_TO = "mailed_to"


@bp.route("", methods=["GET", "POST"])
@requires(Permission.PUBLIC)
def sign_up() -> ResponseReturnValue:
    if not current_actor().is_anonymous:
        return redirect(url_for("organisations.mine"))
    form = SignUpForm()
    if form.validate_on_submit():
        over = over_limit(form, (MAIL_BY_CLIENT, client()), (MAIL_BY_ADDRESS, form.email.data))
        if over:
            return refused(render_template("accounts/sign_up.html", form=form), over)
        with applying(form) as attempt:
            accounts.sign_up(
                db.session,
                name=form.name.data,
                email=form.email.data,
                password=form.password.data,
                locale=str(get_locale()),
                browser_key=browser_key(),
                signer=link_signer(),
                now=clock.now(),
            )
        if attempt.ok:
            session[MAILED_TO] = form.email.data
            return redirect(url_for(".sent"))
    return render_template("accounts/sign_up.html", form=form), unprocessable(form)


@bp.get("/sent")
@requires(Permission.PUBLIC)
def sent() -> ResponseReturnValue:
    return render_template("accounts/sign_up_sent.html", email=session.get(MAILED_TO))


@bp.route("/resend", methods=["GET", "POST"])
@requires(Permission.PUBLIC)
def resend() -> ResponseReturnValue:
    form = EmailForm(email=session.get(MAILED_TO))
    if form.validate_on_submit():
        over = over_limit(form, (MAIL_BY_CLIENT, client()), (MAIL_BY_ADDRESS, form.email.data))
        if over:
            return refused(render_template("accounts/resend.html", form=form), over)
        accounts.resend_confirmation(
            db.session,
            email=form.email.data,
            browser_key=browser_key(),
            locale=str(get_locale()),
            signer=link_signer(),
            now=clock.now(),
        )
        session[MAILED_TO] = form.email.data
        return redirect(url_for(".sent"))
    return render_template("accounts/resend.html", form=form), unprocessable(form)


@bp.route("/confirm", methods=["GET", "POST"])
@requires(Permission.PUBLIC)
def confirm() -> ResponseReturnValue:
    """A GET only shows a button: mail scanners open links, and must not confirm anything."""
    token, browser, signer = request.args.get("token", ""), browser_key(), link_signer()
    form = ConfirmForm()
    try:
        pending = accounts.pending_confirmation(
            db.session, token=token, browser_key=browser, signer=signer, now=clock.now()
        )
        if form.validate_on_submit():
            with applying(form) as attempt:
                user = accounts.confirm_address(
                    db.session,
                    token=token,
                    password=form.password.data,
                    browser_key=browser,
                    signer=signer,
                    now=clock.now(),
                )
            if attempt.ok:
                actor = begin_session(user).actor
                flash(_("Welcome, %(name)s. Your address is confirmed.", name=user.name), "success")
                return redirect(url_for("front.index" if actor.memberships else "organisations.mine"))
    except DeadLink as dead:
        return dead_link_page(dead, again=url_for(".resend"))
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    return render_template("accounts/confirm.html", form=form, pending=pending), status
