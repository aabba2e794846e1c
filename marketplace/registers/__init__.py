"""Public registers outside the program: Kartverket's addresses and place names, and Enhetsregisteret.

Nothing here may hold a person up. Each register has an implementation for when it is switched off (settings, tests),
which knows nothing and says so at once.
"""

from dataclasses import dataclass

from marketplace.config import Settings
from marketplace.registers.enhetsregisteret import (
    Enhetsregisteret,
    NoOrganisationRegister,
    OrganisationRegister,
    RegisteredOrganisation,
)
from marketplace.registers.kartverket import (
    AddressKind,
    AddressRegister,
    FoundAddress,
    KartverketAddresses,
    NoAddressRegister,
)

__all__ = [
    "AddressKind",
    "AddressRegister",
    "Enhetsregisteret",
    "FoundAddress",
    "KartverketAddresses",
    "NoAddressRegister",
    "NoOrganisationRegister",
    "OrganisationRegister",
    "RegisteredOrganisation",
    "Registers",
    "make_registers",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Registers:
    """What the program looks up outside; one set a process."""

    addresses: AddressRegister
    organisations: OrganisationRegister


def make_registers(settings: Settings) -> Registers:
    """The real registers where the settings allow them, else ones that know nothing."""
    return Registers(
        addresses=KartverketAddresses() if settings.geocoder_online else NoAddressRegister(),
        organisations=Enhetsregisteret() if settings.registers_online else NoOrganisationRegister(),
    )
