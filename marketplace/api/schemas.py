"""What the API takes and gives, in units that the names say."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Self
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, PlainSerializer

from marketplace.models import Deal, Ticket
from marketplace.services.ticket_reports import TicketReport
from marketplace.ticket_columns import HEAVIEST_LOAD_T
from marketplace.types import DealStatus, Side, TicketSource, TicketStatus

type Tonnes = Annotated[
    Decimal, PlainSerializer(float, return_type=float, when_used="json"), Field(description="Tonnes, to the kilogram.")
]


class TicketIn(BaseModel):
    """A load. The same number with the same content is the same load, however often it is sent."""

    model_config = ConfigDict(extra="forbid")

    number: str = Field(min_length=1, max_length=60, description="The weighbridge's own number of the load.")
    loaded_at: AwareDatetime = Field(description="When, with its offset from UTC.")
    vehicle_registration: str = Field(min_length=1, max_length=40)
    mass_t: Decimal = Field(gt=0, le=HEAVIEST_LOAD_T, allow_inf_nan=False, description="Net, in tonnes.")
    is_weighed: bool = Field(default=True, description="False where it was estimated.")
    carrier: str = Field(default="", max_length=200)
    origin: str = Field(default="", max_length=200, description="Where it was loaded. Left out: as in the deal.")
    destination: str = Field(default="", max_length=200, description="Where it was tipped. Left out: as in the deal.")
    note: str = Field(default="", max_length=2000)
    client_key: UUID | None = Field(default=None, description="The sender's own name for this sending.")

    def as_report(self) -> TicketReport:
        said = self.model_dump(exclude={"origin", "destination"})
        return TicketReport(**said, origin_name=self.origin, destination_name=self.destination)


class TicketOut(BaseModel):
    """A load as it stands; a corrected one names the one it `corrects`."""

    id: int
    deal_id: int
    number: str
    status: TicketStatus
    source: TicketSource
    reported_by: Side
    loaded_at: datetime
    vehicle_registration: str
    mass_t: Tonnes
    is_weighed: bool
    carrier: str
    origin: str
    destination: str
    note: str
    corrects_id: int | None
    dispute_reason: str

    @classmethod
    def of(cls, ticket: Ticket) -> Self:
        return cls(
            id=ticket.id,
            deal_id=ticket.deal_id,
            number=ticket.number,
            status=ticket.status,
            source=ticket.source,
            reported_by=ticket.side,
            loaded_at=ticket.loaded_at,
            vehicle_registration=ticket.vehicle_registration,
            mass_t=ticket.mass_t,
            is_weighed=ticket.is_weighed,
            carrier=ticket.carrier,
            origin=ticket.origin_name,
            destination=ticket.destination_name,
            note=ticket.note,
            corrects_id=ticket.corrects_id,
            dispute_reason=ticket.dispute_reason,
        )


class DealOut(BaseModel):
    """A deal that loads can be reported of, or could."""

    id: int
    status: DealStatus
    giver: str
    taker: str
    material: str = Field(description="The material's key.")
    origin: str
    destination: str
    agreed_t: Tonnes
    delivered_t: Tonnes
    agreed_from: date | None
    agreed_to: date | None

    @classmethod
    def of(cls, deal: Deal) -> Self:
        return cls(
            id=deal.id,
            status=deal.status,
            giver=deal.giver_organisation.name,
            taker=deal.taker_organisation.name,
            material=deal.material_key,
            origin=deal.origin_name,
            destination=deal.destination_name,
            agreed_t=deal.agreed_t,
            delivered_t=deal.delivered_t,
            agreed_from=deal.agreed_from,
            agreed_to=deal.agreed_to,
        )


class TicketPage(BaseModel):
    """Loads by id; `next_after` is what to ask on with, None at the end."""

    items: list[TicketOut]
    next_after: int | None


class DealPage(BaseModel):
    items: list[DealOut]
    next_after: int | None


class PageQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")

    after: int = Field(default=0, ge=0, le=2**63 - 1, description="The id that the page begins after.")
    limit: int = Field(default=100, ge=1, le=500)
