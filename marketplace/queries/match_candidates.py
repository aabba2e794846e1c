"""Which listings are worth comparing with a listing, the most promising first.

Every candidate comes with a bound, a number that neither the score nor the prospect of the pair exceeds
(`geo.matching`, `geo.near_misses`), and with whether the pair may be a match, and may be a near miss. All three are
worked out in the database from what is cheap to know; only the planar distance leaves something open. Who assesses
candidates in the order of their bounds may stop when those not seen cannot come before those already found.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache, reduce
from itertools import batched
from operator import add
from typing import Any, Final

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    ColumnElement,
    Date,
    Double,
    Executable,
    FromClause,
    Integer,
    Row,
    Select,
    TableValuedAlias,
    Text,
    and_,
    bindparam,
    case,
    cast,
    column,
    func,
    literal_column,
    not_,
    null,
    or_,
    select,
    union,
    union_all,
)
from sqlalchemy.orm import Session

from geo.assessment import WEIGHTS, Criterion
from geo.crs import PLANAR_STRETCH_MAX, PLANAR_STRETCH_MIN
from geo.matching import (
    ADJUSTED_FRACTION_SCORE,
    CLEAN_CLASS,
    DECLARED_SCORE,
    DEFAULT_REACH_KM,
    FULL_OVERLAP_DAYS,
    HALF_SCORE_DISTANCE_M,
    HALF_SCORE_MASS_T,
    MAX_REACH_KM,
    NEAR_DISTANCE_FACTOR,
    NEAR_GAP_DAYS,
    NEAR_LOT_FACTOR,
    PROVEN_SCORE,
    UNKNOWN_FRACTION_SCORE,
)
from geo.materials import FRACTION_LIMIT_MM
from geo.near_misses import MISSED_SHARE
from geo.postgis import geodesic_between_m
from geo.units import M_PER_KM, SRID_STORED
from marketplace.models import Listing
from marketplace.queries.match_askers import MISSED_FRACTION, MISSED_QUALITY, Asker, Most
from marketplace.queries.open_listings import PUBLISHED
from marketplace.types import Documentation, ListingKind

AT_ONCE: Final = 16
"""Askers in one statement: the listings of a project, most often."""

DEFAULT_REACH_M: Final = float(DEFAULT_REACH_KM * M_PER_KM)
FAR_REACHING: Final = Listing.max_distance_km > literal_column(str(DEFAULT_REACH_KM))
"""The only ones that may be hauled beyond where those who have not said are looked for. A number in the statement, so
that the planner sees that their own index serves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidates:
    """Rows with the columns of `ASSESSED` and the geodesic `distance_m`, and the most that those left out can reach."""

    rows: Sequence[Row[Any]]
    most_left_out: Most


def candidates(
    session: Session, askers: Sequence[tuple[Asker, float]], *, count: int, today: date
) -> dict[int, Candidates]:
    """The most promising candidates within a distance of each asker, by its id: a statement for up to `AT_ONCE`.

    There are at most `count` that may be matches and `count` that may be near misses for each.
    """
    rows: dict[int, list[Row[Any]]] = {asker.listing_id: [] for asker, _ in askers}
    for some in batched(askers, AT_ONCE):
        statement = candidate_statement(parts_for(len(some)))
        for row in session.execute(statement, candidate_values(some, count=count, today=today)):
            rows[row.asker_id].append(row)
    return {
        asker_id: Candidates(rows=found, most_left_out=_most_left_out(found, count=count))
        for asker_id, found in rows.items()
    }


def _most_left_out(rows: Sequence[Row[Any]], *, count: int) -> Most:
    """As many as asked for means that there may be more, none above the last."""
    fits = [row.bound for row in rows if row.may_fit]
    misses = [row.bound for row in rows if row.may_miss]
    return Most(
        score=min(fits) if len(fits) >= count else 0.0,
        prospect=min(misses) if len(misses) >= count else 0.0,
    )


# The statement ----------------------------------------------------------------------------------------------------

ASSESSED: Final[tuple[Any, ...]] = (
    Listing.id,
    Listing.organisation_id,
    Listing.kind,
    Listing.material_key,
    Listing.fraction_min_mm,
    Listing.fraction_max_mm,
    Listing.mass_t,
    Listing.left_t,
    Listing.min_lot_t,
    Listing.available_from,
    Listing.available_to,
    Listing.max_distance_km,
    Listing.documentation,
    Listing.quality_outcome,
    Listing.quality_class,
    Listing.accepts_declared,
    Listing.accepts_class_max,
)
"""What an assessment is made of, and whose it is."""

