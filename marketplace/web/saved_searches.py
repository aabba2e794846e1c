"""The searches that somebody keeps, and how often they are told of what is new."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from http import HTTPStatus
from urllib.parse import parse_qsl

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from marketplace import clock, db
from marketplace.errors import NotFound
from marketplace.forms.saved_searches import MATCHES, NewSavedSearchForm, PacesForm, SavedSearchForm
from marketplace.i18n import translate
from marketplace.models import SavedSearch
from marketplace.permissions import Permission
from marketplace.queries import saved_searches as queries
from marketplace.queries.saved_searches import MatchPace
from marketplace.queries.search import prepare_search
from marketplace.services import saved_searches as services
from marketplace.services.saved_searches import LONGEST_NAME
from marketplace.types import AlertFrequency
from marketplace.web.access import current_actor, requires
from marketplace.web.search import settled
from marketplace.web.search_choices import names_of
from marketplace.web.search_reading import read_state
from marketplace.web.search_said import in_words, notes
from marketplace.web.search_state import NOT_ABOUT_LISTINGS, SearchState, address
from marketplace.web.submit import applying, unprocessable

bp = Blueprint("saved_searches", __name__)

WORDS_IN_NAME = 3
"""What a name is made of, until somebody thinks of a better one."""


def load_search(search_id: int) -> SavedSearch:
    search = queries.saved_search_by_id(db.session, search_id=search_id)
    if search is None:
        raise NotFound
    return search


# The list ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchRow:
    """A saved search as the list shows it; no `words` where it looks for everything."""

    id: int
    name: str
    words: tuple[str, ...]
    frequency: AlertFrequency
    unsubscribed_at: datetime | None
    new_count: int


@bp.get("/searches")
@requires(Permission.ACCOUNT)
def index() -> ResponseReturnValue:
    paces = _match_paces()
    return _index_page(_paces_form(paces), paces)


@bp.post("/searches/mail")
@requires(Permission.ACCOUNT)
def change_paces() -> ResponseReturnValue:
    paces = _match_paces()
    form = _paces_form(paces)
    if form.validate_on_submit():
        services.set_paces(
            db.session,
            current_actor(),
            of_new_searches=AlertFrequency(form.of_new_searches.data),
            of_matches=form.of_matches,
        )
        flash(_("Saved."), "success")
        return redirect(url_for(".index"), HTTPStatus.SEE_OTHER)
    return _index_page(form, paces), HTTPStatus.UNPROCESSABLE_ENTITY


def _index_page(form: PacesForm, paces: Sequence[MatchPace]) -> str:
    return render_template(
        "saved_searches/index.html",
        searches=_rows(db.session),
        paces=paces,
        form=form,
        pace_fields=[(pace, form[f"{MATCHES}{pace.organisation_id}"]) for pace in paces],
    )


def _rows(session: Session) -> list[SearchRow]:
    kept = queries.searches_of(session, user_id=_user_id(), today=clock.local_date(clock.now()))
    states = {each.id: state_of(each.query) for each in kept}
    names = names_of(session, {number for state in states.values() for number in state.filters.municipalities})
    return [
        SearchRow(
            id=each.id,
            name=each.name,
            words=in_words(states[each.id].filters, names),
            frequency=each.frequency,
            unsubscribed_at=each.unsubscribed_at,
            new_count=each.new_count,
        )
        for each in kept
    ]


def _match_paces() -> Sequence[MatchPace]:
    return queries.match_paces(db.session, user_id=_user_id())


def _paces_form(paces: Sequence[MatchPace]) -> PacesForm:
    form_of_person = PacesForm.made_for([(pace.organisation_id, pace.organisation_name) for pace in paces])
    chosen = {f"{MATCHES}{pace.organisation_id}": pace.frequency for pace in paces}
    return form_of_person(of_new_searches=queries.default_frequency(db.session, user_id=_user_id()), **chosen)


def _user_id() -> int:
    user_id = current_actor().user_id
    assert user_id is not None, "who is not logged in does not get here"
    return user_id


# Keeping a search -------------------------------------------------------------------------------------------------


@bp.route("/searches/new", methods=["GET", "POST"])
@requires(Permission.ACCOUNT)
def new() -> ResponseReturnValue:
    """The search that the address says, to be kept; the form says it again as it will be kept."""
    form = NewSavedSearchForm(frequency=queries.default_frequency(db.session, user_id=_user_id()))
    found = _found() if request.method == "GET" else Found(state=_plain(state_of(form.query.data or "")))
    query = found.state.query()
    kept = queries.saved_search_by_query(db.session, user_id=_user_id(), query=query)
    if kept is not None:
        flash(_("You keep this search already."), "info")
        return redirect(url_for(".edit", search_id=kept.id), HTTPStatus.SEE_OTHER)
    words = in_words(found.state.filters, names_of(db.session, found.state.filters.municipalities))
    if form.validate_on_submit():
        with applying(form) as attempt:
            services.save_search(
                db.session,
                current_actor(),
                name=form.name.data,
                query=query,
                filters=found.state.filters,
                frequency=form.chosen,
                now=clock.now(),
            )
        if attempt.ok:
            flash(_("The search is kept."), "success")
            return redirect(url_for(".index"), HTTPStatus.SEE_OTHER)
    if request.method == "GET":
        form.query.data = query
        form.name.data = (", ".join(words[:WORDS_IN_NAME]) or _("Everything new"))[:LONGEST_NAME]
    page = render_template("saved_searches/new.html", form=form, words=words, found=found, search_url=_open_url(query))
    return page, unprocessable(form)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What an address says, as it will be kept. `notes` says what was made of it, `problems` what is left out."""

    state: SearchState
    notes: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


