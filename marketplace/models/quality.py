"""What a lot's quality rests on: laboratory results, declarations, and natural background."""

from decimal import Decimal
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, Numeric, String, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from geo.proof import DeclarationKind, Medium
from marketplace.models.base import Base
from marketplace.models.document import Document
from marketplace.types import CreatedAt, Day, Id, LabSource, LongText, Moment, ShortText, enum_column

KEPT = text("removed_at IS NULL")


class LabReport(Base):
    """The results of one laboratory report, or one entry by hand, about a lot. One that is removed counts no more."""

    __tablename__ = "lab_report"
    __table_args__ = (Index("ix_lab_report_listing_id", "listing_id"),)

    id: Mapped[Id]
    listing_id: Mapped[int] = mapped_column(ForeignKey("listing.id", ondelete="CASCADE"))
    laboratory: Mapped[ShortText | None]
    report_number: Mapped[ShortText | None]
    sampled_on: Mapped[Day | None]
    document_id: Mapped[int | None] = mapped_column(ForeignKey("document.id"), index=True)
    source: Mapped[LabSource] = mapped_column(enum_column(LabSource, "source"))
    file_name: Mapped[ShortText | None]
    file_sha256: Mapped[str | None] = mapped_column(String(64))
    created_by_id: Mapped[int] = mapped_column(ForeignKey("app_user.id"), index=True)
    created_at: Mapped[CreatedAt]
    removed_at: Mapped[Moment | None]

    document: Mapped[Document | None] = relationship()
    samples: Mapped[list["LabSample"]] = relationship(
        back_populates="report", order_by="LabSample.id", cascade="all, delete-orphan", passive_deletes=True
    )


class LabSample(Base):
    """A sample of a lot: of the mass itself, or of a coating on it. `layer` tells separate layers apart."""

    __tablename__ = "lab_sample"
    __table_args__ = (Index("uq_lab_sample_report_id_name_medium", "report_id", "name", "medium", unique=True),)

    id: Mapped[Id]
    report_id: Mapped[int] = mapped_column(ForeignKey("lab_report.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(80))
    medium: Mapped[Medium] = mapped_column(enum_column(Medium, "medium"))
    layer: Mapped[str | None] = mapped_column(String(40))

    report: Mapped[LabReport] = relationship(back_populates="samples")
    values: Mapped[list["LabValueRow"]] = relationship(
        back_populates="sample", order_by="LabValueRow.id", cascade="all, delete-orphan", passive_deletes=True
    )


class LabValueRow(Base):
    """A measured value in mg/kg dry matter, with what the laboratory wrote. Where `is_below`, the value is the limit
    of quantification and the content is below it."""

    __tablename__ = "lab_value"
    __table_args__ = (
        CheckConstraint("value_mg_kg >= 0", name="value_mg_kg"),
        Index("uq_lab_value_sample_id_parameter", "sample_id", "parameter", unique=True),
    )

    id: Mapped[Id]
    sample_id: Mapped[int] = mapped_column(ForeignKey("lab_sample.id", ondelete="CASCADE"))
    parameter: Mapped[str] = mapped_column(String(40))
    value_mg_kg: Mapped[Decimal] = mapped_column(Numeric(20, 9))
    is_below: Mapped[bool]
    entered_value: Mapped[str] = mapped_column(String(40))
    entered_unit: Mapped[str] = mapped_column(String(40))

    sample: Mapped[LabSample] = relationship(back_populates="values")


class LabDraft(Base):
    """A laboratory's table that was handed in and not confirmed yet, as it came, and what was said about it so far.

    `said` holds the answers of the preview: about the report, and by sample. Nothing in here counts for anything, and
    drafts that nobody confirms are thrown away.
    """

    __tablename__ = "lab_draft"
    __table_args__ = (Index("ix_lab_draft_created_at", "created_at"),)

    id: Mapped[Id]
    listing_id: Mapped[int] = mapped_column(ForeignKey("listing.id", ondelete="CASCADE"), index=True)
    source: Mapped[LabSource] = mapped_column(enum_column(LabSource, "source"))
    file_name: Mapped[ShortText | None]
    content: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    said: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")
    created_by_id: Mapped[int] = mapped_column(ForeignKey("app_user.id"), index=True)
    created_at: Mapped[CreatedAt]


class BackgroundOverride(Base):
    """The documented natural background of an inorganic parameter where the mass comes from.

    Source: forurensningsforskriften 2-3 a. Needs a document, a name and a date, and shows on the lot.
    """

    __tablename__ = "background_override"
    __table_args__ = (
        CheckConstraint("background_mg_kg > 0", name="background_mg_kg"),
        Index(
            "uq_background_override_listing_id_parameter",
            "listing_id",
            "parameter",
            unique=True,
            postgresql_where=KEPT,
        ),
    )

    id: Mapped[Id]
    listing_id: Mapped[int] = mapped_column(ForeignKey("listing.id", ondelete="CASCADE"), index=True)
    parameter: Mapped[str] = mapped_column(String(40))
    background_mg_kg: Mapped[Decimal] = mapped_column(Numeric(20, 9))
    document_id: Mapped[int] = mapped_column(ForeignKey("document.id"), index=True)
    stated_by: Mapped[ShortText]
    stated_on: Mapped[Day]
    created_by_id: Mapped[int] = mapped_column(ForeignKey("app_user.id"), index=True)
    created_at: Mapped[CreatedAt]
    removed_at: Mapped[Moment | None]

    document: Mapped[Document] = relationship()


class Declaration(Base):
    """What somebody answers for about a lot: who, when, on what basis, and the document that shows it if there is one.

    `is_confirmed` False is the answer that speaks against the mass. `since_on` is the day that matters, where one does:
    for asphalt flakes the day they were laid up.
    """

    __tablename__ = "declaration"
    __table_args__ = (
        Index("uq_declaration_listing_id_kind", "listing_id", "kind", unique=True, postgresql_where=KEPT),
    )

    id: Mapped[Id]
    listing_id: Mapped[int] = mapped_column(ForeignKey("listing.id", ondelete="CASCADE"), index=True)
    kind: Mapped[DeclarationKind] = mapped_column(enum_column(DeclarationKind, "kind"))
    is_confirmed: Mapped[bool]
    basis: Mapped[LongText] = mapped_column(server_default="")
    since_on: Mapped[Day | None]
    document_id: Mapped[int | None] = mapped_column(ForeignKey("document.id"), index=True)
    stated_by: Mapped[ShortText]
    stated_on: Mapped[Day]
    created_by_id: Mapped[int] = mapped_column(ForeignKey("app_user.id"), index=True)
    created_at: Mapped[CreatedAt]
    removed_at: Mapped[Moment | None]

    document: Mapped[Document | None] = relationship()
