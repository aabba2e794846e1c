"""Laboratory results on their way in: a table with its preview, or values typed one by one; and out again."""

from datetime import date
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from geo.errors import LabError
from geo.lab_tables import LabReading
from geo.lab_values import decimal_marks, read_lab_value
from geo.limits import RuleBook, rule_book_of
from geo.materials import Material, taxonomy
from geo.proof import Medium
from geo.quality_tables import quality_tables
from marketplace import clock, db
from marketplace.errors import FieldError, InvalidInput
from marketplace.forms.lab_results import MEDIA, UNITS, VALUE, PreviewForm, TableForm, TypedForm, typed_form
from marketplace.geo_messages import refused_at
from marketplace.models import LabDraft, Listing
from marketplace.permissions import Permission
from marketplace.services import lab_drafts as drafts
from marketplace.services.lab_drafts import HandedIn, samples_to_keep
from marketplace.services.lab_results import ReportedSample, ReportedValue, remove_report, report_of_table, store_report
from marketplace.table_faults import MIB
from marketplace.types import LabSource
from marketplace.web.access import current_actor, requires
from marketplace.web.lab_preview import answers_from, preview_of
from marketplace.web.quality import load_surplus, papers_of, require_open
from marketplace.web.submit import applying, unprocessable
from marketplace.web.taken_down import telling_if_taken_down

bp = Blueprint("lab_results", __name__, url_prefix="/listings/<id:listing_id>/quality")

CONFIRM, DISCARD, ANOTHER = "confirm", "discard", "another"
REQUEST_BYTES = 16 * MIB
"""More than a table may have, so that one that is too large is told its limit, and the page is not lost."""


@bp.url_value_preprocessor
def take_tables(_endpoint: str | None, _arguments: object) -> None:
    """More than other requests may hold, for who is logged in; before anything has read the form."""
    if request.method == "POST" and not current_actor().is_anonymous:
        request.max_content_length = REQUEST_BYTES


def _material(listing: Listing) -> Material:
    return taxonomy().material(listing.material_key)


# Handing a table in -----------------------------------------------------------------------------------------------


@bp.route("/tables/new", methods=["GET", "POST"])
@requires(Permission.EDIT_LISTING, subject=load_surplus)
def hand_in(listing: Listing) -> ResponseReturnValue:
    require_open(listing)
    form = TableForm()
    if form.validate_on_submit():
        handed_in = _handed_in(form)
        if handed_in is None:
            form.file.errors = [_("Choose a file, or paste the table below.")]
        else:
            with applying(form) as attempt:
                draft = drafts.stage_draft(
                    db.session, current_actor(), listing_id=listing.id, handed_in=handed_in, now=clock.now()
                )
            if attempt.ok:
                return redirect(url_for(".preview", listing_id=listing.id, draft_id=draft.id))
    return render_template("quality/hand_in.html", listing=listing, form=form), unprocessable(form)


def _handed_in(form: Any) -> HandedIn | None:
    """What was sent: the file if one was chosen, else the pasted text."""
    upload = request.files.get(form.file.name)
    if upload is not None and upload.filename:
        with upload.stream as stream:
            content = stream.read(drafts.LIMITS.file_bytes + 1)
        return HandedIn(source=LabSource.FILE, content=content, file_name=upload.filename)
    text = form.text.data or ""
    if text.strip():
        return HandedIn(source=LabSource.PASTED, content=text.encode())
    return None


# The preview ------------------------------------------------------------------------------------------------------


@bp.route("/tables/<id:draft_id>", methods=["GET", "POST"])
@requires(Permission.EDIT_LISTING, subject=load_surplus)
@telling_if_taken_down
def preview(listing: Listing) -> ResponseReturnValue:
    """Nothing counts until it is confirmed; whatever is sent before is kept, and so is the table when another fails."""
    require_open(listing)
    draft = drafts.draft_of(db.session, listing_id=listing.id, draft_id=(request.view_args or {})["draft_id"])
    if request.form.get("action") == DISCARD:
        drafts.discard_draft(db.session, draft)
        flash(_("The table is thrown away. Nothing of it was kept."), "info")
        return redirect(url_for("quality.show", listing_id=listing.id))
    form = PreviewForm(data=_said_of_report(draft))
    form.offer(papers_of(listing))
    if form.validate_on_submit():
        saved = _take(form, listing, draft)
        if saved is not None:
            return saved
    reading = _read(draft)
    return render_template(
        "quality/preview.html",
        listing=listing,
        draft=draft,
        same_table=report_of_table(db.session, listing_id=listing.id, file_sha256=drafts.sha256_of(draft)),
        form=form,
        media=MEDIA,
        has_coatings=rule_book_of(_material(listing)) is RuleBook.CHAPTER_14A,
        view=preview_of(reading, material=_material(listing), said=draft.said.get("samples", {})),
    ), unprocessable(form)


