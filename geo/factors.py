"""Factor sets: the versioned figures that impact is worked out with, each with its unit, source and range."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from geo.errors import FactorError, FactorFault
from geo.quantities import Quantity

LITRE: Final = "l"
KILOWATT_HOUR: Final = "kWh"


@dataclass(frozen=True, slots=True, kw_only=True)
class Factor:
    """One figure of a set. `is_verified`: somebody has held it against the source that it names."""

    key: str
    quantity: Quantity
    is_verified: bool
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vehicle:
    """A lorry: what it carries (t) and what it uses a kilometre, full and empty, of its `energy` (l or kWh)."""

    key: str
    payload_t: Decimal
    full_per_km: Quantity
    empty_per_km: Quantity
    energy: str
    kg_co2e_per_energy: Quantity
    """Well to wheel: kg CO2e a litre or kWh."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MaterialFactors:
    """kg CO2e a tonne of a family of materials (`aggregates`, `asphalt`, ...)."""

    family: str
    primary: Quantity
    """Made anew."""
    processing: Quantity
    """Crushed or washed into what replaces the new (`closed_loop`)."""
    landfill: Quantity
    handling: Quantity
    """Moved about where it is used or stored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FactorSet:
    """All figures of one version, by key.

    Keys: `vehicle.KEY.payload|full|empty`, `fuel.KEY.ttw|wtt`, `circuity.REGION`,
    `material.FAMILY.primary|closed_loop|landfill|handling` and `default.NAME`.
    """

    version: str
    default_vehicle: str
    default_fuel: str
    factors: Mapping[str, Factor]

    def factor(self, key: str) -> Quantity:
        """Return the figure of that key.

        Raises FactorError: missing.
        """
        try:
            return self.factors[key].quantity
        except KeyError:
            raise FactorError(FactorFault.MISSING, key=key, version=self.version) from None

    def vehicle(self, key: str | None = None, *, fuel: str | None = None) -> Vehicle:
        """Return a lorry, the set's own where none is named; what runs on litres runs on `fuel`.

        Raises FactorError: missing.
        """
        name = key or self.default_vehicle
        full = self.factor(f"vehicle.{name}.full")
        energy = full.unit.partition("/")[0]
        source = "electricity" if energy == KILOWATT_HOUR else fuel or self.default_fuel
        return Vehicle(
            key=name,
            payload_t=self.factor(f"vehicle.{name}.payload").value,
            full_per_km=full,
            empty_per_km=self.factor(f"vehicle.{name}.empty"),
            energy=energy,
            kg_co2e_per_energy=self.factor(f"fuel.{source}.ttw") + self.factor(f"fuel.{source}.wtt"),
        )

    def circuity(self, region: str) -> Quantity:
        """Return road distance over straight line in a region (`oslo_region`, `fjord_counties`, `norway`).

        Raises FactorError: missing.
        """
        return self.factor(f"circuity.{region}")

    def material(self, family: str) -> MaterialFactors:
        """Return the figures of a family of materials.

        Raises FactorError: missing.
        """
        primary, processing, landfill, handling = (
            self.factor(f"material.{family}.{name}") for name in ("primary", "closed_loop", "landfill", "handling")
        )
        return MaterialFactors(
            family=family, primary=primary, processing=processing, landfill=landfill, handling=handling
        )

    def default(self, name: str) -> Quantity:
        """Return what holds where nothing better is known: `landfill_share`, `empty_return`, ...

        Raises FactorError: missing.
        """
        return self.factor(f"default.{name}")
