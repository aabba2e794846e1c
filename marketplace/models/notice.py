"""What a person is told of their deals and of enquiries, on the pages and by mail."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, DateTime, ForeignKey, Index, Integer, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace.models.account import User
from marketplace.models.base import Base
from marketplace.models.deal import Deal
from marketplace.models.enquiry import Enquiry
from marketplace.types import Day, DealEvent, Id, Moment, Side, enum_column

WAITING = "about_id IS NULL AND mail_id IS NULL AND read_at IS NULL"


class Notice(Base):
    """One thing that befell a deal, or was written in an enquiry, for one person.

    What is about one thing (`about_id`: the message, the statement, by the kind of event) is told of once for ever.
    What is not is counted up in `times` while it waits to be read or mailed: forty loads of a day are one notice.
    `mail_id` is the mail that told of it, written in the same transaction; a notice that has one is in no other mail.
    """

    __tablename__ = "notice"
    __table_args__ = (
        CheckConstraint("times > 0", name="times"),
        CheckConstraint("num_nonnulls(deal_id, enquiry_id) = 1", name="subject"),
        CheckConstraint("(event = 'enquiry') = (enquiry_id IS NOT NULL)", name="enquiry"),
        CheckConstraint("enquiry_id IS NULL OR about_id IS NOT NULL", name="about_id"),
        Index(
            "uq_notice_about_id",
            "user_id",
            "deal_id",
            "event",
            "about_id",
            unique=True,
            postgresql_where=text("about_id IS NOT NULL"),
        ),
        Index("uq_notice_waiting", "user_id", "deal_id", "event", unique=True, postgresql_where=text(WAITING)),
        Index(
            "uq_notice_enquiry",
            "user_id",
            "enquiry_id",
            "about_id",
            unique=True,
            postgresql_where=text("enquiry_id IS NOT NULL"),
        ),
        Index("ix_notice_user_id_id", "user_id", "id"),
        Index("ix_notice_unread", "user_id", "deal_id", postgresql_where=text("read_at IS NULL")),
        Index("ix_notice_unmailed", "user_id", postgresql_where=text("mail_id IS NULL AND read_at IS NULL")),
    )

    id: Mapped[Id]
    user_id: Mapped[int] = mapped_column(ForeignKey("app_user.id"))
    deal_id: Mapped[int | None] = mapped_column(ForeignKey("deal.id"), index=True)
    enquiry_id: Mapped[int | None] = mapped_column(ForeignKey("enquiry.id", ondelete="CASCADE"), index=True)
    event: Mapped[DealEvent] = mapped_column(enum_column(DealEvent, "event"))
    by: Mapped[Side | None] = mapped_column(enum_column(Side, "by"))
    """Which side did it; nobody did what happens by itself."""
    about_id: Mapped[int | None] = mapped_column(BigInteger)
    times: Mapped[int] = mapped_column(Integer, server_default=text("1"))
    first_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    last_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    read_at: Mapped[Moment | None]
    mail_id: Mapped[int | None] = mapped_column(ForeignKey("outbox_mail.id"), index=True)

    user: Mapped[User] = relationship()
    deal: Mapped[Deal | None] = relationship()
    enquiry: Mapped[Enquiry | None] = relationship()


class NoticeDigest(Base):
    """The daily mail that a person got on a day: one, however often the job runs."""

    __tablename__ = "notice_digest"

    user_id: Mapped[int] = mapped_column(ForeignKey("app_user.id"), primary_key=True)
    day: Mapped[Day] = mapped_column(primary_key=True)
    mail_id: Mapped[int] = mapped_column(ForeignKey("outbox_mail.id"), index=True)


class DealFollow(Base):
    """Somebody's own word on whether they are told of a deal; without one, who has to do with it is."""

    __tablename__ = "deal_follow"

    deal_id: Mapped[int] = mapped_column(ForeignKey("deal.id"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("app_user.id"), primary_key=True, index=True)
    is_following: Mapped[bool]