type AskerValues = Mapping[str, ColumnElement[Any]]

ASKER_TYPES: Final[Mapping[str, Any]] = {
    "asker_id": BigInteger(),
    "x": Double(),
    "y": Double(),
    "reach_m": Double(),
    "far_reach_m": Double(),
    "own_limit_m": Double(),
    "unstated_limit_m": Double(),
    "mass_t": Double(),
    "min_lot_t": Double(),
    "fraction_min_mm": Double(),
    "fraction_max_mm": Double(),
    "available_from": Date(),
    "available_to": Date(),
    "ends_from": Date(),
    "starts_to": Date(),
    "documentation": Text(),
    "quality_class": Integer(),
    "accepts_declared": Boolean(),
    "accepts_class_max": Integer(),
}
COMPATIBLE_TYPES: Final[Mapping[str, Any]] = {
    "kind": Text(),
    "material": Text(),
    "fitness": Double(),
    "fraction_score": Double(),
    "is_sieved": Boolean(),
    "is_crushed": Boolean(),
}


def candidate_values(askers: Sequence[tuple[Asker, float]], *, count: int, today: date) -> dict[str, object]:
    """The statement's parameters, those of each asker under its number. Parts without an asker have no materials."""
    values: dict[str, object] = {"count": count}
    for n in range(parts_for(len(askers))):
        asker, reach_m = askers[min(n, len(askers) - 1)]
        compatible = asker.compatible if n < len(askers) else ()
        row = _asker_values(asker, reach_m=reach_m, today=today)
        values |= {_parameter(n, name): value for name, value in zip(ASKER_TYPES, row, strict=True)}
        values |= {_parameter(n, name): [getattr(each, name) for each in compatible] for name in COMPATIBLE_TYPES}
    return values


def _parameter(n: int, name: str) -> str:
    return f"asker_{n}_{name}"


def _asker_values(asker: Asker, *, reach_m: float, today: date) -> tuple[object, ...]:
    lot, bounds = asker.lot, asker.bounds
    limit_m = float(min(lot.max_distance_km or MAX_REACH_KM, MAX_REACH_KM) * M_PER_KM)
    return (
        asker.listing_id,
        asker.x,
        asker.y,
        min(reach_m, bounds.unstated_reach_m),
        reach_m,
        limit_m,
        DEFAULT_REACH_M if lot.max_distance_km is None else limit_m,
        float(lot.mass_t),
        float(lot.min_lot_t or 0),
        None if lot.fraction is None else float(lot.fraction.lower_mm),
        None if lot.fraction is None else float(lot.fraction.upper_mm),
        lot.available_from,
        lot.available_to,
        max(bounds.ends_from, today),
        bounds.starts_to,
        lot.documentation.value,
        lot.quality_class,
        lot.accepts_declared,
        lot.accepts_class_max,
    )


def parts_for(askers: int) -> int:
    """The next power of two: a handful of statements, each compiled once, do for any number of askers."""
    return 1 << (askers - 1).bit_length()


@cache
def candidate_statement(parts: int) -> Executable:
    """For each asker the candidates within its reach, and beyond it those that say they reach far.

    Each asker has a part of its own, with its values as constants: the planner counts what lies in a box that it
    knows, and takes every box that comes from a row of a table for all but empty.
    """
    return union_all(*map(_part, range(parts)))


def _part(n: int) -> Select[Any]:
    asker = {name: bindparam(_parameter(n, name), type_=type_) for name, type_ in ASKER_TYPES.items()}
    pair = _compatible_table(n)
    beyond = and_(
        asker["far_reach_m"] > asker["reach_m"],  # else the planner leaves this half away
        FAR_REACHING,
        _within(asker["far_reach_m"], asker),
        ~_within(asker["reach_m"], asker),
    )
    both = union_all(_pool(asker, pair, _within(asker["reach_m"], asker)), _pool(asker, pair, beyond))
    pool = select(*both.subquery("both").c)
    judged = pool.cte("judged")
    count = bindparam("count", type_=Integer)
    best = union(
        *(
            select(select(judged).where(wanted).order_by(judged.c.bound.desc()).limit(count).subquery(name))
            for name, wanted in (("fits", judged.c.may_fit), ("misses", judged.c.may_miss))
        )
    )
    picked = select(best.subquery("best")).add_cte(judged, nest_here=True).subquery("picked")
    return select(
        asker["asker_id"].label("asker_id"),
        *ASSESSED,
        geodesic_between_m(Listing.position_25833, _point(asker)).label("distance_m"),
        picked.c.bound,
        picked.c.may_fit,
        picked.c.may_miss,
    ).join(picked, Listing.id == picked.c.id)


