"""What would have happened to a mass, and to a need, had the two not found each other.

Without a deal the surplus goes where its owner says, else to the nearest landfill that takes it in (L); and the need is
filled from whom its owner names, else from the nearest quarry that sells what the mass replaces (Q). Nearest is by the
router, among the few that lie nearest, and none that lies farther off than `REACH_KM`. A landfill that accepts the very
material goes before one that only accepts what it is taken to be like. No facility that takes part in a deal is its Q.

Every distance of one comparison is measured by one method: where a single leg cannot be found on the network of roads,
all of them are estimated, and the method is kept with them.

However many comparisons are asked for, the database is asked a handful of questions.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Final

from sqlalchemy.orm import Session

from geo.geometry import Position
from geo.impact import Leg, Method, Role
from geo.materials import Treatment, taxonomy
from geo.replacements import Replacement, replacements
from geo.routing import Leg as RoadLeg
from geo.routing import Stop
from marketplace.impact_basis import (
    HUBS,
    Basis,
    BasisPlace,
    Chosen,
    is_made_into_another,
    level_of,
    with_careful_region,
)
from marketplace.queries.baselines import REACH_KM, BaselineFacility, Near, facilities_by_id, facilities_near
from marketplace.recovery import Recovery
from marketplace.services.routes import legs_between, router_for, stop_of
from marketplace.types import FacilityKind

type Pair = tuple[Stop, Stop]
type Measured = Mapping[Pair, RoadLeg]
type _Found = Mapping[Near, tuple[BaselineFacility, ...]]
type _Option = tuple[BaselineFacility, RoadLeg]
"""One who may be L or Q, and the way there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WayStop:
    """A place on the way of a mass; `place` is what is kept of it, which may leave the position out."""

    place: BasisPlace
    position: Position

    @property
    def stop(self) -> Stop:
        return stop_of(self.position, self.place.municipality_number)


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """A mass on its way: where it begins, the hubs it goes by, and where it is used.

    `needed_key` is what is asked for there. `is_assumed` takes the three tests of recovery to hold where nobody has
    answered them. `class_min` is the class of the soil table that the mass is of, for the landfill to be allowed it.
    """

    stops: tuple[WayStop, ...]
    material_key: str
    needed_key: str
    recovery: Recovery = Recovery.UNANSWERED
    is_assumed: bool = False
    prior_destination_id: int | None = None
    prior_supplier_id: int | None = None
    class_min: int = 1
    is_blurred: bool = False

    @property
    def use(self) -> WayStop:
        return self.stops[-1]

    @property
    def is_pending(self) -> bool:
        return self.use.place.kind in HUBS


@dataclass(frozen=True, slots=True, kw_only=True)
class _Candidates:
    """Who may be L or Q of a way; `is_passed_over` where somebody was named who cannot be."""

    facilities: tuple[BaselineFacility, ...]
    chosen: Chosen
    is_passed_over: bool = False


NOBODY: Final = _Candidates(facilities=(), chosen=Chosen.NOBODY)


def bases_of(session: Session, ways: Sequence[Way], *, today: date) -> list[Basis]:
    """The facts of each comparison, in the order of the ways."""
    named = facilities_by_id(session, _named_ids(ways))
    compared = [each for each in ways if not each.is_pending]
    asked = [question for each in compared for question in (*_landfills_near(each), _quarries_near(each))]
    near = facilities_near(session, asked, today=today)
    options = {each: (_landfills(each, named, near), _quarries(each, named, near)) for each in compared}
    pairs = list(dict.fromkeys(pair for way in ways for pair in _pairs(way, options.get(way))))
    router = router_for(session)
    measured = dict(zip(pairs, legs_between(session, pairs, router=router), strict=True))
    return [_basis(way, options.get(way), measured, network_version=router.version) for way in ways]


# Who might be L and Q ---------------------------------------------------------------------------------------------


def _named_ids(ways: Sequence[Way]) -> set[int]:
    ids = (each for way in ways for each in (way.prior_destination_id, way.prior_supplier_id))
    return {each for each in ids if each is not None}


