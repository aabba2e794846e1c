"""What people answer for about a lot: stating it, changing their mind, and the natural background of a place."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session

from geo.limits import RuleBook, rule_book_of
from geo.materials import taxonomy
from geo.proof import DeclarationKind
from geo.quality_tables import quality_tables
from marketplace.actor import Actor
from marketplace.clock import local_date
from marketplace.errors import FieldError, Forbidden, InvalidInput, NotFound
from marketplace.i18n_marker import N_
from marketplace.models import BackgroundOverride, Declaration, Document, Listing
from marketplace.services.editing import DESCRIPTION_LIMIT, EARLIEST_DAY, NAME_LIMIT, text_problems
from marketplace.services.listings import Transition, lock_listing
from marketplace.services.quality import refresh_quality
from marketplace.text import clean_line, clean_text

MAX_BACKGROUND_MG_KG = Decimal(1_000_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """An answer about a lot: who gives it, when, and what it rests on. `is_confirmed` False speaks against the lot."""

    kind: DeclarationKind
    stated_by: str
    stated_on: date
    is_confirmed: bool = True
    basis: str = ""
    since_on: date | None = None
    document_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StatedBackground:
    """The natural background of an inorganic parameter where the masses come from, with the document that shows it."""

    parameter: str
    background_mg_kg: Decimal
    document_id: int | None
    stated_by: str
    stated_on: date


# Statements -------------------------------------------------------------------------------------------------------


def declare(
    session: Session, actor: Actor, *, listing_id: int, statements: Iterable[Statement], now: datetime
) -> Listing:
    """The listing with these answers, each in place of an earlier one to the same question, which stays on record.

    Raises:
        NotFound, Forbidden, Conflict: no such listing, not the actor's to change, or closed.
        InvalidInput: beside the kind of the answer, or `virgin_basis`, `stated_by`, `stated_on`.
    """
    listing = lock_listing(session, actor, listing_id=listing_id, for_=Transition.EDIT)
    tidied = [tidy(each) for each in statements]
    problems = [problem for each in tidied for problem in _statement_problems(session, listing, each, now=now)]
    if problems:
        raise InvalidInput(*_once_a_field(problems))
    if actor.user_id is None:
        raise Forbidden
    write_statements(session, listing, tidied, kept=_kept(session, listing), user_id=actor.user_id, now=now)
    session.flush()
    refresh_quality(session, listing, now=now)
    return listing


def write_statements(
    session: Session,
    listing: Listing,
    statements: Iterable[Statement],
    *,
    kept: Iterable[Declaration],
    user_id: int,
    now: datetime,
) -> bool:
    """Put statements without problems in place of those that are `kept`; returns whether anything changed.

    The caller holds the listing's row, flushes, and refreshes its quality.
    """
    stated = {each.kind: each for each in kept}
    has_changed = False
    for statement in statements:
        before = stated.get(statement.kind)
        if before is not None and _says_the_same(before, statement):
            continue
        if before is not None:
            before.removed_at = now
            session.flush()  # the index lets one of a kind stand
        session.add(_row(statement, listing, user_id=user_id))
        has_changed = True
    return has_changed


def withdraw(session: Session, actor: Actor, *, listing_id: int, kind: DeclarationKind, now: datetime) -> Listing:
    """The listing without an answer to this question.

    Raises:
        NotFound, Forbidden, Conflict: no such listing, not the actor's to change, or closed.
    """
    listing = lock_listing(session, actor, listing_id=listing_id, for_=Transition.EDIT)
    for each in _kept(session, listing):
        if each.kind is kind:
            each.removed_at = now
    session.flush()
    refresh_quality(session, listing, now=now)
    return listing


def _kept(session: Session, listing: Listing) -> Iterable[Declaration]:
    return session.scalars(
        select(Declaration).where(Declaration.listing_id == listing.id, Declaration.removed_at.is_(None))
    ).all()


def tidy(statement: Statement) -> Statement:
    """The statement as it is kept."""
    return Statement(
        kind=statement.kind,
        stated_by=clean_line(statement.stated_by),
        stated_on=statement.stated_on,
        is_confirmed=statement.is_confirmed,
        basis=clean_text(statement.basis),
        since_on=statement.since_on if statement.kind is DeclarationKind.FLAKES_STORED_SINCE else None,
        document_id=statement.document_id,
    )


def _row(statement: Statement, listing: Listing, *, user_id: int) -> Declaration:
    return Declaration(
        listing_id=listing.id,
        kind=statement.kind,
        is_confirmed=statement.is_confirmed,
        basis=statement.basis,
        since_on=statement.since_on,
        document_id=statement.document_id,
        stated_by=statement.stated_by,
        stated_on=statement.stated_on,
        created_by_id=user_id,
    )


def _says_the_same(row: Declaration, statement: Statement) -> bool:
    """Name and day are no part of it: whoever sends an answer again among others has not answered for it anew."""
    return (row.is_confirmed, row.basis, row.since_on, row.document_id) == (
        statement.is_confirmed,
        statement.basis,
        statement.since_on,
        statement.document_id,
    )


def _statement_problems(
    session: Session, listing: Listing, statement: Statement, *, now: datetime
) -> Iterator[FieldError]:
    yield from statement_problems(statement, now=now)
    if statement.document_id is not None and document_of(session, listing, statement.document_id) is None:
        yield FieldError(field=_basis_field(statement), message=N_("Choose one of the documents of this listing."))


def _basis_field(statement: Statement) -> str:
    return "virgin_basis" if statement.kind is DeclarationKind.VIRGIN_AREA else statement.kind.value


def statement_problems(statement: Statement, *, now: datetime) -> Iterator[FieldError]:
    """What is wrong with a statement in itself, whatever listing it is about."""
    missing = N_("Say what shows that the area has never been polluted.")
    needs_basis = statement.kind is DeclarationKind.VIRGIN_AREA and statement.is_confirmed
    yield from text_problems(
        statement.basis,
        field=_basis_field(statement),
        limit=DESCRIPTION_LIMIT,
        missing=missing if needs_basis else None,
    )
    yield from _signature_problems(statement.stated_by, statement.stated_on, now=now)
    if statement.kind is DeclarationKind.FLAKES_STORED_SINCE and not _is_past(statement.since_on, now=now):
        yield FieldError(field=statement.kind.value, message=N_("Enter the day, today or earlier."))


def _signature_problems(stated_by: str, stated_on: date, *, now: datetime) -> Iterator[FieldError]:
    yield from text_problems(
        stated_by, field="stated_by", limit=NAME_LIMIT, missing=N_("Enter the name of whoever answers for it.")
    )
    if not _is_past(stated_on, now=now):
        yield FieldError(field="stated_on", message=N_("Enter the day, today or earlier."))


def _is_past(day: date | None, *, now: datetime) -> bool:
    return day is not None and EARLIEST_DAY <= day <= local_date(now)


def _once_a_field(problems: Iterable[FieldError]) -> Iterable[FieldError]:
    """One message a field: several answers share the name and the day they are given with."""
    return {problem.field: problem for problem in problems}.values()


def document_of(session: Session, listing: Listing, document_id: int) -> Document | None:
    """The document, if it is there and belongs to the listing."""
    return session.scalars(
        select(Document).where(
            Document.id == document_id, Document.listing_id == listing.id, Document.removed_at.is_(None)
        )
    ).one_or_none()


# Natural background -----------------------------------------------------------------------------------------------


def state_background(
    session: Session, actor: Actor, *, listing_id: int, stated: StatedBackground, now: datetime
) -> Listing:
    """The listing with the natural background of one parameter, in place of an earlier one of the same.

    Source: forurensningsforskriften 2-3 a. It needs a document and a name, and shows on the lot.

    Raises:
        NotFound, Forbidden, Conflict: no such listing, not the actor's to change, or closed.
        InvalidInput: the parameter is not inorganic, or something is missing.
    """
    listing = lock_listing(session, actor, listing_id=listing_id, for_=Transition.EDIT)
    problems = list(_background_problems(session, listing, stated, now=now))
    if problems:
        raise InvalidInput(*problems)
    if actor.user_id is None or stated.document_id is None:
        raise Forbidden
    _remove(session, listing, stated.parameter, now=now)
    session.add(
        BackgroundOverride(
            listing_id=listing.id,
            parameter=stated.parameter,
            background_mg_kg=stated.background_mg_kg,
            document_id=stated.document_id,
            stated_by=clean_line(stated.stated_by),
            stated_on=stated.stated_on,
            created_by_id=actor.user_id,
        )
    )
    session.flush()
    refresh_quality(session, listing, now=now)
    return listing


def remove_background(session: Session, actor: Actor, *, listing_id: int, parameter: str, now: datetime) -> Listing:
    """The listing without the natural background of a parameter.

    Raises:
        NotFound, Forbidden, Conflict: no such listing or background, not the actor's to change, or closed.
    """
    listing = lock_listing(session, actor, listing_id=listing_id, for_=Transition.EDIT)
    if not _remove(session, listing, parameter, now=now):
        raise NotFound
    refresh_quality(session, listing, now=now)
    return listing


def _remove(session: Session, listing: Listing, parameter: str, *, now: datetime) -> bool:
    kept = select(BackgroundOverride).where(
        BackgroundOverride.listing_id == listing.id,
        BackgroundOverride.parameter == parameter,
        BackgroundOverride.removed_at.is_(None),
    )
    row = session.scalars(kept).one_or_none()
    if row is None:
        return False
    row.removed_at = now
    session.flush()  # the index lets one of a parameter stand
    return True


def _background_problems(
    session: Session, listing: Listing, stated: StatedBackground, *, now: datetime
) -> Iterator[FieldError]:
    parameter = quality_tables().parameters.get(stated.parameter)
    if rule_book_of(taxonomy().material(listing.material_key)) is not RuleBook.SOIL:
        yield FieldError(
            field="parameter", message=N_("Natural background applies to ground, not to concrete, brick or asphalt.")
        )
    elif parameter is None or not parameter.is_inorganic:
        yield FieldError(field="parameter", message=N_("Choose an inorganic parameter from the list."))
    level = stated.background_mg_kg
    if not (level.is_finite() and 0 < level <= MAX_BACKGROUND_MG_KG):
        yield FieldError(field="background_mg_kg", message=N_("Enter a content above zero, in mg/kg."))
    if stated.document_id is None or document_of(session, listing, stated.document_id) is None:
        yield FieldError(field="document_id", message=N_("Choose the document that shows it."))
    yield from _signature_problems(stated.stated_by, stated.stated_on, now=now)