def _compatible_table(n: int) -> TableValuedAlias:
    """The kinds and materials that the asker can do with: the parameters, each a list, as a table."""
    lists = [
        cast(bindparam(_parameter(n, name), type_=ARRAY(type_)), ARRAY(type_))
        for name, type_ in COMPATIBLE_TYPES.items()
    ]
    columns = [column(name, type_) for name, type_ in COMPATIBLE_TYPES.items()]
    return func.unnest(*lists).table_valued(*columns).render_derived(name="compatible")


def _point(asker: AskerValues) -> ColumnElement[Any]:
    return func.ST_SetSRID(func.ST_MakePoint(asker["x"], asker["y"]), literal_column(str(SRID_STORED)))


def _within(reach_m: ColumnElement[float], asker: AskerValues) -> ColumnElement[bool]:
    """Whether a listing lies in the square that no place within the distance lies outside."""
    square = func.ST_Expand(_point(asker), reach_m * _constant(PLANAR_STRETCH_MAX))
    return Listing.position_25833.bool_op("&&")(square)


def _pool(asker: AskerValues, pair: TableValuedAlias, place: ColumnElement[bool]) -> Select[Any]:
    """The candidates of an asker in some place. Leaves out only what is surely neither a match nor a near miss."""
    planar_m: ColumnElement[float] = func.ST_Distance(Listing.position_25833, _point(asker), type_=Double())
    stated_m = cast(Listing.max_distance_km, Double) * _constant(M_PER_KM)
    # Who has less left than the smallest lot lets that go, too.
    smallest_t = func.least(func.coalesce(Listing.min_lot_t, 0), Listing.left_t)
    least_lot_t = func.greatest(cast(smallest_t, Double), asker["min_lot_t"])
    # OFFSET keeps it apart, so that what the bound is made of is worked out once a row.
    fact = (
        select(
            Listing.id,
            (planar_m / _constant(PLANAR_STRETCH_MAX)).label("least_m"),
            (planar_m / _constant(PLANAR_STRETCH_MIN)).label("most_m"),
            func.least(asker["own_limit_m"], func.coalesce(stated_m, asker["unstated_limit_m"])).label("limit_m"),
            func.least(cast(Listing.left_t, Double), asker["mass_t"]).label("usable_t"),
            least_lot_t.label("least_lot_t"),
            (
                func.least(Listing.available_to, asker["available_to"])
                - func.greatest(Listing.available_from, asker["available_from"])
            ).label("last_less_first"),
            pair.c.fitness,
            _fraction_score(asker, pair).label("fraction_score"),
            *_quality(asker),
        )
        .select_from(
            pair.join(Listing, and_(Listing.kind == pair.c.kind, Listing.material_key == pair.c.material)),
        )
        .where(
            PUBLISHED,
            Listing.available_to >= asker["ends_from"],
            Listing.available_from <= asker["starts_to"],
            place,
        )
        .offset(literal_column("0"))
        .subquery("fact")
    )
    return select(fact.c.id, *_judgement(fact)).where(
        fact.c.least_m <= _constant(NEAR_DISTANCE_FACTOR) * fact.c.limit_m,
        fact.c.least_lot_t <= _constant(NEAR_LOT_FACTOR) * fact.c.usable_t,
        fact.c.fraction_score.is_not(None),
        not_(fact.c.is_refused),  # nobody is asked to take a class that it may not take
    )


