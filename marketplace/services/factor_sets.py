"""Versions of the figures that impact is worked out with.

Only a draft can be changed; the database holds that by triggers (migration 0015). One version is active, and nothing is
worked out anew when another one becomes it: what is frozen names its version.
"""

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from geo.errors import FactorError, QuantityError
from geo.factor_tables import SeedSet, check_factor, check_set, factor_tables, units_of
from geo.factors import Factor
from geo.quantities import Quantity
from marketplace.actor import Actor
from marketplace.errors import Conflict, FieldError, InvalidInput, NotFound
from marketplace.geo_messages import message_of, refused_at
from marketplace.i18n_marker import N_
from marketplace.models import FactorRow, FactorSet
from marketplace.queries.factor_sets import factor_of, figures_of, find_set, plain
from marketplace.services.editing import DESCRIPTION_LIMIT, NAME_LIMIT, ChangedMeanwhile, text_problems
from marketplace.services.moderation_mail import require_administrator
from marketplace.text import clean_line, clean_text
from marketplace.types import FactorSetStatus

VERSION: Final = re.compile(r"[a-z0-9][a-z0-9.-]{1,58}[a-z0-9]")
DECIMALS: Final = 9
LARGEST: Final = Decimal(1_000_000)
EARLIEST_YEAR: Final = 1990

NOT_A_DRAFT = N_("Only a draft can be changed. Make a copy of this version, and change that.")
COPIED_FROM = N_("Another version was copied from this one, so it cannot be discarded.")
ACTIVE_ALREADY = N_("This version is in use already.")
NO_NAME = N_("Give the version a name.")
NO_SOURCE = N_("Say where the figure comes from.")
BAD_VERSION = N_("Use small letters, digits, dots and hyphens, at least three of them: for example norway-2027.")
VERSION_TAKEN = N_("There is a version of this name already.")
NOT_A_FACTOR = N_("Enter a number of at most %(decimals)s decimals, below %(limit)s.")
ABOVE_FIGURE = N_("The low figure is above the figure itself.")
BELOW_FIGURE = N_("The high figure is below the figure itself.")
NO_SUCH_VEHICLE = N_("The version has no lorry of this name.")
NO_SUCH_FUEL = N_("The version has no fuel of this name.")
IMPOSSIBLE_YEAR = N_("Choose a year between %(first)s and %(last)s.")
THERE_ALREADY = N_("The version has this figure already.")


@dataclass(frozen=True, slots=True, kw_only=True)
class FactorValues:
    """What is said of a figure."""

    low: Decimal
    value: Decimal
    high: Decimal
    unit: str
    source: str
    year: int | None
    is_verified: bool
    note: str = ""


def factor_version(row: FactorRow) -> str:
    """Names what a figure says; it is another one as soon as that is."""
    figures = [plain(each) for each in (row.low, row.value, row.high)]
    said = (*figures, row.unit, row.source, row.source_year, row.is_verified, row.note)
    return hashlib.sha256(repr(said).encode()).hexdigest()[:20]


# Reference data -------------------------------------------------------------------------------------------------------


def load_factor_sets(session: Session) -> int:
    """Add those versions of the seed tables that are not there; how many those were.

    What is there stays as it is, whatever the tables say by now. A version that would be active is left a draft where
    another one is, which somebody has chosen.
    """
    ids = {row.version: row.id for row in session.execute(select(FactorSet.version, FactorSet.id))}
    is_active = FactorSet.status == FactorSetStatus.ACTIVE
    has_active = session.scalar(select(FactorSet.id).where(is_active)) is not None
    added = [each for each in factor_tables().sets.values() if each.version not in ids]
    for seed in added:
        kept = _as_draft(seed, copied_from_id=ids.get(seed.based_on or ""))
        session.add(kept)
        session.flush()  # a version takes figures only while it is a draft
        ids[seed.version] = kept.id
        status = FactorSetStatus(seed.status)
        if status is FactorSetStatus.DRAFT or (status is FactorSetStatus.ACTIVE and has_active):
            continue
        kept.status, kept.activated_at = status, session.scalar(select(func.now()))
        session.flush()
    return len(added)


def _as_draft(seed: SeedSet, *, copied_from_id: int | None) -> FactorSet:
    return FactorSet(
        version=seed.version,
        name=seed.name,
        status=FactorSetStatus.DRAFT,
        default_vehicle=seed.default_vehicle,
        default_fuel=seed.default_fuel,
        note=seed.note,
        copied_from_id=copied_from_id,
        factors=[_row(each.factor, year=each.year) for each in seed.factors.values()],
    )


