"""What people say of each other's listings and organisations, and what moderators make of it.

What a moderator decided stands on the thing itself (`Listing.hidden_at`, `Organisation.banned_at`, `verified_at`,
`User.banned_at`); here stands what was asked of them. Each question is answered once, and stays.
"""

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, func, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace.models.account import Organisation, User
from marketplace.models.base import Base
from marketplace.models.listing import Listing
from marketplace.types import CreatedAt, Id, LongText, Moment, ReportOutcome, ReportReason, enum_column

DECIDED = "(decided_at IS NULL) = (decided_by_id IS NULL)"
OPEN = text("decided_at IS NULL")


class ListingReport(Base):
    """Somebody says that something is wrong with a listing.

    Whoever is not logged in may leave an address, in `reporter_email`, to be told what came of it. Only moderators know
    who reported.
    """

    __tablename__ = "listing_report"
    __table_args__ = (
        CheckConstraint(f"{DECIDED} AND (decided_at IS NULL) = (outcome IS NULL)", name="decided"),
        CheckConstraint("reporter_id IS NULL OR reporter_email IS NULL", name="reporter"),
        CheckConstraint("reason <> 'other' OR text <> ''", name="text"),
        Index(
            "uq_listing_report_open_by_person",
            "listing_id",
            "reporter_id",
            unique=True,
            postgresql_where=text("decided_at IS NULL AND reporter_id IS NOT NULL"),
        ),
        Index(
            "uq_listing_report_open_by_address",
            "listing_id",
            func.lower(text("reporter_email")),
            unique=True,
            postgresql_where=text("decided_at IS NULL AND reporter_email IS NOT NULL"),
        ),
        Index("ix_listing_report_open", "listing_id", "id", postgresql_where=OPEN),
    )

    id: Mapped[Id]
    listing_id: Mapped[int] = mapped_column(ForeignKey("listing.id"), index=True)
    reason: Mapped[ReportReason] = mapped_column(enum_column(ReportReason, "reason"))
    text: Mapped[LongText] = mapped_column(server_default="")
    reporter_id: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"), index=True)
    reporter_email: Mapped[str | None] = mapped_column(String(320))
    locale: Mapped[str] = mapped_column(String(5), server_default="nb")
    created_at: Mapped[CreatedAt]
    decided_at: Mapped[Moment | None]
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"), index=True)
    outcome: Mapped[ReportOutcome | None] = mapped_column(enum_column(ReportOutcome, "outcome"))

    listing: Mapped[Listing] = relationship()
    reporter: Mapped[User | None] = relationship(foreign_keys=[reporter_id])


class Appeal(Base):
    """An organisation answers a moderator: about a listing that was hidden, or (without one) about being banned."""

    __tablename__ = "appeal"
    __table_args__ = (
        CheckConstraint(f"{DECIDED} AND (decided_at IS NULL) = (is_granted IS NULL)", name="decided"),
        Index(
            "uq_appeal_open_listing",
            "listing_id",
            unique=True,
            postgresql_where=text("decided_at IS NULL AND listing_id IS NOT NULL"),
        ),
        Index(
            "uq_appeal_open_organisation",
            "organisation_id",
            unique=True,
            postgresql_where=text("decided_at IS NULL AND listing_id IS NULL"),
        ),
        Index("ix_appeal_open", "id", postgresql_where=OPEN),
    )

    id: Mapped[Id]
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    listing_id: Mapped[int | None] = mapped_column(ForeignKey("listing.id"), index=True)
    text: Mapped[LongText]
    made_by_id: Mapped[int] = mapped_column(ForeignKey("app_user.id"), index=True)
    created_at: Mapped[CreatedAt]
    decided_at: Mapped[Moment | None]
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"), index=True)
    is_granted: Mapped[bool | None]
    answer: Mapped[LongText] = mapped_column(server_default="")

    organisation: Mapped[Organisation] = relationship()
    listing: Mapped[Listing | None] = relationship()
    made_by: Mapped[User] = relationship(foreign_keys=[made_by_id])


class VerificationRequest(Base):
    """An owner asks that their organisation be verified, and says what shows that they may act for it.

    A document that shows it names this row (`Document.verification_request_id`).
    """

    __tablename__ = "verification_request"
    __table_args__ = (
        CheckConstraint(f"{DECIDED} AND (decided_at IS NULL) = (is_granted IS NULL)", name="decided"),
        Index("uq_verification_request_open", "organisation_id", unique=True, postgresql_where=OPEN),
        Index("ix_verification_request_open", "id", postgresql_where=OPEN),
    )

    id: Mapped[Id]
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    text: Mapped[LongText]
    made_by_id: Mapped[int] = mapped_column(ForeignKey("app_user.id"), index=True)
    created_at: Mapped[CreatedAt]
    decided_at: Mapped[Moment | None]
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"), index=True)
    is_granted: Mapped[bool | None]
    answer: Mapped[LongText] = mapped_column(server_default="")

    organisation: Mapped[Organisation] = relationship()
    made_by: Mapped[User] = relationship(foreign_keys=[made_by_id])
