"""Enhetsregisteret: the name, form and address behind an organisation number.

Source: Brønnøysundregistrene, open data under NLOD 2.0, https://data.brreg.no/enhetsregisteret/api/docs/index.html
"""

from dataclasses import dataclass
from typing import Any, Protocol

from marketplace.registers.remote import Manners, NoSuchThing, RemoteJson, RemoteUnavailable

BASE_URL = "https://data.brreg.no/enhetsregisteret/api"
REMEMBER_S = 24 * 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredOrganisation:
    """What the register says. `municipality_number` is the business address's, None for one outside Norway."""

    org_number: str
    name: str
    form_code: str
    form_name: str
    address: str | None
    municipality_number: str | None
    is_deleted: bool
    is_bankrupt: bool

    @property
    def is_active(self) -> bool:
        return not (self.is_deleted or self.is_bankrupt)


class OrganisationRegister(Protocol):
    is_online: bool

    def find(self, org_number: str) -> RegisteredOrganisation | None:
        """The organisation, or None where the register knows of none.

        Raises:
            RemoteUnavailable: the register could not be asked; nothing is known either way.
        """
        ...


class NoOrganisationRegister:
    """For when no register may be asked."""

    is_online = False

    def find(self, org_number: str) -> RegisteredOrganisation | None:
        raise RemoteUnavailable(f"the register is switched off, {org_number} was not looked up")


class Enhetsregisteret:
    is_online = True

    def __init__(self, remote: RemoteJson | None = None) -> None:
        self._remote = remote or RemoteJson(BASE_URL, manners=Manners(remember_s=REMEMBER_S))

    def find(self, org_number: str) -> RegisteredOrganisation | None:
        """The organisation with these nine digits (`parse_org_number`), or None."""
        try:
            return read_organisation(self._remote.get(f"/enheter/{org_number}"))
        except NoSuchThing:
            return None


def read_organisation(answer: Any) -> RegisteredOrganisation:
    """The register's answer as a value.

    Raises:
        RemoteUnavailable: the answer is not of the form that the register promises.
    """
    try:
        address = answer.get("forretningsadresse") or answer.get("postadresse") or {}
        form = answer.get("organisasjonsform") or {}
        return RegisteredOrganisation(
            org_number=str(answer["organisasjonsnummer"]),
            name=" ".join(str(answer["navn"]).split())[:200],
            form_code=str(form.get("kode", "")),
            form_name=str(form.get("beskrivelse", "")),
            address=read_address(address),
            municipality_number=address.get("kommunenummer"),
            is_deleted="slettedato" in answer,
            is_bankrupt=bool(answer.get("konkurs")),
        )
    except (AttributeError, KeyError, TypeError) as error:
        raise RemoteUnavailable(f"unexpected answer: {type(error).__name__}") from error


def read_address(address: dict[str, Any]) -> str | None:
    """On one line: street lines, then postcode and post town; the country only where it is not Norway."""
    lines = [str(line).strip() for line in address.get("adresse") or [] if line]
    town = " ".join(str(address[key]) for key in ("postnummer", "poststed") if address.get(key))
    country = str(address.get("land", "")) if address.get("landkode", "NO") != "NO" else ""
    return ", ".join(part for part in (*lines, town, country) if part) or None
