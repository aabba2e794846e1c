"""Reports on what was avoided: all that a paper says, kept so that it prints the same for ever."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, DateTime, ForeignKey, Index, String, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace.models.account import User
from marketplace.models.base import Base
from marketplace.models.project import Project
from marketplace.types import Day, Id, ReportKind, enum_column


class ImpactReport(Base):
    """A report as it was when it was made; a new one is another row, and a trigger refuses to change or delete one.

    `content` is the whole of it, as the kind's own values write it (`marketplace.yearly_values` for a yearly report),
    and `content_sha256` the hash of that. A climate statement is about a project; a yearly report is about the
    municipalities in `municipality_numbers` (sorted; none for the whole country), and `is_full` where it says what only
    those may read who have to do with the region (`marketplace.disclosure`). The period is its first and last day.
    """

    __tablename__ = "impact_report"
    __table_args__ = (
        CheckConstraint("(kind = 'climate_statement') = (project_id IS NOT NULL)", name="project_id"),
        CheckConstraint("project_id IS NULL OR municipality_numbers = '{}'", name="region"),
        CheckConstraint("starts_on <= ends_on", name="period"),
        CheckConstraint("kind <> 'yearly_report' OR num_nulls(starts_on, ends_on) = 0", name="year"),
        Index("ix_impact_report_project_id_made_at", "project_id", "made_at"),
        Index(
            "ix_impact_report_municipality_numbers_made_at",
            "municipality_numbers",
            "made_at",
            postgresql_where=text("project_id IS NULL"),
        ),
    )

    id: Mapped[Id]
    kind: Mapped[ReportKind] = mapped_column(enum_column(ReportKind, "kind"))
    project_id: Mapped[int | None] = mapped_column(ForeignKey("project.id"))
    municipality_numbers: Mapped[list[str]] = mapped_column(ARRAY(String(4)), server_default=text("'{}'"))
    is_full: Mapped[bool] = mapped_column(server_default=text("false"))
    starts_on: Mapped[Day | None]
    ends_on: Mapped[Day | None]
    content: Mapped[dict[str, Any]] = mapped_column(JSONB)
    content_sha256: Mapped[str] = mapped_column(String(64))
    made_by_id: Mapped[int] = mapped_column(ForeignKey("app_user.id"), index=True)
    made_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))

    project: Mapped[Project | None] = relationship()
    made_by: Mapped[User] = relationship()

    @property
    def period(self) -> tuple[date, date] | None:
        return None if self.starts_on is None or self.ends_on is None else (self.starts_on, self.ends_on)
