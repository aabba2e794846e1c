"""People, the organisations they act for, and how they came to."""

from datetime import datetime

from sqlalchemy import CheckConstraint, DateTime, ForeignKey, Index, String, func, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace.models.base import Base
from marketplace.types import (
    CreatedAt,
    Id,
    LongText,
    Moment,
    NoticePace,
    OrganisationKind,
    Role,
    ShortText,
    enum_column,
)


class User(Base):
    """A person who can log in, unless banned. `session_epoch` grows when every session of theirs must end (a new
    password, a ban).
    """

    __tablename__ = "app_user"
    __table_args__ = (
        CheckConstraint("(banned_at IS NULL) = (ban_reason IS NULL)", name="ban"),
        Index("uq_app_user_email", func.lower(text("email")), unique=True),
    )

    id: Mapped[Id]
    email: Mapped[str] = mapped_column(String(320))
    name: Mapped[ShortText]
    password_hash: Mapped[ShortText]
    locale: Mapped[str] = mapped_column(String(5), server_default="nb")
    email_confirmed_at: Mapped[Moment | None]
    is_admin: Mapped[bool] = mapped_column(server_default=text("false"))
    is_example: Mapped[bool] = mapped_column(server_default=text("false"))
    session_epoch: Mapped[int] = mapped_column(server_default="1")
    deal_notices: Mapped[NoticePace] = mapped_column(
        enum_column(NoticePace, "deal_notices"), server_default=NoticePace.IMMEDIATE
    )
    created_at: Mapped[CreatedAt]
    banned_at: Mapped[Moment | None]
    ban_reason: Mapped[LongText | None]

    memberships: Mapped[list["Membership"]] = relationship(back_populates="user")


class Organisation(Base):
    """An enterprise in Enhetsregisteret; `org_number` has passed modulus 11.

    It is verified when an administrator has seen that those who act for it may; `verification_note` says by what.
    While it is banned nothing of it is in sight (a trigger of the database refuses), and nobody acts for it.
    """

    __tablename__ = "organisation"
    __table_args__ = (
        CheckConstraint("org_number ~ '^[0-9]{9}$'", name="org_number"),
        CheckConstraint("(banned_at IS NULL) = (ban_reason IS NULL)", name="ban"),
        CheckConstraint(
            "(verified_at IS NULL) = (verified_by_id IS NULL) AND (verified_at IS NULL) = (verification_note IS NULL)",
            name="verified",
        ),
    )

    id: Mapped[Id]
    org_number: Mapped[str] = mapped_column(String(9), unique=True)
    name: Mapped[ShortText]
    kind: Mapped[OrganisationKind] = mapped_column(enum_column(OrganisationKind, "kind"))
    municipality_number: Mapped[str | None] = mapped_column(ForeignKey("municipality.number"), index=True)
    address: Mapped[LongText | None]
    register_checked_at: Mapped[Moment | None]
    is_example: Mapped[bool] = mapped_column(server_default=text("false"))
    created_at: Mapped[CreatedAt]
    verified_at: Mapped[Moment | None]
    verified_by_id: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"), index=True)
    verification_note: Mapped[LongText | None]
    banned_at: Mapped[Moment | None]
    ban_reason: Mapped[LongText | None]

    memberships: Mapped[list["Membership"]] = relationship(back_populates="organisation")

    @property
    def is_verified(self) -> bool:
        return self.verified_at is not None

    @property
    def is_banned(self) -> bool:
        return self.banned_at is not None


class Membership(Base):
    __tablename__ = "membership"

    user_id: Mapped[int] = mapped_column(ForeignKey("app_user.id"), primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), primary_key=True, index=True)
    role: Mapped[Role] = mapped_column(enum_column(Role, "role"))
    created_at: Mapped[CreatedAt]

    user: Mapped[User] = relationship(back_populates="memberships")
    organisation: Mapped[Organisation] = relationship(back_populates="memberships")


class Invitation(Base):
    """An address asked to join; only the hash of the mailed token is kept."""

    __tablename__ = "invitation"
    __table_args__ = (
        Index(
            "uq_invitation_open",
            "organisation_id",
            func.lower(text("email")),
            unique=True,
            postgresql_where=text("accepted_at IS NULL AND revoked_at IS NULL"),
        ),
    )

    id: Mapped[Id]
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    email: Mapped[str] = mapped_column(String(320))
    role: Mapped[Role] = mapped_column(enum_column(Role, "role"))
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    invited_by_id: Mapped[int] = mapped_column(ForeignKey("app_user.id"), index=True)
    created_at: Mapped[CreatedAt]
    expires_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    accepted_at: Mapped[Moment | None]
    revoked_at: Mapped[Moment | None]

    organisation: Mapped[Organisation] = relationship()
    invited_by: Mapped[User] = relationship()
