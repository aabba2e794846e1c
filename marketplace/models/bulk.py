"""Files of many listings or plan rows: staged, checked, applied."""

from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace.models.account import Organisation, User
from marketplace.models.base import Base
from marketplace.models.project import Project
from marketplace.types import (
    CreatedAt,
    Id,
    ImportKind,
    ImportRowStatus,
    ImportStatus,
    Moment,
    ShortText,
    enum_column,
)


class ImportBatch(Base):
    """An uploaded file on its way in. The counts are of its rows; `done_count` is how far the work under way has come.

    `problem` is the message of a file that could not be read at all, with its parameters.
    """

    __tablename__ = "import_batch"
    __table_args__ = (
        CheckConstraint("(kind = 'plan') = (project_id IS NOT NULL)", name="project_id"),
        Index("ix_import_batch_organisation_id_created_at", "organisation_id", "created_at"),
    )

    id: Mapped[Id]
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    project_id: Mapped[int | None] = mapped_column(ForeignKey("project.id"), index=True)
    kind: Mapped[ImportKind] = mapped_column(enum_column(ImportKind, "kind"))
    status: Mapped[ImportStatus] = mapped_column(enum_column(ImportStatus, "status"))
    file_name: Mapped[ShortText]
    sha256: Mapped[str] = mapped_column(String(64))
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    header: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{}")
    decimal_sign: Mapped[str] = mapped_column(String(1), server_default=",")
    """What its numbers are written with."""
    row_count: Mapped[int] = mapped_column(server_default="0")
    good_count: Mapped[int] = mapped_column(server_default="0")
    bad_count: Mapped[int] = mapped_column(server_default="0")
    done_count: Mapped[int] = mapped_column(server_default="0")
    problem: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    created_by_id: Mapped[int] = mapped_column(ForeignKey("app_user.id"), index=True)
    created_at: Mapped[CreatedAt]
    checked_at: Mapped[Moment | None]
    applied_at: Mapped[Moment | None]

    organisation: Mapped[Organisation] = relationship()
    project: Mapped[Project | None] = relationship()
    created_by: Mapped[User] = relationship()


class ImportRow(Base):
    """A row of the file as it stood there, by its line; `problems` are messages with column and parameters."""

    __tablename__ = "import_row"
    __table_args__ = (Index("ix_import_row_batch_id_status_line", "batch_id", "status", "line"),)

    batch_id: Mapped[int] = mapped_column(ForeignKey("import_batch.id", ondelete="CASCADE"), primary_key=True)
    line: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    cells: Mapped[list[str]] = mapped_column(ARRAY(Text))
    status: Mapped[ImportRowStatus] = mapped_column(enum_column(ImportRowStatus, "status"))
    reference: Mapped[str | None] = mapped_column(Text)
    """What makes it the same row as one of an earlier file; known once it is checked."""
    problems: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, server_default="[]")
    listing_id: Mapped[int | None] = mapped_column(ForeignKey("listing.id", ondelete="SET NULL"), index=True)
