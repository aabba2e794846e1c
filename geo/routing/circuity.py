"""Road distance as the straight line times a factor: always there, and always an estimate."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Final

from geo.impact import Method
from geo.routing.legs import Leg, LegStatus, Region, Stop, straight_m

CIRCUITY: Final[Mapping[Region, Decimal]] = {
    Region.OSLO: Decimal("1.30"),
    Region.NORWAY: Decimal("1.35"),
    Region.FJORDS: Decimal("1.60"),
}
"""Road distance over straight line. Engineering defaults for Norway; 1.5 to 1.8 where fjords lie between."""

OSLO_COUNTIES: Final = frozenset({"03", "31", "32", "33"})
"""Oslo, Østfold, Akershus and Buskerud: the region Oslo og Viken of Statistics Norway's classification."""

FJORD_COUNTIES: Final = frozenset({"11", "15", "46"})
"""Rogaland, Møre og Romsdal and Vestland: the region Vestlandet of Statistics Norway's classification."""


def region_of_county(county_number: str) -> Region:
    """The region of a county, by the two digits that its municipalities' numbers begin with."""
    if county_number in OSLO_COUNTIES:
        return Region.OSLO
    return Region.FJORDS if county_number in FJORD_COUNTIES else Region.NORWAY


def region_of_stops(stops: Iterable[Stop], factors: Mapping[Region, Decimal] = CIRCUITY) -> Region:
    """The region whose factor holds for ways between stops in several: the one where roads wind most.

    Raises ValueError where there are no stops.
    """
    return max((stop.region for stop in stops), key=lambda region: factors[region])


class CircuityRouter:
    """Answers every question with an estimate. Between two regions the roads wind as in the one where they wind more.

    `factors` has one of every region.
    """

    method: Final = Method.ESTIMATE
    profile: Final = "any"

    def __init__(self, factors: Mapping[Region, Decimal] = CIRCUITY) -> None:
        self.factors = dict(factors)

    @property
    def version(self) -> str:
        """The factors, in few letters."""
        written = " ".join(f"{region}={self.factors[region].normalize()}" for region in Region)
        return hashlib.sha256(written.encode()).hexdigest()[:16]

    def factor(self, origin: Stop, destination: Stop) -> Decimal:
        """What the straight line between two stops is multiplied by."""
        return self.factors[region_of_stops((origin, destination), self.factors)]

    def estimate(self, origin: Stop, destination: Stop, *, status: LegStatus = LegStatus.ESTIMATED) -> Leg:
        """The leg without a network, `status` telling why."""
        return Leg(
            status=status,
            straight_m=straight_m(origin, destination),
            factor=self.factor(origin, destination),
        )

    def winding_as(self, factors: Mapping[Region, Decimal]) -> "CircuityRouter":
        """The same with other factors."""
        return CircuityRouter(factors)

    def matrix(self, origins: Sequence[Stop], destinations: Sequence[Stop]) -> list[list[Leg]]:
        """One row an origin, one leg a destination."""
        return [[self.estimate(origin, destination) for destination in destinations] for origin in origins]

    def route(self, origin: Stop, destination: Stop) -> Leg:
        """One leg; nobody knows where it runs."""
        return self.estimate(origin, destination)