def _row(factor: Factor, *, year: int | None) -> FactorRow:
    return FactorRow(
        key=factor.key,
        unit=factor.quantity.unit,
        low=factor.quantity.low,
        value=factor.quantity.value,
        high=factor.quantity.high,
        source=factor.quantity.source,
        source_year=year,
        is_verified=factor.is_verified,
        note=factor.note,
    )


# By administrators ----------------------------------------------------------------------------------------------------


def copy_set(
    session: Session, actor: Actor, *, set_id: int, version: str, name: str, note: str = "", now: datetime
) -> FactorSet:
    """A draft with all figures of another version.

    Raises:
        Forbidden: the actor is no administrator.
        NotFound: there is no such version.
        InvalidInput: its name is taken, or cannot be one (fields "version", "name", "note").
    """
    require_administrator(actor)
    model = find_set(session, set_id=set_id)
    if model is None:
        raise NotFound
    version, name, note = clean_line(version), clean_line(name), clean_text(note)
    problems = [*_name_problems(name, note)]
    if not VERSION.fullmatch(version):
        problems.append(FieldError(field="version", message=BAD_VERSION))
    elif session.scalar(select(FactorSet.id).where(FactorSet.version == version)) is not None:
        problems.append(FieldError(field="version", message=VERSION_TAKEN))
    if problems:
        raise InvalidInput(*problems)
    draft = FactorSet(
        version=version,
        name=name,
        status=FactorSetStatus.DRAFT,
        default_vehicle=model.default_vehicle,
        default_fuel=model.default_fuel,
        note=note,
        copied_from_id=model.id,
        created_by_id=actor.user_id,
        created_at=now,
        factors=[_row(factor_of(row), year=row.source_year) for row in model.factors],
    )
    session.add(draft)
    session.flush()
    return draft


def _name_problems(name: str, note: str) -> list[FieldError]:
    return [
        *text_problems(name, field="name", limit=NAME_LIMIT, missing=NO_NAME),
        *text_problems(note, field="note", limit=DESCRIPTION_LIMIT),
    ]


def _draft(session: Session, actor: Actor, set_id: int) -> FactorSet:
    """The version, locked, if it can be changed."""
    require_administrator(actor)
    kept = session.scalars(select(FactorSet).where(FactorSet.id == set_id).with_for_update()).one_or_none()
    if kept is None:
        raise NotFound
    if kept.status is not FactorSetStatus.DRAFT:
        raise Conflict(NOT_A_DRAFT)
    return kept


def edit_set(
    session: Session, actor: Actor, *, set_id: int, name: str, default_vehicle: str, default_fuel: str, note: str
) -> FactorSet:
    """A draft with another name, or other defaults.

    Raises:
        Forbidden, NotFound, Conflict: the actor is no administrator, there is no such version, or it is no draft.
        InvalidInput: something of it cannot be (fields "name", "default_vehicle", "default_fuel", "note").
    """
    kept = _draft(session, actor, set_id)
    name, note = clean_line(name), clean_text(note)
    problems = _name_problems(name, note)
    keys = {row.key for row in kept.factors}
    if f"vehicle.{default_vehicle}.full" not in keys:
        problems.append(FieldError(field="default_vehicle", message=NO_SUCH_VEHICLE))
    if f"fuel.{default_fuel}.ttw" not in keys:
        problems.append(FieldError(field="default_fuel", message=NO_SUCH_FUEL))
    if problems:
        raise InvalidInput(*problems)
    kept.name, kept.note = name, note
    kept.default_vehicle, kept.default_fuel = default_vehicle, default_fuel
    session.flush()
    return kept


def edit_factor(
    session: Session, actor: Actor, *, factor_id: int, values: FactorValues, now: datetime, seen_version: str | None
) -> FactorRow:
    """A figure of a draft, changed.

    Raises:
        Forbidden, NotFound, Conflict: the actor is no administrator, there is no such figure, or it is of no draft.
        ChangedMeanwhile: it is not as it was at `seen_version`.
        InvalidInput: it cannot be so.
    """
    require_administrator(actor)
    row = session.get(FactorRow, factor_id)
    if row is None:
        raise NotFound
    _draft(session, actor, row.factor_set_id)
    session.refresh(row)
    if seen_version is not None and seen_version != factor_version(row):
        raise ChangedMeanwhile
    _fill(row, values, now=now)
    session.flush()
    return row


