"""Organisations: registering one, its page, its members and who is invited."""

from http import HTTPStatus

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale
from flask_babel import gettext as _

from marketplace import clock, db
from marketplace.errors import FieldError, NotFound
from marketplace.forms.accounts import EmptyForm
from marketplace.forms.organisations import (
    EditOrganisationForm,
    InviteForm,
    RegisterOrganisationForm,
    RoleForm,
)
from marketplace.i18n import translate
from marketplace.i18n_marker import N_
from marketplace.models import Invitation, Membership, Organisation
from marketplace.permissions import Permission, allows
from marketplace.queries import organisations as queries
from marketplace.queries.facilities import facilities_of
from marketplace.registers.enhetsregisteret import RegisteredOrganisation
from marketplace.registers.orgnr import format_org_number, parse_org_number
from marketplace.registers.remote import RemoteUnavailable
from marketplace.services import invitations, organisations
from marketplace.services.organisations import LastOwner
from marketplace.types import OrganisationKind, Role
from marketplace.web.access import current_actor, requires
from marketplace.web.cards import card_of
from marketplace.web.facility_facts import facts_of
from marketplace.web.geocode import is_over_limit
from marketplace.web.limits import INVITATIONS_BY_ORGANISATION, ORGANISATIONS_BY_ACCOUNT, over_limit, refused
from marketplace.web.paging import cursor_from_address, page_links
from marketplace.web.registers import registers
from marketplace.web.submit import add_error, applying, unprocessable

bp = Blueprint("organisations", __name__, url_prefix="/organisations")
bp.add_app_template_filter(format_org_number, "org_number")

UNKNOWN_NUMBER = N_("Enhetsregisteret knows of no organisation with this number.")


class UnknownOrganisation(Exception):
    """Enhetsregisteret was asked, and has no such organisation."""


def load_organisation(organisation_id: int) -> Organisation:
    organisation = db.session.get(Organisation, organisation_id)
    if organisation is None:
        raise NotFound
    return organisation


def load_membership(organisation_id: int, user_id: int) -> Membership:
    membership = queries.membership(db.session, organisation_id=organisation_id, user_id=user_id)
    if membership is None:
        raise NotFound
    return membership


def load_invitation(organisation_id: int, invitation_id: int) -> Invitation:
    invitation = queries.invitation(db.session, organisation_id=organisation_id, invitation_id=invitation_id)
    if invitation is None:
        raise NotFound
    return invitation


@bp.get("")
@requires(Permission.ACCOUNT)
def mine() -> ResponseReturnValue:
    return render_template("organisations/mine.html", needs_role="needed" in request.args)


@bp.route("/new", methods=["GET", "POST"])
@requires(Permission.REGISTER_ORGANISATION)
def new() -> ResponseReturnValue:
    form = RegisterOrganisationForm()
    if form.validate_on_submit():
        actor = current_actor()
        over = over_limit(form, (ORGANISATIONS_BY_ACCOUNT, actor.user_id or 0))
        if over:
            return refused(render_template("organisations/new.html", form=form), over)
        found = _ask_register(form)
        if not form.errors:
            with applying(form) as attempt:
                organisation = organisations.register_organisation(
                    db.session,
                    actor,
                    org_number=form.org_number.data,
                    name=form.name.data,
                    kind=OrganisationKind(form.kind.data),
                    found=found,
                    now=clock.now(),
                )
            if attempt.ok:
                flash(_("%(name)s is registered, and you are its owner.", name=organisation.name), "success")
                return redirect(url_for(".show", organisation_id=organisation.id))
    return render_template("organisations/new.html", form=form), unprocessable(form)


@bp.get("/lookup")
@requires(Permission.REGISTER_ORGANISATION)
def look_up() -> ResponseReturnValue:
    """The name field, filled in from Enhetsregisteret where it answers; replaces itself while the number is typed."""
    form = RegisterOrganisationForm(formdata=None, name=request.args.get("name", "")[:200])
    found, note = None, None
    number = parse_org_number(request.args.get("org_number", ""))
    if number is not None:
        try:
            if is_over_limit():  # nobody else's register is asked without end through us
                raise RemoteUnavailable("this visitor asks too often")
            found = _find(number)
            form.name.data = found.name
        except RemoteUnavailable:
            note = _("Enhetsregisteret does not answer just now. Type the name yourself.")
        except UnknownOrganisation:
            note = translate(UNKNOWN_NUMBER, {})
    return render_template("organisations/_name.html", form=form, found=found, note=note)


