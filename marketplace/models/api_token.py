"""Tokens by which other systems act for an organisation."""

from datetime import datetime

from sqlalchemy import DateTime, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace.models.account import Organisation, User
from marketplace.models.base import Base
from marketplace.types import CreatedAt, Id, Moment, ShortText


class ApiToken(Base):
    """What a weighbridge's system shows instead of a password; only its hash is kept.

    It acts for one organisation in the name of whoever made it, and can do no more there than they still can.
    """

    __tablename__ = "api_token"
    __table_args__ = (Index("ix_api_token_organisation_id", "organisation_id"),)

    id: Mapped[Id]
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    name: Mapped[ShortText]
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    created_by_id: Mapped[int] = mapped_column(ForeignKey("app_user.id"), index=True)
    created_at: Mapped[CreatedAt]
    expires_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    last_used_at: Mapped[Moment | None]
    revoked_at: Mapped[Moment | None]
    revoked_by_id: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"), index=True)

    organisation: Mapped[Organisation] = relationship()
    created_by: Mapped[User] = relationship(foreign_keys=created_by_id)

    def is_alive(self, *, now: datetime) -> bool:
        return self.revoked_at is None and now < self.expires_at