def _landfills_near(way: Way) -> tuple[Near, Near]:
    """Those that accept the very material, and those that accept something it is taken to be accepted as."""
    the_very = Near(
        kind=FacilityKind.LANDFILL,
        materials=(way.material_key,),
        position=way.stops[0].position,
        class_min=way.class_min,
    )
    return the_very, replace(the_very, materials=replacements()[way.material_key].landfilled_as)


def _quarries_near(way: Way) -> Near:
    return Near(
        kind=FacilityKind.QUARRY,
        materials=_replaced(way).sold_as,
        position=way.use.position,
        but_not=frozenset(_own_ids(way)),
    )


def _own_ids(way: Way) -> set[int]:
    """The facilities that take part."""
    return {each.place.facility_id for each in way.stops if each.place.facility_id is not None}


def _replaced(way: Way) -> Replacement:
    return replacements()[way.needed_key]


def _landfills(way: Way, named: Mapping[int, BaselineFacility], near: _Found) -> _Candidates:
    """What was declared holds, also where the mass goes there in the end: then no haul to it is spared."""
    if way.prior_destination_id is not None and way.prior_destination_id in named:
        return _Candidates(facilities=(named[way.prior_destination_id],), chosen=Chosen.DECLARED)
    the_very, alike = _landfills_near(way)
    found = near[the_very] or near[alike]
    return _Candidates(facilities=found, chosen=Chosen.NEAREST) if found else NOBODY


def _quarries(way: Way, named: Mapping[int, BaselineFacility], near: _Found) -> _Candidates:
    """A supplier that was named holds where it sells what is replaced, and takes no part in the deal."""
    declared = None if way.prior_supplier_id is None else named.get(way.prior_supplier_id)
    if declared is not None and declared.id not in _own_ids(way) and _sells(declared, _replaced(way)):
        return _Candidates(facilities=(declared,), chosen=Chosen.DECLARED)
    found = near[_quarries_near(way)]
    return _Candidates(
        facilities=found,
        chosen=Chosen.NEAREST if found else Chosen.NOBODY,
        is_passed_over=declared is not None,
    )


def _sells(facility: BaselineFacility, replaced: Replacement) -> bool:
    return facility.kind is FacilityKind.QUARRY and not set(replaced.sold_as).isdisjoint(facility.accepts)


def _accepted_as(way: Way, landfill: BaselineFacility | None) -> str:
    """Which material makes L accept the mass: itself first; none where somebody has named a place that accepts none."""
    keys = (way.material_key, *replacements()[way.material_key].landfilled_as)
    return next((key for key in keys if landfill is not None and key in landfill.accepts), "")


# Measuring --------------------------------------------------------------------------------------------------------


def _stop_of(facility: BaselineFacility) -> Stop:
    return stop_of(facility.position, facility.municipality_number)


def _hauls(way: Way) -> list[Pair]:
    return [(one.stop, other.stop) for one, other in zip(way.stops, way.stops[1:], strict=False)]


def _pairs(way: Way, options: tuple[_Candidates, _Candidates] | None) -> Iterator[Pair]:
    yield from _hauls(way)
    if options is not None:
        landfills, quarries = options
        yield from ((way.stops[0].stop, _stop_of(each)) for each in landfills.facilities)
        yield from ((_stop_of(each), way.use.stop) for each in quarries.facilities)


