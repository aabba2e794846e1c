"""The lorries that masses are driven with, as far as roads care about them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Lorry:
    """A loaded lorry's measures, and what it keeps away from.

    What is signed for less than its weight, axle load, height, width or length is closed to it, as is what is closed to
    heavy vehicles. A way over a ferry or a toll road is driven unless it is avoided; then it is never driven.
    """

    key: str
    weight_t: float
    axle_load_t: float
    axle_count: int
    height_m: float
    width_m: float
    length_m: float
    avoids_ferries: bool = False
    avoids_tolls: bool = False

    @property
    def profile(self) -> str:
        """The name that its answers are kept under."""
        avoided = [("no-ferries", self.avoids_ferries), ("no-tolls", self.avoids_tolls)]
        return "-".join([self.key, *(name for name, is_avoided in avoided if is_avoided)])


LORRIES: Final[Mapping[str, Lorry]] = {
    lorry.key: lorry
    for lorry in (
        Lorry(
            key="32t",
            weight_t=32,
            axle_load_t=10,
            axle_count=4,
            height_m=4.0,
            width_m=2.55,
            length_m=10.0,
        ),
        Lorry(
            key="50t",
            weight_t=50,
            axle_load_t=10,
            axle_count=7,
            height_m=4.0,
            width_m=2.55,
            length_m=19.5,
        ),
    )
}
"""A tipper with four axles, and a lorry with a trailer, as the vehicles of the factor sets.

Their measures are engineering defaults, within what Norwegian roads of class Bk10 are open to: 2.55 m wide, 19.5 m long
with a trailer, 10 t an axle.
"""

LORRY_OF_VEHICLE: Final[Mapping[str, str]] = {
    "tipper_4axle": "32t",
    "electric_4axle": "32t",
    "truck_trailer": "50t",
}
"""Vehicle of a factor set -> the lorry whose roads it needs."""


def lorry_of_vehicle(vehicle_key: str) -> Lorry:
    """The lorry of a vehicle; of one that is not known the one with four axles, which masses mostly go with."""
    return LORRIES[LORRY_OF_VEHICLE.get(vehicle_key, "32t")]