@bp.get("/<id:organisation_id>")
@requires(Permission.VIEW_ORGANISATION, subject=load_organisation)
def show(organisation: Organisation) -> ResponseReturnValue:
    may_see_members = allows(Permission.VIEW_MEMBERS, current_actor(), organisation)
    page = queries.open_listings_of(
        db.session, organisation_id=organisation.id, today=clock.local_date(clock.now()), cursor=cursor_from_address()
    )
    return render_template(
        "organisations/show.html",
        organisation=organisation,
        listings=[card_of(listing) for listing in page.items],
        links=page_links(page, ".show", organisation_id=organisation.id),
        municipality=queries.municipality_name(db.session, number=organisation.municipality_number),
        facilities=[
            facts_of(each, today=clock.local_date(clock.now()))
            for each in facilities_of(db.session, organisation_id=organisation.id)
        ],
        members=queries.members_of(db.session, organisation_id=organisation.id) if may_see_members else None,
        this_year=clock.local_date(clock.now()).year,
    )


@bp.route("/<id:organisation_id>/edit", methods=["GET", "POST"])
@requires(Permission.EDIT_ORGANISATION, subject=load_organisation)
def edit(organisation: Organisation) -> ResponseReturnValue:
    form = EditOrganisationForm(name=organisation.name, kind=organisation.kind.value)
    is_from_register = organisation.register_checked_at is not None
    if is_from_register:
        del form.name
    if form.validate_on_submit():
        with applying(form) as attempt:
            organisations.edit_organisation(
                db.session,
                current_actor(),
                organisation=organisation,
                name=organisation.name if is_from_register else form.name.data,
                kind=OrganisationKind(form.kind.data),
            )
        if attempt.ok:
            flash(_("Saved."), "success")
            return redirect(url_for(".show", organisation_id=organisation.id))
    page = render_template(
        "organisations/edit.html", form=form, organisation=organisation, register=registers().organisations
    )
    return page, unprocessable(form)


@bp.post("/<id:organisation_id>/refresh")
@requires(Permission.EDIT_ORGANISATION, subject=load_organisation)
def refresh(organisation: Organisation) -> ResponseReturnValue:
    form = EmptyForm()
    try:
        found = _find(organisation.org_number)
    except RemoteUnavailable:
        flash(_("Enhetsregisteret does not answer just now. Try again later."), "warning")
    except UnknownOrganisation:
        flash(translate(UNKNOWN_NUMBER, {}), "warning")
    else:
        with applying(form) as attempt:
            organisations.refresh_from_register(
                db.session, current_actor(), organisation=organisation, found=found, now=clock.now()
            )
        if attempt.ok:
            flash(_("Name and address are now as in Enhetsregisteret."), "success")
        for message in form.form_errors:
            flash(message, "error")
    return redirect(url_for(".edit", organisation_id=organisation.id))


@bp.get("/<id:organisation_id>/members")
@requires(Permission.VIEW_MEMBERS, subject=load_organisation)
def members(organisation: Organisation) -> ResponseReturnValue:
    return _members_page(organisation, InviteForm())


@bp.post("/<id:organisation_id>/members")
@requires(Permission.MANAGE_MEMBERS, subject=load_organisation)
def invite(organisation: Organisation) -> ResponseReturnValue:
    form = InviteForm()
    if form.validate_on_submit():
        over = over_limit(form, (INVITATIONS_BY_ORGANISATION, organisation.id))
        if over:
            return refused(_members_page(organisation, form), over)
        with applying(form) as attempt:
            invitations.invite(
                db.session,
                current_actor(),
                organisation=organisation,
                email=form.email.data,
                role=Role(form.role.data),
                locale=str(get_locale()),
                now=clock.now(),
            )
        if attempt.ok:
            flash(_("An invitation is on its way to %(email)s.", email=form.email.data), "success")
            return redirect(url_for(".members", organisation_id=organisation.id))
    return _members_page(organisation, form), HTTPStatus.UNPROCESSABLE_ENTITY


