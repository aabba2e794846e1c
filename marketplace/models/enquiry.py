"""What people without an account write to the owners of listings."""

from datetime import datetime

from sqlalchemy import CheckConstraint, DateTime, ForeignKey, Index, String, and_, func, text
from sqlalchemy.orm import Mapped, column_property, mapped_column, relationship

from marketplace.models.account import Organisation, User
from marketplace.models.base import Base
from marketplace.models.listing import Listing
from marketplace.types import CreatedAt, EnquiryStatus, Id, LongText, Moment, ShortText, enum_column


class Enquiry(Base):
    """A visitor's question about a listing, and what was written since.

    The owner's people read it once `confirmed_at` shows that the address is the visitor's; they never see the address,
    nor does the visitor see theirs. `key` stands in the visitor's link, which is their only way in without an account.
    """

    __tablename__ = "enquiry"
    __table_args__ = (
        CheckConstraint("(status = 'unconfirmed') = (confirmed_at IS NULL)", name="confirmed_at"),
        CheckConstraint("(status IN ('closed', 'refused')) = (closed_at IS NOT NULL)", name="closed_at"),
        Index(
            "uq_enquiry_unconfirmed",
            "listing_id",
            func.lower(text("email")),
            unique=True,
            postgresql_where=text("status = 'unconfirmed'"),
        ),
        Index("ix_enquiry_organisation_id_id", "organisation_id", "id"),
        Index("ix_enquiry_email", func.lower(text("email")), "id"),
        Index("ix_enquiry_touched_at", "touched_at"),
    )

    id: Mapped[Id]
    listing_id: Mapped[int] = mapped_column(ForeignKey("listing.id"), index=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    """Whose listing it is."""
    status: Mapped[EnquiryStatus] = mapped_column(enum_column(EnquiryStatus, "status"))
    name: Mapped[ShortText]
    firm: Mapped[ShortText] = mapped_column(server_default="")
    """Whom the visitor says they write for."""
    email: Mapped[str] = mapped_column(String(320))
    locale: Mapped[str] = mapped_column(String(5))
    key: Mapped[str] = mapped_column(String(32))
    is_answered: Mapped[bool] = mapped_column(server_default=text("false"))
    """Whether the owner has the last word."""
    created_at: Mapped[CreatedAt]
    confirmed_at: Mapped[Moment | None]
    touched_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    invited_at: Mapped[Moment | None]
    """When the owner asked them to make an account."""
    closed_at: Mapped[Moment | None]
    closed_by_id: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"), index=True)

    waits: Mapped[bool] = column_property(and_(status == EnquiryStatus.OPEN, ~is_answered), deferred=True)
    """Whether it is for the owner to answer."""

    listing: Mapped[Listing] = relationship()
    organisation: Mapped[Organisation] = relationship()
    messages: Mapped[list["EnquiryMessage"]] = relationship(
        order_by="EnquiryMessage.id", cascade="all, delete-orphan", passive_deletes=True
    )


class EnquiryMessage(Base):
    """What one of the two wrote. Of the owner's side the visitor sees the organisation only."""

    __tablename__ = "enquiry_message"
    __table_args__ = (Index("ix_enquiry_message_enquiry_id_id", "enquiry_id", "id"),)

    id: Mapped[Id]
    enquiry_id: Mapped[int] = mapped_column(ForeignKey("enquiry.id", ondelete="CASCADE"))
    author_id: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"), index=True)
    """Who of the owner's side wrote it; None is the visitor."""
    body: Mapped[LongText]
    created_at: Mapped[CreatedAt]

    author: Mapped[User | None] = relationship()

    @property
    def is_from_owner(self) -> bool:
        return self.author_id is not None