def _basis(
    way: Way, options: tuple[_Candidates, _Candidates] | None, measured: Measured, *, network_version: str
) -> Basis:
    landfills, quarries = options or (NOBODY, NOBODY)
    start, use = way.stops[0].stop, way.use.stop
    to_landfill = [(each, measured[start, _stop_of(each)]) for each in landfills.facilities]
    from_quarry = [(each, measured[_stop_of(each), use]) for each in quarries.facilities]
    hauls = [measured[pair] for pair in _hauls(way)]
    is_road = _is_by_road(hauls, to_landfill, from_quarry)
    landfill, quarry = _nearest(to_landfill, is_road=is_road), _nearest(from_quarry, is_road=is_road)
    fit = taxonomy().substitution(demanded=way.needed_key, offered=way.material_key)
    treatment = Treatment.NONE if fit is None else fit.treatment
    replaced, taken_in_by = _replaced(way), way.use.place.kind
    is_assumed = way.is_assumed and way.recovery is Recovery.UNANSWERED
    basis = Basis(
        level=level_of(
            Recovery.RECOVERY if is_assumed else way.recovery,
            taken_in_by=taken_in_by,
            by_way_of=tuple(each.place.kind for each in way.stops[1:-1] if each.place.kind is not None),
            is_made_into_another=is_made_into_another(
                way.material_key, treatment, replaced_family=replaced.family, taken_in_by=taken_in_by
            ),
        ),
        recovery=way.recovery,
        is_assumed=is_assumed,
        material_key=way.material_key,
        needed_key=way.needed_key,
        replaced_family=replaced.family,
        treatment=treatment,
        stops=tuple(each.place for each in way.stops),
        landfill=None if landfill is None else _place(landfill[0]),
        landfill_chosen=landfills.chosen,
        quarry=None if quarry is None else _place(quarry[0]),
        quarry_chosen=quarries.chosen,
        method=Method.ROAD if is_road else Method.ESTIMATE,
        network_version=network_version if is_road else None,
        region="",
        legs=tuple(_legs(way, landfill, quarry, hauls, is_road=is_road)),
        gate_fee_nok_per_t=None if landfill is None else landfill[0].reception_price_nok_per_t,
        is_blurred=way.is_blurred,
        is_fit=fit is not None,
        landfill_key=_accepted_as(way, None if landfill is None else landfill[0]),
        is_supplier_passed_over=quarries.is_passed_over,
        reach_km=None if way.is_pending else REACH_KM,
        replaced_note_no=replaced.note_no,
        replaced_note_en=replaced.note_en,
        is_replaced_verified=replaced.is_verified,
    )
    return with_careful_region(basis)


def _is_by_road(hauls: Sequence[RoadLeg], *options: Sequence[_Option]) -> bool:
    """Whether the network of roads knows a way for every leg that the comparison needs."""
    is_known = all(any(not leg.is_estimate for _, leg in legs) for legs in options if legs)
    return is_known and not any(leg.is_estimate for leg in hauls)


def _nearest(options: Sequence[_Option], *, is_road: bool) -> _Option | None:
    within = [each for each in options if not (is_road and each[1].is_estimate)]
    return min(within, key=lambda each: (_km(each[1], is_road=is_road), each[0].id), default=None)


def _km(leg: RoadLeg, *, is_road: bool) -> Decimal:
    """As it goes into the comparison: by road, or straight for the factor set to make longer."""
    if not is_road:
        return leg.straight_km
    assert leg.road_km is not None
    return leg.road_km


def _legs(
    way: Way, landfill: _Option | None, quarry: _Option | None, hauls: Sequence[RoadLeg], *, is_road: bool
) -> Iterator[Leg]:
    names = [each.place.name for each in way.stops]
    if landfill is not None:
        facility, leg = landfill
        length_km = _km(leg, is_road=is_road)
        yield Leg(role=Role.TO_LANDFILL, origin=names[0], destination=facility.name, length_km=length_km)
    if quarry is not None:
        facility, leg = quarry
        length_km = _km(leg, is_road=is_road)
        yield Leg(role=Role.FROM_QUARRY, origin=facility.name, destination=names[-1], length_km=length_km)
    for origin, destination, leg in zip(names, names[1:], hauls, strict=False):
        yield Leg(role=Role.HAUL, origin=origin, destination=destination, length_km=_km(leg, is_road=is_road))


def _place(facility: BaselineFacility) -> BasisPlace:
    return BasisPlace(
        name=facility.name,
        municipality=facility.municipality_name,
        municipality_number=facility.municipality_number,
        lon=round(facility.position.lon, 5),
        lat=round(facility.position.lat, 5),
        facility_id=facility.id,
        kind=facility.kind,
        is_verified=facility.is_verified,
        is_example=facility.is_example,
    )
