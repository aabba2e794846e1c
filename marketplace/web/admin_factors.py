"""The administrators' pages of factor sets: what each version says, drafts of new ones, and which one is in use."""

from dataclasses import replace
from http import HTTPStatus

from flask import Blueprint, flash, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from marketplace import clock, db
from marketplace.errors import Conflict, InvalidInput, NotFound
from marketplace.factor_words import FactorGroup, as_kept, factor_name, note_words
from marketplace.forms.base import PostedForm
from marketplace.forms.factor_sets import CopySetForm, EditSetForm, FactorForm
from marketplace.i18n import translate
from marketplace.models import FactorRow, FactorSet
from marketplace.permissions import Permission
from marketplace.queries import factor_sets as queries
from marketplace.queries.factor_sets import plain
from marketplace.services import factor_sets as services
from marketplace.services.editing import ChangedMeanwhile
from marketplace.services.factor_sets import factor_version
from marketplace.types import FactorSetStatus
from marketplace.web.access import current_actor, requires
from marketplace.web.admin_frame import admin_page, back_to
from marketplace.web.factor_view import factor_tables_of, names_in, status_of
from marketplace.web.mass_plans import tell_changed
from marketplace.web.submit import applying, unprocessable

bp = Blueprint("admin_factors", __name__, url_prefix="/admin/factors")

TAB = "factors"


def load_set(set_id: int) -> FactorSet:
    found = queries.find_set(db.session, set_id=set_id)
    if found is None:
        raise NotFound
    return found


def load_factor(factor_id: int) -> FactorRow:
    row = queries.factor_with_set(db.session, factor_id=factor_id)
    if row is None:
        raise NotFound
    return row


@bp.get("")
@requires(Permission.ADMINISTER)
def index() -> ResponseReturnValue:
    sets = queries.all_sets(db.session)
    return admin_page(
        "admin/factors/index.html",
        tab=TAB,
        rows=[(each, status_of(each)) for each in sets],
        records=queries.record_counts(db.session),
    )


@bp.get("/<id:set_id>")
@requires(Permission.ADMINISTER, subject=load_set)
def show(kept: FactorSet) -> ResponseReturnValue:
    return _set_page(kept)


def _set_page(kept: FactorSet, *, edit: EditSetForm | None = None, problem: str = "") -> str:
    is_draft = kept.status is FactorSetStatus.DRAFT
    return admin_page(
        "admin/factors/show.html",
        tab=TAB,
        kept=kept,
        status=status_of(kept),
        tables=factor_tables_of(kept),
        records=queries.record_counts(db.session).get(kept.id, 0),
        is_draft=is_draft,
        edit=(edit or _edit_form(kept)) if is_draft else None,
        problem=problem,
    )


def _edit_form(kept: FactorSet) -> EditSetForm:
    form = EditSetForm(
        data={
            "name": note_words(kept.name),
            "default_vehicle": kept.default_vehicle,
            "default_fuel": kept.default_fuel,
            "note": note_words(kept.note),
        }
    )
    form.offer(
        vehicles=names_in(kept.factors, FactorGroup.VEHICLE),
        fuels=names_in(kept.factors, FactorGroup.FUEL),
    )
    return form


# Versions -------------------------------------------------------------------------------------------------------------


@bp.route("/<id:set_id>/copy", methods=["GET", "POST"])
@requires(Permission.ADMINISTER, subject=load_set)
def copy(kept: FactorSet) -> ResponseReturnValue:
    form = CopySetForm()
    if form.validate_on_submit():
        with applying(form) as attempt:
            draft = services.copy_set(
                db.session,
                current_actor(),
                set_id=kept.id,
                version=form.version.data,
                name=form.name.data,
                note=form.note.data or "",
                now=clock.now(),
            )
        if attempt.ok:
            flash(_("The draft is made. Nothing is worked out with it until you put it to use."), "success")
            return back_to(url_for(".show", set_id=draft.id))
    return admin_page("admin/factors/copy.html", tab=TAB, kept=kept, form=form), unprocessable(form)


@bp.post("/<id:set_id>/edit")
@requires(Permission.ADMINISTER, subject=load_set)
def edit(kept: FactorSet) -> ResponseReturnValue:
    form = _edit_form(kept)
    if form.validate_on_submit():
        try:
            with applying(form) as attempt:
                services.edit_set(
                    db.session,
                    current_actor(),
                    set_id=kept.id,
                    name=as_kept(form.name.data, kept.name),
                    default_vehicle=form.default_vehicle.data,
                    default_fuel=form.default_fuel.data,
                    note=as_kept(form.note.data or "", kept.note),
                )
        except Conflict as conflict:
            return _changed(kept, conflict)
        if attempt.ok:
            flash(_("The draft is saved."), "success")
            return back_to(url_for(".show", set_id=kept.id))
    return _set_page(kept, edit=form), unprocessable(form)


