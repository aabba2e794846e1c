"""Loads that were delivered, one ticket each, and the links by which a gate reports them."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Computed, DateTime, ForeignKey, Index, Numeric, String, func, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace.models.account import User
from marketplace.models.base import Base
from marketplace.models.deal import Deal
from marketplace.types import (
    CreatedAt,
    Day,
    Id,
    LongText,
    Mass,
    Moment,
    ShortText,
    Side,
    TicketSource,
    TicketStatus,
    enum_column,
)

CURRENT = text("is_current")
WAITING = text("is_current AND status IN ('reported', 'disputed')")
"""What somebody still has to say something of: few of all loads, and looked for at each page's menu."""
AVOIDED_T = (
    "CASE WHEN is_current AND (status = 'confirmed' OR (status = 'reported' AND is_weighed)) THEN mass_t ELSE 0 END"
)
"""What of a load counts as avoided: it was weighed or has been confirmed, and nobody disputes it."""


class GateLink(Base):
    """A signed address that reports loads of one deal on one day without an account, until somebody revokes it."""

    __tablename__ = "gate_link"
    __table_args__ = (Index("ix_gate_link_deal_id_valid_on", "deal_id", "valid_on"),)

    id: Mapped[Id]
    deal_id: Mapped[int] = mapped_column(ForeignKey("deal.id"))
    side: Mapped[Side] = mapped_column(enum_column(Side, "side"))
    """Whose gate it stands at."""
    valid_on: Mapped[Day]
    label: Mapped[ShortText] = mapped_column(server_default="")
    created_by_id: Mapped[int] = mapped_column(ForeignKey("app_user.id"), index=True)
    created_at: Mapped[CreatedAt]
    revoked_at: Mapped[Moment | None]
    revoked_by_id: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"), index=True)

    deal: Mapped[Deal] = relationship()


class Ticket(Base):
    """One load. What it says is never changed: a correction is a new row that `corrects` the old one.

    Of a chain of corrections the last is current. `counted_t` is what it adds to its deal's `delivered_t`, by a trigger
    of the database. `number` is the weighbridge's, unique in its deal, so the same ticket sent twice counts once;
    `client_key` is the sender's own name for the sending. `avoided_t` is what of it counts in the ledgers
    (`models.impact`), by another one.
    """

    __tablename__ = "ticket"
    __table_args__ = (
        CheckConstraint("mass_t > 0 AND mass_t <= 200", name="mass_t"),
        CheckConstraint("(status = 'confirmed') = (confirmed_at IS NOT NULL)", name="confirmed_at"),
        CheckConstraint("(status = 'disputed') = (disputed_at IS NOT NULL)", name="disputed_at"),
        CheckConstraint("(source = 'gate') = (gate_link_id IS NOT NULL)", name="gate_link_id"),
        CheckConstraint("source = 'gate' OR reported_by_id IS NOT NULL", name="reported_by_id"),
        CheckConstraint("(slip_sha256 IS NULL) = (slip_size_bytes IS NULL)", name="slip"),
        Index("uq_ticket_deal_id_number", "deal_id", func.lower(text("number")), unique=True, postgresql_where=CURRENT),
        Index("ix_ticket_deal_id_number", "deal_id", func.lower(text("number"))),
        Index("uq_ticket_deal_id_client_key", "deal_id", "client_key", unique=True),
        Index("ix_ticket_deal_id_loaded_at", "deal_id", "loaded_at"),
        Index("ix_ticket_waiting", "deal_id", postgresql_where=WAITING),
        Index("uq_ticket_corrects_id", "corrects_id", unique=True),
        Index("ix_ticket_slip_sha256", "slip_sha256"),
    )

    id: Mapped[Id]
    deal_id: Mapped[int] = mapped_column(ForeignKey("deal.id"))
    number: Mapped[str] = mapped_column(String(60))
    status: Mapped[TicketStatus] = mapped_column(enum_column(TicketStatus, "status"))
    source: Mapped[TicketSource] = mapped_column(enum_column(TicketSource, "source"))
    side: Mapped[Side] = mapped_column(enum_column(Side, "side"))
    """Which side reported it; the taker's word is needed for what the giver's gate says."""
    loaded_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    vehicle_registration: Mapped[str] = mapped_column(String(20))
    mass_t: Mapped[Mass]
    is_weighed: Mapped[bool]
    """Or estimated, which is marked wherever it is shown."""
    carrier: Mapped[ShortText] = mapped_column(server_default="")
    origin_name: Mapped[ShortText]
    destination_name: Mapped[ShortText]
    note: Mapped[LongText] = mapped_column(server_default="")
    slip_sha256: Mapped[str | None] = mapped_column(String(64))
    """The photo of the weighbridge slip, by its content in the storage; re-encoded as JPEG or PNG."""
    slip_media_type: Mapped[str | None] = mapped_column(String(80))
    slip_size_bytes: Mapped[int | None] = mapped_column(BigInteger)
    client_key: Mapped[UUID | None]
    gate_link_id: Mapped[int | None] = mapped_column(ForeignKey("gate_link.id"), index=True)
    reported_by_id: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"), index=True)
    created_at: Mapped[CreatedAt]
    confirmed_by_id: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"), index=True)
    confirmed_at: Mapped[Moment | None]
    disputed_by_id: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"), index=True)
    disputed_at: Mapped[Moment | None]
    dispute_reason: Mapped[LongText] = mapped_column(server_default="")
    corrects_id: Mapped[int | None] = mapped_column(ForeignKey("ticket.id"))
    correction_reason: Mapped[LongText] = mapped_column(server_default="")
    is_current: Mapped[bool] = mapped_column(server_default=text("true"))
    counted_t: Mapped[Mass] = mapped_column(
        Numeric(14, 3),
        Computed("CASE WHEN is_current AND status <> 'voided' THEN mass_t ELSE 0 END", persisted=True),
        nullable=False,
    )
    avoided_t: Mapped[Mass] = mapped_column(Numeric(14, 3), Computed(AVOIDED_T, persisted=True), nullable=False)

    deal: Mapped[Deal] = relationship()
    corrects: Mapped["Ticket | None"] = relationship(remote_side="Ticket.id")
    reported_by: Mapped[User | None] = relationship(foreign_keys=reported_by_id)
    confirmed_by: Mapped[User | None] = relationship(foreign_keys=confirmed_by_id)
    disputed_by: Mapped[User | None] = relationship(foreign_keys=disputed_by_id)
    gate_link: Mapped[GateLink | None] = relationship()