def add_factor(
    session: Session, actor: Actor, *, set_id: int, key: str, values: FactorValues, now: datetime
) -> FactorRow:
    """A figure more in a draft, such as one of another lorry.

    Raises: as `edit_factor`; InvalidInput beside "key" where there is no such figure, or it is there.
    """
    kept = _draft(session, actor, set_id)
    if not units_of(key):
        raise InvalidInput(
            FieldError(
                field="key",
                message=N_("The method knows no figure %(key)s."),
                params={"key": key},
            )
        )
    if any(row.key == key for row in kept.factors):
        raise InvalidInput(FieldError(field="key", message=THERE_ALREADY))
    row = FactorRow(key=key, factor_set_id=kept.id)
    _fill(row, values, now=now)
    session.add(row)
    session.flush()
    session.expire(kept, ["factors"])
    return row


def _fill(row: FactorRow, values: FactorValues, *, now: datetime) -> None:
    source, note = clean_line(values.source), clean_text(values.note)
    problems = [
        *text_problems(source, field="source", limit=NAME_LIMIT, missing=NO_SOURCE),
        *text_problems(note, field="note", limit=DESCRIPTION_LIMIT),
    ]
    for field in ("low", "value", "high"):
        figure: Decimal = getattr(values, field)
        if abs(figure) >= LARGEST or figure != round(figure, DECIMALS):
            params: dict[str, object] = {"decimals": DECIMALS, "limit": LARGEST}
            problems.append(FieldError(field=field, message=NOT_A_FACTOR, params=params))
    if values.year is not None and not EARLIEST_YEAR <= values.year <= now.year + 1:
        params = {"first": str(EARLIEST_YEAR), "last": str(now.year + 1)}
        problems.append(FieldError(field="year", message=IMPOSSIBLE_YEAR, params=params))
    if problems:
        raise InvalidInput(*problems)
    crossed = [
        *([FieldError(field="low", message=ABOVE_FIGURE)] if values.low > values.value else []),
        *([FieldError(field="high", message=BELOW_FIGURE)] if values.high < values.value else []),
    ]
    if crossed:
        raise InvalidInput(*crossed)
    try:
        quantity = Quantity(value=values.value, low=values.low, high=values.high, unit=values.unit, source=source)
        check_factor(row.key, quantity)
    except (QuantityError, FactorError) as error:
        raise refused_at("value", error) from error
    row.low, row.value, row.high, row.unit = values.low, values.value, values.high, values.unit
    row.source, row.source_year, row.note = source, values.year, note
    row.is_verified = values.is_verified


def discard_draft(session: Session, actor: Actor, *, set_id: int) -> None:
    """Delete a draft.

    Raises:
        Forbidden, NotFound: the actor is no administrator, or there is no such version.
        Conflict: it is no draft, or another version was copied from it.
    """
    kept = _draft(session, actor, set_id)
    if session.scalar(select(FactorSet.id).where(FactorSet.copied_from_id == set_id).limit(1)) is not None:
        raise Conflict(COPIED_FROM)
    for row in kept.factors:
        session.delete(row)
    session.flush()
    session.delete(kept)
    session.flush()


def activate(session: Session, actor: Actor, *, set_id: int, now: datetime) -> FactorSet:
    """The version that all is worked out with from now on; what was worked out before stays as it is.

    Raises:
        Forbidden, NotFound: the actor is no administrator, or there is no such version.
        Conflict: it is in use already.
        InvalidInput: the method would not find all that it asks for.
    """
    require_administrator(actor)
    # All of them, so that of two that are made active at once one waits for the other.
    every = session.scalars(select(FactorSet).order_by(FactorSet.id).with_for_update()).all()
    kept = next((each for each in every if each.id == set_id), None)
    if kept is None:
        raise NotFound
    if kept.status is FactorSetStatus.ACTIVE:
        raise Conflict(ACTIVE_ALREADY)
    try:
        check_set(figures_of(kept))
    except FactorError as error:
        raise InvalidInput(FieldError(field="", message=message_of(error), params=dict(error.params))) from error
    for each in every:
        if each.status is FactorSetStatus.ACTIVE:
            each.status = FactorSetStatus.RETIRED
    session.flush()  # at most one is active at any moment
    kept.status, kept.activated_at = FactorSetStatus.ACTIVE, now
    session.flush()
    return kept