def _take(form: PreviewForm, listing: Listing, draft: LabDraft) -> ResponseReturnValue | None:
    """Keep what was said; then take another table, or store what was confirmed. None: show the preview again."""
    samples = answers_from(request.form, _read(draft), draft.said.get("samples", {}))
    drafts.say_of_draft(db.session, draft, said={"report": _report_data(form), "samples": samples})
    handed_in = _handed_in(form)
    if handed_in is not None:
        with applying(form) as replaced:
            drafts.replace_table(db.session, draft, handed_in=handed_in)
        return redirect(url_for(".preview", listing_id=listing.id, draft_id=draft.id)) if replaced.ok else None
    if request.form.get("action") != CONFIRM:
        return redirect(url_for(".preview", listing_id=listing.id, draft_id=draft.id))
    kept = samples_to_keep(_read(draft), said=samples)
    with applying(form) as attempt:
        head = form.head(source=draft.source, file_name=draft.file_name, file_sha256=drafts.sha256_of(draft))
        store_report(db.session, current_actor(), listing_id=listing.id, head=head, samples=kept, now=clock.now())
        drafts.discard_draft(db.session, draft)
    if not attempt.ok:
        return None
    flash(ngettext("%(num)s sample is added.", "%(num)s samples are added.", len(kept)), "success")
    return redirect(url_for("quality.show", listing_id=listing.id))


def _read(draft: LabDraft) -> LabReading:
    report = draft.said.get("report", {})
    return drafts.read_draft(
        draft, assumed_unit=report.get("assumed_unit", ""), sample_name=report.get("sample_name", "")
    )


def _report_data(form: PreviewForm) -> dict[str, object]:
    return {
        "laboratory": form.laboratory.data,
        "report_number": form.report_number.data,
        "sampled_on": form.sampled_on.data.isoformat() if form.sampled_on.data else None,
        "document_id": form.document_id.data,
        "assumed_unit": form.assumed_unit.data,
        "sample_name": form.sample_name.data,
    }


def _said_of_report(draft: LabDraft) -> dict[str, object]:
    said = dict(draft.said.get("report", {}))
    day = said.get("sampled_on")
    return {**said, "sampled_on": _day(day)}


def _day(written: object) -> date | None:
    """The day as it was kept; nothing for what is none."""
    try:
        return date.fromisoformat(written) if isinstance(written, str) else None
    except ValueError:
        return None


# By hand ----------------------------------------------------------------------------------------------------------


@bp.route("/results/new", methods=["GET", "POST"])
@requires(Permission.EDIT_LISTING, subject=load_surplus)
@telling_if_taken_down
def type_in(listing: Listing) -> ResponseReturnValue:
    require_open(listing)
    form = typed_form(_codes(_material(listing)), **_carried_over())
    form.offer(papers_of(listing))
    if form.validate_on_submit():
        with applying(form) as attempt:
            store_report(
                db.session,
                current_actor(),
                listing_id=listing.id,
                head=form.head(source=LabSource.TYPED),
                samples=[_typed_sample(form)],
                now=clock.now(),
            )
        if attempt.ok:
            flash(_("The sample %(name)s is added.", name=form.sample.data), "success")
            return redirect(_after_typing(listing, form))
    return render_template(
        "quality/type_in.html",
        listing=listing,
        form=form,
        values=[form[f"{VALUE}{code}"] for code in form.codes],
        has_coatings=rule_book_of(_material(listing)) is RuleBook.CHAPTER_14A,
    ), unprocessable(form)


def _codes(material: Material) -> tuple[str, ...]:
    """What the material's rules have a limit for."""
    return tuple(quality_tables().limits_for(rule_book_of(material), Medium.MASS))


def _typed_sample(form: TypedForm) -> ReportedSample:
    """The sample with its values; every field that cannot be read is told at once.

    Raises:
        InvalidInput: some value cannot be read.
    """
    values: list[ReportedValue] = []
    problems: list[FieldError] = []
    unit = form.unit.data or UNITS[0]
    texts = {code: form[f"{VALUE}{code}"].data or "" for code in form.codes}
    marks = decimal_marks(texts.values())
    for code, text in texts.items():
        try:
            value = read_lab_value(code, text, unit=unit, marks=marks)
        except LabError as error:
            problems.extend(refused_at(f"{VALUE}{code}", error).errors)
            continue
        if value is not None:
            values.append(
                ReportedValue(
                    parameter=code,
                    value_mg_kg=value.value_mg_kg,
                    is_below=value.is_below,
                    entered_value=text,
                    entered_unit=unit,
                )
            )
    if problems:
        raise InvalidInput(*problems)
    is_coating = form.medium.data == Medium.COATING
    medium = Medium.COATING if is_coating else Medium.MASS
    return ReportedSample(name=form.sample.data, values=values, medium=medium, layer=form.layer.data or None)


def _carried_over() -> dict[str, object]:
    """What the sample before had in common with this one."""
    day = request.args.get("sampled_on")
    return {
        "laboratory": request.args.get("laboratory", ""),
        "report_number": request.args.get("report_number", ""),
        "sampled_on": _day(day),
    }


def _after_typing(listing: Listing, form: TypedForm) -> str:
    if request.form.get("action") != ANOTHER:
        return url_for("quality.show", listing_id=listing.id)
    day = form.sampled_on.data
    return url_for(
        ".type_in",
        listing_id=listing.id,
        laboratory=form.laboratory.data or None,
        report_number=form.report_number.data or None,
        sampled_on=day.isoformat() if day else None,
    )


# Out again --------------------------------------------------------------------------------------------------------


@bp.post("/reports/<id:report_id>/remove")
@requires(Permission.EDIT_LISTING, subject=load_surplus)
@telling_if_taken_down
def remove(listing: Listing) -> ResponseReturnValue:
    require_open(listing)
    remove_report(
        db.session,
        current_actor(),
        listing_id=listing.id,
        report_id=(request.view_args or {})["report_id"],
        now=clock.now(),
    )
    flash(_("The report is removed, and counts no more."), "success")
    return redirect(url_for("quality.show", listing_id=listing.id))
