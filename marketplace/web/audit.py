"""The log of changes: an organisation's own for its members, and everything for administrators."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from flask import Blueprint, Response, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict
from werkzeug.utils import secure_filename

from marketplace import db
from marketplace.clock import OSLO
from marketplace.forms.audit import LogFilterForm
from marketplace.models import Organisation
from marketplace.permissions import Permission
from marketplace.queries import audit as queries
from marketplace.queries.audit import LogFilter
from marketplace.queries.paging import IdPage
from marketplace.web.access import current_actor, requires
from marketplace.web.admin_frame import admin_page
from marketplace.web.audit_view import LogLine, known_as, log_lines
from marketplace.web.audit_words import SUBJECTS
from marketplace.web.downloads import CSV, csv_file, download
from marketplace.web.organisations import load_organisation
from marketplace.web.paging import cursor_from_address, id_from_address, page_links

bp = Blueprint("audit", __name__)

MOST_ROWS = 20_000
"""Of a file; more are asked for a day or a thing at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the address asks for, and the form that shows it; `filter` is None where it cannot be understood."""

    form: LogFilterForm
    filter: LogFilter | None
    person_name: str | None
    arguments: dict[str, str]
    """For the addresses of the other pages and of the file."""

    @property
    def is_narrowed(self) -> bool:
        return bool(self.arguments)


# Pages ------------------------------------------------------------------------------------------------------------


@bp.get("/organisations/<id:organisation_id>/log")
@requires(Permission.VIEW_LOG, subject=load_organisation)
def of_organisation(organisation: Organisation) -> ResponseReturnValue:
    wanted = _wanted(organisation)
    page = _page(wanted)
    return render_template(
        "audit/of_organisation.html",
        organisation=organisation,
        wanted=wanted,
        lines=log_lines(db.session, page.items, members=_members(organisation)),
        links=page_links(page, ".of_organisation", organisation_id=organisation.id, **wanted.arguments),
    ), 200 if wanted.filter else 422


@bp.get("/admin/log")
@requires(Permission.ADMINISTER)
def of_everything() -> ResponseReturnValue:
    wanted = _wanted(None)
    page = _page(wanted)
    return admin_page(
        "audit/of_everything.html",
        tab="log",
        wanted=wanted,
        lines=log_lines(db.session, page.items, members=None),
        links=page_links(page, ".of_everything", **wanted.arguments),
    ), 200 if wanted.filter else 422


def _page(wanted: Wanted) -> IdPage[queries.LogEntry]:
    if wanted.filter is None:
        return IdPage(items=(), newer=None, older=None)
    return queries.log_page(db.session, wanted=wanted.filter, cursor=cursor_from_address())


def _members(organisation: Organisation) -> frozenset[int] | None:
    """Whom a reader of the organisation's log may know; None for an administrator, who may know everybody."""
    if current_actor().is_admin:
        return None
    return frozenset(user_id for user_id, _name in queries.people_of(db.session, organisation_id=organisation.id))


# What is looked for -----------------------------------------------------------------------------------------------


def _wanted(organisation: Organisation | None) -> Wanted:
    given = MultiDict((name, value) for name, value in request.args.items() if value.strip())
    form = LogFilterForm(given)
    form.thing.choices = [("", _("Everything")), *((name, known_as(name)) for name in SUBJECTS)]
    person_id = id_from_address("person")
    people = queries.people_of(db.session, organisation_id=organisation.id) if organisation else []
    person_name = _name_of(person_id, organisation=organisation, members=dict(people)) if person_id else None
    if person_id and person_name and person_id not in dict(people):
        people.append((person_id, person_name))
    form.person.choices = [("", _("Everybody")), *((str(user_id), name) for user_id, name in people)]
    if organisation is not None:
        del form.email
    elif email := given.get("email"):
        person_id = queries.user_id_of(db.session, email=email)
        form.person.data = ""
    is_valid = form.validate()
    if organisation is None and given.get("email") and person_id is None:
        form.email.errors = [_("Nobody has an account with this address.")]
        is_valid = False
    return Wanted(
        form=form,
        filter=_filter(form, organisation, person_id) if is_valid else None,
        person_name=person_name,
        arguments={name: value for name, value in given.items() if name in form},
    )


def _filter(form: LogFilterForm, organisation: Organisation | None, person_id: int | None) -> LogFilter:
    return LogFilter(
        organisation_id=organisation.id if organisation else None,
        subject_type=form.thing.data or None,
        subject_id=form.number.data,
        user_id=person_id,
        day=form.day.data,
    )


def _name_of(user_id: int, *, organisation: Organisation | None, members: dict[int, str]) -> str | None:
    """Whom the log can be narrowed down to: in an organisation's, its members and who else is named in it."""
    if organisation is None:
        return queries.names_of(db.session, rows={"app_user": [user_id]}).get(("app_user", user_id))
    return members.get(user_id) or queries.name_in_log(
        db.session,
        organisation_id=organisation.id,
        user_id=user_id,
        knows_administrators=current_actor().is_admin,
    )


# Files ------------------------------------------------------------------------------------------------------------


@bp.get("/organisations/<id:organisation_id>/log.csv")
@requires(Permission.VIEW_LOG, subject=load_organisation)
def file_of_organisation(organisation: Organisation) -> ResponseReturnValue:
    return _file(_wanted(organisation), members=_members(organisation), name=f"{_('Log')} {organisation.name}")


@bp.get("/admin/log.csv")
@requires(Permission.ADMINISTER)
def file_of_everything() -> ResponseReturnValue:
    return _file(_wanted(None), members=None, name=_("Log"))


def _file(wanted: Wanted, *, members: frozenset[int] | None, name: str) -> Response:
    head = (_("Number"), _("Time"), _("Who"), _("What"), _("What it is about"), _("Its number"), _("Changes"))
    content = csv_file(chain([head], map(_cells, _lines(wanted, members=members))))
    return download(content, media_type=CSV, name=f"{secure_filename(name) or 'log'}.csv")


def _lines(wanted: Wanted, *, members: frozenset[int] | None) -> Iterator[LogLine]:
    if wanted.filter is None:
        return
    for entries in queries.log_batches(db.session, wanted=wanted.filter, most=MOST_ROWS):
        yield from log_lines(db.session, entries, members=members)


def _cells(line: LogLine) -> Sequence[str]:
    changes = (
        f"{change.label}: {' → '.join(value for value in (change.before, change.after) if value is not None)}"
        for change in line.changes
    )
    return (
        str(line.id),
        line.at.astimezone(OSLO).strftime("%Y-%m-%d %H:%M:%S"),
        line.who,
        line.sentence.striptags(),
        known_as(line.subject_type),
        str(line.subject_id or ""),
        "; ".join(changes),
    )