@bp.post("/<id:set_id>/activate")
@requires(Permission.ADMINISTER, subject=load_set)
def activate(kept: FactorSet) -> ResponseReturnValue:
    try:
        services.activate(db.session, current_actor(), set_id=kept.id, now=clock.now())
    except Conflict as conflict:
        return _changed(kept, conflict)
    except InvalidInput as refused:
        db.session.rollback()
        problem = translate(refused.errors[0].message, refused.errors[0].params)
        return _set_page(load_set(kept.id), problem=problem), HTTPStatus.UNPROCESSABLE_ENTITY
    flash(_("The version is in use from now on. What was worked out before stays as it is."), "success")
    return back_to(url_for(".show", set_id=kept.id))


@bp.post("/<id:set_id>/discard")
@requires(Permission.ADMINISTER, subject=load_set)
def discard(kept: FactorSet) -> ResponseReturnValue:
    try:
        services.discard_draft(db.session, current_actor(), set_id=kept.id)
    except Conflict as conflict:
        return _changed(kept, conflict)
    flash(_("The draft is deleted."), "success")
    return back_to(url_for(".index"))


def _changed(kept: FactorSet, conflict: Conflict) -> ResponseReturnValue:
    flash(translate(conflict.message, conflict.params), "warning")
    return back_to(url_for(".show", set_id=kept.id))


# Figures --------------------------------------------------------------------------------------------------------------


@bp.route("/<id:set_id>/add", methods=["GET", "POST"])
@requires(Permission.ADMINISTER, subject=load_set)
def add(kept: FactorSet) -> ResponseReturnValue:
    form = FactorForm()
    form.offer(key=None)
    if form.validate_on_submit():
        try:
            with applying(form) as attempt:
                services.add_factor(
                    db.session,
                    current_actor(),
                    set_id=kept.id,
                    key=form.key.data or "",
                    values=form.values(),
                    now=clock.now(),
                )
        except Conflict as conflict:
            return _changed(kept, conflict)
        if attempt.ok:
            flash(_("The figure is added."), "success")
            return back_to(url_for(".show", set_id=kept.id))
    return _figure_page(form, kept=kept, row=None), unprocessable(form)


@bp.route("/figures/<id:factor_id>", methods=["GET", "POST"])
@requires(Permission.ADMINISTER, subject=load_factor)
def edit_factor(row: FactorRow) -> ResponseReturnValue:
    kept, key = row.factor_set, row.key
    if kept.status is not FactorSetStatus.DRAFT:
        flash(translate(services.NOT_A_DRAFT, {}), "warning")
        return back_to(url_for(".show", set_id=kept.id))
    form = FactorForm(data=_data_of(row))
    form.offer(key=key)
    status = HTTPStatus.OK
    if form.validate_on_submit():
        values = form.values()
        try:
            with applying(form) as attempt:
                services.edit_factor(
                    db.session,
                    current_actor(),
                    factor_id=row.id,
                    values=replace(values, note=as_kept(values.note, row.note)),
                    now=clock.now(),
                    seen_version=form.version.data or None,
                )
            if attempt.ok:
                flash(_("The figure is saved."), "success")
                return back_to(url_for(".show", set_id=kept.id, _anchor=f"figure-{row.id}"))
        except ChangedMeanwhile as conflict:
            status = HTTPStatus.CONFLICT
            db.session.refresh(row)
            tell_changed(form, conflict, factor_version(row))
        except Conflict as conflict:
            return _changed(kept, conflict)
    if status is HTTPStatus.OK:
        status = unprocessable(form)
    return _figure_page(form, kept=kept, row=row), status


def _data_of(row: FactorRow) -> dict[str, object]:
    has_range = row.low != row.high
    return {
        "value": plain(row.value),
        "low": plain(row.low) if has_range else None,
        "high": plain(row.high) if has_range else None,
        "unit": row.unit,
        "source": row.source,
        "year": str(row.source_year or ""),
        "is_verified": row.is_verified,
        "note": note_words(row.note),
        "version": factor_version(row),
    }


def _figure_page(form: PostedForm, *, kept: FactorSet, row: FactorRow | None) -> str:
    return admin_page(
        "admin/factors/figure.html",
        tab=TAB,
        form=form,
        kept=kept,
        row=row,
        name=factor_name(row.key) if row else "",
    )