def _found() -> Found:
    """The search of the address, its place looked up; its words as the page searched for them, so that nobody waits for
    a typing error."""
    state = settled(db.session, read_state(request.args))
    search = prepare_search(db.session, state.filters, today=clock.local_date(clock.now()))
    if any(word.is_corrected for word in search.looked_up.words):
        text = " ".join(word.sought for word in search.looked_up.words)
        state = replace(state, filters=replace(state.filters, text=text))
    return Found(
        state=_plain(state),
        notes=tuple(notes(search)),
        problems=tuple(translate(each.message, each.params) for each in state.problems),
    )


def _plain(state: SearchState) -> SearchState:
    """What says which listings are meant and nothing else; a place of one's own becomes the place that it is now."""
    filters = state.filters if state.filters.centre else replace(state.filters, within_km=None)
    return state_of(replace(state, filters=filters, near="", **NOT_ABOUT_LISTINGS).query())


def state_of(query: str) -> SearchState:
    """The search that a kept query says; nothing in it has to be looked up."""
    return read_state(MultiDict(parse_qsl(query[: services.LONGEST_QUERY + 1])))


def _open_url(query: str) -> str:
    return address(state_of(query))


# One of them ------------------------------------------------------------------------------------------------------


@bp.route("/searches/<id:search_id>", methods=["GET", "POST"])
@requires(Permission.KEEP_SEARCH, subject=load_search)
def edit(search: SavedSearch) -> ResponseReturnValue:
    form = SavedSearchForm(name=search.name, frequency=search.frequency)
    if form.validate_on_submit():
        with applying(form) as attempt:
            services.change_search(db.session, search, name=form.name.data, frequency=form.chosen)
        if attempt.ok:
            flash(_("Saved."), "success")
            return redirect(url_for(".index"), HTTPStatus.SEE_OTHER)
    filters = state_of(search.query).filters
    words = in_words(filters, names_of(db.session, filters.municipalities))
    return render_template("saved_searches/edit.html", form=form, search=search, words=words), unprocessable(form)


@bp.post("/searches/<id:search_id>/open")
@requires(Permission.KEEP_SEARCH, subject=load_search)
def see(search: SavedSearch) -> ResponseReturnValue:
    """Go to the search's page; what it has found so far is not new any more."""
    services.see_search(db.session, search, now=clock.now())
    return redirect(_open_url(search.query), HTTPStatus.SEE_OTHER)


@bp.post("/searches/<id:search_id>/delete")
@requires(Permission.KEEP_SEARCH, subject=load_search)
def delete(search: SavedSearch) -> ResponseReturnValue:
    services.delete_search(db.session, search)
    flash(_("The search is deleted."), "success")
    return redirect(url_for(".index"), HTTPStatus.SEE_OTHER)
