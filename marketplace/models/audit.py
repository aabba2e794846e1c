"""What happened, to what, by whom: written by triggers (`marketplace.audit_triggers`), and never changed.

Each of these tables refuses UPDATE, DELETE and TRUNCATE. While a transaction commits, a deferred trigger seals its
entries in a chain of hashes, one transaction after another; `services.audit` proves the chain.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, DateTime, Index, LargeBinary, String, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.models.base import Base
from marketplace.types import AuditAction, Id, enum_column


class AuditEntry(Base):
    """One change of one row. Nothing points at other tables, since what an entry tells of may be gone.

    `table_name` and `row_id` tell the row, `subject_type` and `subject_id` what people know it as part of: of a
    declaration, its listing. `before` and `after` hold the columns that changed, of a new or deleted row all that are
    not null; geometries as where they are, and what is nobody's business as `***`.

    A person is known by `actor_user_id` alone, so that an account made anonymous is anonymous here too. `actor_label`
    says what acted: `user`, `visitor`, `job:<task>`, `cli:<command>`, `gate:<link>`, or `system` where nobody said.
    """

    __tablename__ = "audit_entry"
    __table_args__ = (
        Index("ix_audit_entry_at", "at"),
        Index("ix_audit_entry_subject_type_subject_id_id", "subject_type", "subject_id", "id"),
        Index("ix_audit_entry_actor_user_id_id", "actor_user_id", "id"),
    )

    id: Mapped[Id]
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=text("clock_timestamp()"))
    actor_user_id: Mapped[int | None] = mapped_column(BigInteger)
    actor_label: Mapped[str] = mapped_column(String(80))
    request_id: Mapped[str | None] = mapped_column(String(64))
    organisation_ids: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    subject_type: Mapped[str] = mapped_column(String(63))
    subject_id: Mapped[int | None] = mapped_column(BigInteger)
    table_name: Mapped[str] = mapped_column(String(63))
    row_id: Mapped[int | None] = mapped_column(BigInteger)
    action: Mapped[AuditAction] = mapped_column(enum_column(AuditAction, "action"))
    before: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    after: Mapped[dict[str, Any] | None] = mapped_column(JSONB)


class AuditReader(Base):
    """Whose members may read an entry: `AuditEntry.organisation_ids` again, where it can be read page by page."""

    __tablename__ = "audit_reader"

    organisation_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    entry_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)


class AuditSeal(Base):
    """The chain: `hash` is the SHA-256 of the previous hash and the entry, `seq` counts from 1 without gaps."""

    __tablename__ = "audit_seal"

    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    entry_id: Mapped[int] = mapped_column(BigInteger, unique=True)
    previous_hash: Mapped[bytes] = mapped_column(LargeBinary)
    hash: Mapped[bytes] = mapped_column(LargeBinary)
