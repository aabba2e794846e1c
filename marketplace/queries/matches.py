"""The ranked counterparts of listings, and the near misses under them.

What is found is what comparing a listing with every open counterpart would find, in the same order; tests hold it to
that. It is found by assessing the candidates of `queries.match_candidates` in the order of their bounds, looking
farther away, or farther down, until nothing unseen can come before what has been found.

All of it goes by the straight line: who is found, the order, and the limits that listings state, so that a listing is
found alike here, in searches and by alerts. Where a network of roads is in use, `services.match_roads` puts those that
are shown, and only those, in their order by road.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final

from geoalchemy2.shape import to_shape
from shapely import Point
from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from geo.assessment import AcceptClass, Assessment, LotKind, rank_key
from geo.errors import FractionError
from geo.geometry import Position
from geo.matching import Lot, assess_pair
from geo.materials import Fraction, MaterialGroup, Taxonomy, taxonomy
from geo.near_misses import near_miss_key, prospect
from geo.postgis import lon_lat
from geo.proof import Outcome
from geo.routing import Leg
from marketplace.models import Facility, Listing, MaterialRow, Municipality, Organisation, Project
from marketplace.queries.match_askers import NOTHING, Asker, Most, asker_of
from marketplace.queries.match_candidates import Candidates, candidates
from marketplace.types import Documentation, ListingKind, ListingStatus, PriceKind

LIMIT: Final = 6
NEAR_LIMIT: Final = 4
FIRST_COUNT: Final = 32
"""How many candidates to assess at first."""
GROWTH: Final = 4
SPARSE: Final = 8
"""Where so few lie near, it is cheaper to look as far as may be at once."""
ROUNDING: Final = 1e-6
"""Scores and prospects are rounded to this, so a bound says nothing finer."""


BARRING: Final = frozenset({Outcome.CONTAMINATED, Outcome.HAZARDOUS})
"""What no taker may have of a material that is not judged by the classes of the soil table."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchedListing:
    """A counterpart as a row shows it."""

    id: int
    kind: ListingKind
    material_key: str
    material_group: MaterialGroup
    fraction_mm: tuple[Decimal, Decimal] | None
    mass_t: Decimal
    left_t: Decimal
    """What of it is not agreed yet."""
    min_lot_t: Decimal | None
    period: tuple[date, date]
    price_kind: PriceKind
    price_nok_per_t: Decimal | None
    organisation_id: int
    organisation_name: str
    is_verified: bool
    """Whether its organisation is."""
    project_name: str | None
    municipality_name: str
    municipality_number: str
    position: Position
    hides_position: bool
    is_example: bool
    documentation: Documentation
    facility_name: str | None
    facility_id: int | None
    accepts_class_max: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """A counterpart and what was said of the pair. `is_own`: both belong to one organisation.

    `leg` is the way from the surplus to the taker, where `services.match_roads` has found it.
    """

    listing: MatchedListing
    assessment: Assessment
    is_own: bool
    leg: Leg | None = None

    @property
    def distance_m(self) -> float:
        """Geodesic."""
        return self.assessment.distance.distance_m


@dataclass(frozen=True, slots=True, kw_only=True)
class Matches:
    """The counterparts of one listing, the best first; `has_more` tells whether there are others beyond them."""

    fits: tuple[Match, ...] = ()
    near_misses: tuple[Match, ...] = ()
    has_more_fits: bool = False
    has_more_near_misses: bool = False

    @property
    def is_empty(self) -> bool:
        return not (self.fits or self.near_misses)


def matches_for_listing(
    session: Session, listing: Listing, *, today: date, limit: int = LIMIT, near_limit: int = NEAR_LIMIT
) -> Matches:
    """The best `limit` counterparts among all open listings, and the `near_limit` nearest misses.

    The listing itself may be a draft or paused, for its owner to see what it would fit. One that is closed, or whose
    period is over, has none.
    """
    found = matches_for_listings(session, [listing], today=today, limit=limit, near_limit=near_limit)
    return found[listing.id]


