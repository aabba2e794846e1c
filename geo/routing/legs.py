"""What a router is asked, and what it answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from typing import Final, Protocol, Self

from geo.geometry import Position
from geo.impact import Method
from geo.units import M_PER_KM

type Line = tuple[tuple[float, float], ...]
"""The places a road runs through, (lon, lat) in degrees."""

METRE_KM: Final = Decimal("0.001")


class RoutingError(Exception):
    """The network cannot be used, or the engine refused a question that it should have an answer to."""


class LegStatus(StrEnum):
    """What became of the question."""

    FOUND = "found"
    """Driven on the network of roads."""
    ESTIMATED = "estimated"
    """No network was asked, or a comparison had to do without it."""
    OFF_NETWORK = "off_network"
    """One end lies too far from any road of the network that a lorry may use."""
    NO_ROUTE = "no_route"
    """Both ends lie on the network, and no way that the lorry may drive leads from one to the other."""


class Region(StrEnum):
    """Parts of the country whose roads wind alike."""

    OSLO = "oslo_region"
    FJORDS = "fjord_counties"
    NORWAY = "norway"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """A place to drive from or to. `region` decides how much longer than the straight line a road is taken to be."""

    position: Position
    region: Region = Region.NORWAY


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """A way from one stop to another, loaded or empty.

    `straight_m` is geodesic, and `factor` what an estimate multiplies it by. `road_m` and `road_s` are what the network
    of roads answered, None where it gave no answer. `line` is the way itself, where it was asked for.
    """

    status: LegStatus
    straight_m: float
    factor: Decimal
    road_m: float | None = None
    road_s: float | None = None
    line: Line | None = None

    @property
    def is_estimate(self) -> bool:
        return self.road_m is None

    @property
    def method(self) -> Method:
        return Method.ESTIMATE if self.is_estimate else Method.ROAD

    @property
    def distance_m(self) -> float:
        """By road, else the estimate."""
        return self.straight_m * float(self.factor) if self.road_m is None else self.road_m

    @property
    def duration_s(self) -> float | None:
        """Driving time; None for an estimate, which knows no speeds."""
        return self.road_s

    @property
    def straight_km(self) -> Decimal:
        """To the metre."""
        return _km(self.straight_m)

    @property
    def road_km(self) -> Decimal | None:
        """To the metre; None for an estimate."""
        return None if self.road_m is None else _km(self.road_m)

    def estimated(self) -> Self:
        """The same leg without what the network answered; where it could not answer, that is still said."""
        status = LegStatus.ESTIMATED if self.status is LegStatus.FOUND else self.status
        return replace(self, status=status, road_m=None, road_s=None, line=None)


class Router(Protocol):
    """Answers how far lorries drive.

    Distances depend on the way that is driven, so the leg there may differ from the leg back.
    """

    @property
    def method(self) -> Method: ...

    @property
    def profile(self) -> str:
        """The lorry and what it keeps away from."""
        ...

    @property
    def version(self) -> str:
        """What the answers rest on: they are the same for as long as this is, and the profile."""
        ...

    def estimate(self, origin: Stop, destination: Stop, *, status: LegStatus = ...) -> Leg:
        """The leg without the network, `status` telling why."""
        ...

    def winding_as(self, factors: Mapping[Region, Decimal]) -> "Router":
        """The same router, whose estimates multiply the straight line by other factors, one of every region."""
        ...

    def matrix(self, origins: Sequence[Stop], destinations: Sequence[Stop]) -> list[list[Leg]]:
        """One row an origin, one leg a destination; without lines."""
        ...

    def route(self, origin: Stop, destination: Stop) -> Leg:
        """One leg with its line, None where it is an estimate."""
        ...


def same_method(legs: Sequence[Leg]) -> tuple[Leg, ...]:
    """The legs as they may be compared: by road if all were found, else all of them estimated.

    The status of those that the network could not answer tells why the others do without it.
    """
    if all(not leg.is_estimate for leg in legs):
        return tuple(legs)
    return tuple(leg.estimated() for leg in legs)


def straight_m(origin: Stop, destination: Stop) -> float:
    """Geodesic."""
    return origin.position.distance_m(destination.position)


def _km(length_m: float) -> Decimal:
    return (Decimal(str(length_m)) / M_PER_KM).quantize(METRE_KM)
