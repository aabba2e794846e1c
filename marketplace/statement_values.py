"""What a deal's statement says: all of it, as values of its own, kept as JSON so that it prints the same for ever.

Nothing in here is a key to look something up by later: names, addresses and hashes stand as they were. What is called
differently from language to language (a material, a class) is kept as the value that a language has a word for.

A field is never taken away or given another meaning; a new one has a default, so that what was kept before it reads on.
"""

import json
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

from pydantic import TypeAdapter

from geo.impact import Measure, Method
from geo.proof import Outcome
from geo.pyramid import Level
from marketplace.recovery import Recovery
from marketplace.types import (
    Documentation,
    DocumentKind,
    Haulage,
    Loading,
    PriceKind,
    RecoveryTest,
    Side,
    TicketSource,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    name: str
    org_number: str
    address: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One end of the way; `facility` is the plant that it is, where it is one.

    Without a position where the two sides of the deal may not know it exactly.
    """

    name: str
    municipality: str
    municipality_number: str
    lon: float | None
    lat: float | None
    facility: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What was agreed."""

    agreed_t: Decimal
    tolerance_percent: Decimal
    starts_on: date
    ends_on: date
    agreed_at: datetime
    price_kind: PriceKind
    price_nok_per_t: Decimal | None
    loading: Loading
    haulage: Haulage
    haulier: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lot:
    """What was delivered, and what it was known by. `proof_sha256` is `services.passports.proof_number`."""

    listing_id: int
    passport_token: UUID
    proof_sha256: str
    material_key: str
    material_no: str
    material_en: str
    fraction_min_mm: Decimal | None
    fraction_max_mm: Decimal | None
    ewc: str
    ns9431: str
    documentation: Documentation
    outcome: Outcome | None
    soil_class: int | None
    limits_version: str | None
    sample_count: int
    project: str = ""
    builder: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """A document, by its content."""

    title: str
    kind: DocumentKind
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryLine:
    test: RecoveryTest
    holds: bool
    evidence: str
    answered_by: str
    answered_at: datetime
    document: Paper | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketLine:
    number: str
    loaded_at: datetime
    vehicle_registration: str
    mass_t: Decimal
    is_weighed: bool
    carrier: str
    source: TicketSource
    reported_by: str
    confirmed_by: str
    confirmed_at: datetime | None
    slip_sha256: str | None
    is_correction: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AvoidedLine:
    measure: Measure
    value: Decimal
    low: Decimal
    high: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Avoided:
    """What the loads avoided, by the record that held when the statement was drawn up; prices that nobody knows are
    left out."""

    mass_t: Decimal
    record_number: int
    level: Level
    method: Method
    network_version: str | None
    factor_set: str
    factor_set_name: str
    landfill: str
    quarry: str
    is_plausible: bool
    lines: tuple[AvoidedLine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    side: Side
    name: str
    email: str
    signed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementContent:
    """Everything that the paper prints. `lot_is_from` is set where the mass came by way of a hub: where it began."""

    deal_id: int
    drawn_up_at: datetime
    is_example: bool
    giver: Party
    taker: Party
    origin: Place
    destination: Place
    terms: Terms
    lot: Lot
    papers: tuple[Paper, ...]
    recovery: tuple[RecoveryLine, ...]
    recovery_comes_to: Recovery
    tickets: tuple[TicketLine, ...]
    delivered_t: Decimal
    weighed_t: Decimal
    estimated_t: Decimal
    weighed_count: int
    estimated_count: int
    deviation: str
    """Why what was delivered is not what was agreed, in the words of whoever drew it up."""
    lot_is_from: Place | None = None
    source_deal_id: int | None = None
    signatures: tuple[Signature, ...] = ()
    avoided: Avoided | None = None
    """None where it was drawn up before there were records, or where the masses wait in a hub."""

    @property
    def deviation_t(self) -> Decimal:
        return self.delivered_t - self.terms.agreed_t

    def signed(self, signature: Signature) -> "StatementContent":
        return replace(self, signatures=(*self.signatures, signature))


_CONTENT: Final = TypeAdapter(StatementContent)
_TICKETS: Final = TypeAdapter(tuple[TicketLine, ...])


def to_json(content: StatementContent) -> dict[str, Any]:
    """The content as it is kept."""
    kept: dict[str, Any] = _CONTENT.dump_python(content, mode="json")
    return kept


def from_json(kept: dict[str, Any]) -> StatementContent:
    """The content as it was when it was kept."""
    return _CONTENT.validate_python(kept)


def statement_number(content: StatementContent) -> str:
    """The SHA-256 of all that is signed: the same for both signatures, another one after any change."""
    kept = to_json(replace(content, signatures=()))
    if content.avoided is None:  # what was signed before there was such a thing keeps its number
        del kept["avoided"]
    return sha256(_canonical(kept)).hexdigest()


def tickets_number(tickets: tuple[TicketLine, ...]) -> str:
    """The SHA-256 of the loads alone, to see whether they are still those that were signed.

    People's names are left out: somebody who is called something else has not driven another load.
    """
    loads = tuple(replace(each, reported_by="", confirmed_by="") for each in tickets)
    return sha256(_canonical(_TICKETS.dump_python(loads, mode="json"))).hexdigest()


def _canonical(kept: object) -> bytes:
    return json.dumps(kept, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