def matches_for_listings(
    session: Session,
    listings: Sequence[Listing],
    *,
    today: date,
    limit: int = LIMIT,
    near_limit: int = NEAR_LIMIT,
    with_own: bool = True,
) -> Mapping[int, Matches]:
    """As `matches_for_listing` for several, by id, with as many statements as for the one that takes the most.

    Without `with_own` what belongs to the same organisation is left out, and takes nobody's place among the best.
    """
    materials = taxonomy()
    searches = {
        listing.id: _Search(
            listing, today=today, taxonomy=materials, limit=limit, near_limit=near_limit, with_own=with_own
        )
        for listing in listings
        if _has_counterparts(listing, today=today, taxonomy=materials)
    }
    while open_searches := [each for each in searches.values() if not each.is_settled]:
        count = max(each.count for each in open_searches)
        found = candidates(session, [(each.asker, each.reach_m) for each in open_searches], count=count, today=today)
        for each in open_searches:
            each.take(found[each.asker.listing_id], count=count)
    shown = {row.id for search in searches.values() for row, _ in (*search.fits, *search.near_misses)}
    values = _matched_listings(session, shown)
    return {
        listing.id: searches[listing.id].result(values) if listing.id in searches else Matches() for listing in listings
    }


def _has_counterparts(listing: Listing, *, today: date, taxonomy: Taxonomy) -> bool:
    """Not a listing that is closed or over, of a material that is no more, or of masses that nobody may take."""
    is_alive = listing.status is not ListingStatus.CLOSED and listing.available_to >= today
    return (
        is_alive and listing.material_key in taxonomy.materials and not lot_of(listing, today=today).is_taken_by_nobody
    )


def lot_of(listing: Listing | Row[Any], *, today: date) -> Lot:
    """What a listing, or a row with its columns, still has to give or to take on a day of its period.

    Of one that is all agreed, which others do not see, what it would have.
    """
    left_t = listing.left_t or listing.mass_t
    lower_mm, upper_mm = listing.fraction_min_mm, listing.fraction_max_mm
    return Lot(
        kind=LotKind(listing.kind.value),
        material=listing.material_key,
        fraction=fraction_of(None if lower_mm is None or upper_mm is None else (lower_mm, upper_mm)),
        mass_t=left_t,
        min_lot_t=None if listing.min_lot_t is None else min(listing.min_lot_t, left_t),
        available_from=max(listing.available_from, today),
        available_to=listing.available_to,
        max_distance_km=listing.max_distance_km,
        documentation=listing.documentation,
        quality_class=listing.quality_class,
        is_barred=listing.quality_class is None and listing.quality_outcome in BARRING,
        accepts_declared=listing.accepts_declared,
        accepts_class_max=listing.accepts_class_max,
    )


def fraction_of(sizes_mm: tuple[Decimal, Decimal] | None) -> Fraction | None:
    """None where none was given; one that no form would take, written by other means, counts as not given."""
    try:
        return Fraction(lower_mm=sizes_mm[0], upper_mm=sizes_mm[1]) if sizes_mm else None
    except FractionError:
        return None


def is_worth_telling(assessment: Assessment) -> bool:
    """Whether a pair is a near miss that somebody could do something about.

    What class a taker may have is settled by its permit or the law. Nobody may be led to think that a polluted mass
    goes there with a small change.
    """
    return assessment.is_near_miss and not any(isinstance(change, AcceptClass) for change in assessment.changes)


# Searching --------------------------------------------------------------------------------------------------------

type _Assessed = tuple[Row[Any], Assessment]