@bp.post("/<id:organisation_id>/members/<id:user_id>/role")
@requires(Permission.MANAGE_MEMBERS, subject=load_membership)
def change_role(membership: Membership) -> ResponseReturnValue:
    form = RoleForm()
    name, organisation_id = membership.user.name, membership.organisation_id
    if not form.validate_on_submit():
        flash(_("Choose one of the roles."), "error")
        return redirect(url_for(".members", organisation_id=organisation_id))
    try:
        organisations.change_role(
            db.session,
            current_actor(),
            organisation_id=organisation_id,
            user_id=membership.user_id,
            role=Role(form.role.data),
        )
    except LastOwner as error:
        flash(translate(error.message, error.params), "error")
    else:
        flash(_("The role of %(name)s is changed.", name=name), "success")
    return _back_to(organisation_id)


@bp.post("/<id:organisation_id>/members/<id:user_id>/remove")
@requires(Permission.MANAGE_MEMBERS, subject=load_membership)
def remove_member(membership: Membership) -> ResponseReturnValue:
    name, organisation_id = membership.user.name, membership.organisation_id
    try:
        organisations.remove_member(
            db.session, current_actor(), organisation_id=organisation_id, user_id=membership.user_id
        )
    except LastOwner as error:
        flash(translate(error.message, error.params), "error")
    else:
        flash(_("%(name)s is no longer a member.", name=name), "success")
    return _back_to(organisation_id)


@bp.post("/<id:organisation_id>/leave")
@requires(Permission.LEAVE_ORGANISATION, subject=load_organisation)
def leave(organisation: Organisation) -> ResponseReturnValue:
    try:
        organisations.leave_organisation(db.session, current_actor(), organisation_id=organisation.id)
    except LastOwner as error:
        flash(translate(error.message, error.params), "error")
        return redirect(url_for(".members", organisation_id=organisation.id))
    flash(_("You have left %(name)s.", name=organisation.name), "success")
    return redirect(url_for(".mine"))


@bp.post("/<id:organisation_id>/invitations/<id:invitation_id>/resend")
@requires(Permission.MANAGE_MEMBERS, subject=load_invitation)
def resend_invitation(invitation: Invitation) -> ResponseReturnValue:
    form = EmptyForm()
    email, organisation_id = invitation.email, invitation.organisation_id
    if over_limit(form, (INVITATIONS_BY_ORGANISATION, organisation_id)):
        flash(form.form_errors[0], "error")
        return redirect(url_for(".members", organisation_id=organisation_id))
    invitations.resend_invitation(
        db.session, current_actor(), invitation=invitation, locale=str(get_locale()), now=clock.now()
    )
    flash(_("A new link is on its way to %(email)s. The former one no longer works.", email=email), "success")
    return redirect(url_for(".members", organisation_id=organisation_id))


@bp.post("/<id:organisation_id>/invitations/<id:invitation_id>/revoke")
@requires(Permission.MANAGE_MEMBERS, subject=load_invitation)
def revoke_invitation(invitation: Invitation) -> ResponseReturnValue:
    invitations.revoke_invitation(db.session, current_actor(), invitation=invitation, now=clock.now())
    flash(_("The invitation to %(email)s is withdrawn.", email=invitation.email), "success")
    return redirect(url_for(".members", organisation_id=invitation.organisation_id))


def _members_page(organisation: Organisation, form: InviteForm) -> str:
    return render_template(
        "organisations/members.html",
        organisation=organisation,
        members=queries.members_of(db.session, organisation_id=organisation.id),
        invitations=queries.open_invitations(db.session, organisation_id=organisation.id, now=clock.now()),
        form=form,
        roles=list(Role),
    )


def _back_to(organisation_id: int) -> ResponseReturnValue:
    """The members' page, where the visitor may still see it."""
    actor = current_actor()
    still_there = actor.is_admin or queries.membership(
        db.session, organisation_id=organisation_id, user_id=actor.user_id or 0
    )
    if still_there:
        return redirect(url_for(".members", organisation_id=organisation_id))
    return redirect(url_for(".mine"))


def _find(number: str) -> RegisteredOrganisation:
    """
    Raises:
        RemoteUnavailable: the register could not be asked.
        UnknownOrganisation: it was asked, and has no such organisation.
    """
    found = registers().organisations.find(number)
    if found is None:
        raise UnknownOrganisation
    return found


def _ask_register(form: RegisterOrganisationForm) -> RegisteredOrganisation | None:
    """What the register says of the number in the form; None where it could not be asked, or was not worth asking."""
    number = parse_org_number(form.org_number.data)
    if number is None:
        return None
    try:
        return _find(number)
    except RemoteUnavailable:
        return None
    except UnknownOrganisation:
        add_error(form, FieldError(field="org_number", message=UNKNOWN_NUMBER))
        return None
