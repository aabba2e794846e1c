"""Weighbridge files on their way in."""

from sqlalchemy import ForeignKey, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace.models.base import Base
from marketplace.models.deal import Deal
from marketplace.types import CreatedAt, Id, ShortText, Side, enum_column


class TicketFile(Base):
    """A table of loads as it was handed in, kept whole until somebody confirms what it was understood as."""

    __tablename__ = "ticket_file"

    id: Mapped[Id]
    deal_id: Mapped[int] = mapped_column(ForeignKey("deal.id"), index=True)
    side: Mapped[Side] = mapped_column(enum_column(Side, "side"))
    file_name: Mapped[ShortText | None]
    content: Mapped[bytes] = mapped_column(LargeBinary)
    created_by_id: Mapped[int] = mapped_column(ForeignKey("app_user.id"), index=True)
    created_at: Mapped[CreatedAt]

    deal: Mapped[Deal] = relationship()