class _Search:
    """The search for the counterparts of one listing: what has been found, and where to look next."""

    def __init__(
        self, listing: Listing, *, today: date, taxonomy: Taxonomy, limit: int, near_limit: int, with_own: bool
    ) -> None:
        point = to_shape(listing.position_25833)
        assert isinstance(point, Point)
        self.organisation_id = listing.organisation_id
        self.today, self.taxonomy = today, taxonomy
        self.limit, self.near_limit, self.with_own = limit, near_limit, with_own
        lot = lot_of(listing, today=today)
        self.asker: Asker = asker_of(listing.id, lot, x=point.x, y=point.y, taxonomy=taxonomy)
        self.steps_m = list(self.asker.steps_m)
        self.count = FIRST_COUNT
        self.is_settled = False
        self.assessed: dict[int, _Assessed] = {}
        self.fits: list[_Assessed] = []
        self.near_misses: list[_Assessed] = []

    @property
    def reach_m(self) -> float:
        return self.steps_m[0]

    def take(self, found: Candidates, *, count: int) -> None:
        """Assess the candidates within `reach_m`, as many as were asked for, and decide whether they are enough."""
        for row in found.rows:
            is_wanted = self.with_own or row.organisation_id != self.organisation_id
            if is_wanted and row.id not in self.assessed:
                lot = lot_of(row, today=self.today)
                assessment = assess_pair(self.asker.lot, lot, distance_m=row.distance_m, taxonomy=self.taxonomy)
                self.assessed[row.id] = row, assessment
        # One more than is shown tells whether there are more.
        fits = (each for each in self.assessed.values() if each[1].is_match)
        near = (each for each in self.assessed.values() if is_worth_telling(each[1]))
        self.fits = sorted(fits, key=_rank)[: self.limit + 1]
        self.near_misses = sorted(near, key=_nearness)[: self.near_limit + 1]
        beyond = self.asker.most_beyond(self.reach_m) if len(self.steps_m) > 1 else NOTHING
        left_out = found.most_left_out
        self.is_settled = not (self._may_gain(left_out) or self._may_gain(beyond))
        if self._may_gain(left_out):
            self.count = count * GROWTH
        else:
            is_sparse = len(found.rows) < SPARSE
            self.steps_m = self.steps_m[-1:] if is_sparse else self.steps_m[1:] or self.steps_m

    def _may_gain(self, unseen: Most) -> bool:
        """Whether one of the candidates not seen may come among those found."""
        has_fits, has_misses = len(self.fits) > self.limit, len(self.near_misses) > self.near_limit
        last_score = self.fits[self.limit - 1][1].score if has_fits else 0.0
        last_prospect = prospect(self.near_misses[self.near_limit - 1][1]) if has_misses else 0.0
        return _reaches(unseen.score, last_score) or _reaches(unseen.prospect, last_prospect)

    def result(self, values: Mapping[int, MatchedListing]) -> Matches:
        def shown(found: list[_Assessed], limit: int) -> tuple[Match, ...]:
            return tuple(
                Match(
                    listing=values[row.id],
                    assessment=assessment,
                    is_own=values[row.id].organisation_id == self.organisation_id,
                )
                for row, assessment in found[:limit]
                if row.id in values  # not where it has been deleted since
            )

        return Matches(
            fits=shown(self.fits, self.limit),
            near_misses=shown(self.near_misses, self.near_limit),
            has_more_fits=len(self.fits) > self.limit,
            has_more_near_misses=len(self.near_misses) > self.near_limit,
        )


def _reaches(most: float, last: float) -> bool:
    return most > 0 and most + ROUNDING >= last


def _rank(assessed: _Assessed) -> tuple[float, float, int]:
    row, assessment = assessed
    return rank_key(assessment, tie_break=row.id)


def _nearness(assessed: _Assessed) -> tuple[float, float, int]:
    row, assessment = assessed
    return near_miss_key(assessment, tie_break=row.id)


# What is shown ----------------------------------------------------------------------------------------------------


def _matched_listings(session: Session, ids: set[int]) -> dict[int, MatchedListing]:
    if not ids:
        return {}
    lon, lat = lon_lat(Listing.position_25833)
    query = (
        select(
            Listing,
            MaterialRow.group,
            Organisation.name.label("organisation_name"),
            Organisation.verified_at.is_not(None).label("is_verified"),
            Project.name.label("project_name"),
            Facility.name.label("facility_name"),
            Municipality.name.label("municipality_name"),
            lon.label("lon"),
            lat.label("lat"),
        )
        .join(Listing.material)
        .join(Listing.organisation)
        .outerjoin(Listing.project)
        .outerjoin(Listing.facility)
        .join(Listing.municipality)
        .where(Listing.id.in_(ids))
    )
    return {row.Listing.id: _matched_listing(row) for row in session.execute(query)}


def _matched_listing(row: Any) -> MatchedListing:
    listing: Listing = row.Listing
    return MatchedListing(
        id=listing.id,
        kind=listing.kind,
        material_key=listing.material_key,
        material_group=row.group,
        fraction_mm=listing.fraction_mm,
        mass_t=listing.mass_t,
        left_t=listing.left_t,
        min_lot_t=listing.min_lot_t,
        period=listing.period,
        price_kind=listing.price_kind,
        price_nok_per_t=listing.price_nok_per_t,
        organisation_id=listing.organisation_id,
        organisation_name=row.organisation_name,
        is_verified=row.is_verified,
        project_name=row.project_name,
        municipality_name=row.municipality_name,
        municipality_number=listing.municipality_number,
        position=Position(lon=row.lon, lat=row.lat),
        hides_position=listing.hides_position,
        is_example=listing.is_example,
        documentation=listing.documentation,
        facility_name=row.facility_name,
        facility_id=listing.facility_id,
        accepts_class_max=listing.accepts_class_max,
    )