def _fraction_score(asker: AskerValues, pair: TableValuedAlias) -> ColumnElement[float]:
    """What the fraction scores, at most; negative for a miss, None where grains would have to grow."""
    lower_mm, upper_mm = cast(Listing.fraction_min_mm, Double), cast(Listing.fraction_max_mm, Double)
    is_offered = Listing.kind == ListingKind.SURPLUS
    sides = ((lower_mm, asker["fraction_min_mm"]), (upper_mm, asker["fraction_max_mm"]))
    offered = [case((is_offered, theirs), else_=own) for theirs, own in sides]
    demanded = [case((is_offered, own), else_=theirs) for theirs, own in sides]
    is_crushed = case((offered[0] >= demanded[1], pair.c.is_crushed), else_=pair.c.is_sieved)
    return case(
        (pair.c.fraction_score.is_not(None), pair.c.fraction_score),
        # No fraction is given, or one that `geo` does not take.
        (
            func.coalesce(upper_mm > _constant(FRACTION_LIMIT_MM), literal_column("true")),
            _constant(UNKNOWN_FRACTION_SCORE),
        ),
        (and_(offered[0] >= demanded[0], offered[1] <= demanded[1]), _constant(1)),
        (offered[1] <= demanded[0], null()),
        (is_crushed, _constant(ADJUSTED_FRACTION_SCORE)),
        else_=_constant(-1),
    )


def _quality(asker: AskerValues) -> tuple[ColumnElement[Any], ...]:
    """What the quality adds, to a score or to a prospect; whether something is amiss, and whether that is the class."""
    is_offered = Listing.kind == ListingKind.SURPLUS
    documentation = case((is_offered, Listing.documentation), else_=asker["documentation"])
    quality_class = case((is_offered, Listing.quality_class), else_=asker["quality_class"])
    accepts_declared = case((is_offered, asker["accepts_declared"]), else_=Listing.accepts_declared)
    accepts_class_max = case((is_offered, asker["accepts_class_max"]), else_=Listing.accepts_class_max)
    is_refused = func.coalesce(quality_class, CLEAN_CLASS) > accepts_class_max
    is_declared = documentation == literal_column(f"'{Documentation.DECLARED}'")
    is_undocumented = and_(documentation == literal_column(f"'{Documentation.NONE}'"), quality_class.is_(None))
    is_unproven = or_(is_undocumented, and_(is_declared, not_(accepts_declared)))
    score = case(
        (is_refused, _constant(0)),
        (is_unproven, _constant(MISSED_QUALITY)),
        (is_declared, _constant(DECLARED_SCORE)),
        else_=_constant(PROVEN_SCORE),
    )
    return score.label("quality_score"), or_(is_refused, is_unproven).label("is_amiss"), is_refused.label("is_refused")


def _judgement(fact: FromClause) -> tuple[ColumnElement[Any], ...]:
    """The bound, at least what `geo` gives, term by term; and whether the pair may be a match and may be a miss."""
    half, overlap_days = _constant(MISSED_SHARE), fact.c.last_less_first + 1
    is_too_far = fact.c.least_m > fact.c.limit_m
    is_apart = overlap_days <= 0
    is_small = fact.c.least_lot_t > fact.c.usable_t
    is_ungraded = fact.c.fraction_score < 0
    distance = _constant(1) / (1 + fact.c.least_m / _constant(HALF_SCORE_DISTANCE_M))
    quantity = fact.c.usable_t / (fact.c.usable_t + _constant(HALF_SCORE_MASS_T))
    together = func.least(_constant(1), overlap_days / _constant(FULL_OVERLAP_DAYS))
    apart = half * (1 + fact.c.last_less_first / _constant(NEAR_GAP_DAYS))
    terms = {
        Criterion.DISTANCE: case((is_too_far, half * distance), else_=distance),
        Criterion.MATERIAL: fact.c.fitness,
        Criterion.PERIOD: case((is_apart, apart), else_=together),
        Criterion.QUANTITY: case((is_small, half * quantity), else_=quantity),
        Criterion.FRACTION: case((is_ungraded, _constant(MISSED_FRACTION)), else_=fact.c.fraction_score),
        Criterion.QUALITY: fact.c.quality_score,
    }
    weighted = [_constant(WEIGHTS[criterion]) * term for criterion, term in terms.items()]
    may_be_too_far = fact.c.most_m >= fact.c.limit_m
    return (
        reduce(add, weighted).label("bound"),
        not_(or_(is_too_far, is_apart, is_small, is_ungraded, fact.c.is_amiss)).label("may_fit"),
        or_(may_be_too_far, is_apart, is_small, is_ungraded, fact.c.is_amiss).label("may_miss"),
    )


def _constant(number: float | Decimal) -> ColumnElement[float]:
    """A number of `geo` in the statement, as double precision: numeric would be several times slower."""
    return literal_column(f"{float(number)!r}::float8", Double)
