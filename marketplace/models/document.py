"""Documents and photos: what was uploaded, and where its content lies."""

from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace.models.base import Base
from marketplace.models.facility import Facility
from marketplace.models.listing import Listing
from marketplace.models.project import Project
from marketplace.types import CreatedAt, DocumentKind, Id, Moment, ShortText, enum_column

KEPT = text("removed_at IS NULL")


class Document(Base):
    """A file of an organisation, beside one listing, facility or project, or a request to be verified.

    `sha256` names the content in the storage (hexadecimal). A photo is kept as it was re-encoded, without the camera's
    position data; other files as they came. `is_shared` shows it to whoever may see what it belongs to, else members
    only. `upload_id` is the sender's own name for the upload, so that one that is sent again counts once. What is
    removed is out of sight and its row stays: passports and reports name it.
    """

    __tablename__ = "document"
    __table_args__ = (
        CheckConstraint(
            "num_nonnulls(listing_id, facility_id, project_id, verification_request_id) = 1", name="belongs_to_one"
        ),
        CheckConstraint("verification_request_id IS NULL OR NOT is_shared", name="private_proof"),
        CheckConstraint("size_bytes > 0", name="size_bytes"),
        CheckConstraint("(kind = 'photo') = (width_px IS NOT NULL AND height_px IS NOT NULL)", name="photo_size"),
        Index("uq_document_organisation_id_upload_id", "organisation_id", "upload_id", unique=True),
        Index("uq_document_listing_id_sha256", "listing_id", "sha256", unique=True, postgresql_where=KEPT),
        Index("ix_document_facility_id", "facility_id"),
        Index("ix_document_project_id", "project_id"),
        Index("ix_document_sha256", "sha256"),
    )

    id: Mapped[Id]
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    listing_id: Mapped[int | None] = mapped_column(ForeignKey("listing.id", ondelete="CASCADE"), index=True)
    facility_id: Mapped[int | None] = mapped_column(ForeignKey("facility.id"))
    project_id: Mapped[int | None] = mapped_column(ForeignKey("project.id"))
    verification_request_id: Mapped[int | None] = mapped_column(ForeignKey("verification_request.id"), index=True)
    kind: Mapped[DocumentKind] = mapped_column(enum_column(DocumentKind, "kind"))
    title: Mapped[ShortText]
    file_name: Mapped[ShortText]
    media_type: Mapped[str] = mapped_column(String(80))
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str] = mapped_column(String(64))
    width_px: Mapped[int | None]
    height_px: Mapped[int | None]
    alt_text: Mapped[ShortText] = mapped_column(server_default="")
    ordinal: Mapped[int] = mapped_column(server_default="0")
    is_shared: Mapped[bool] = mapped_column(server_default=text("true"))
    upload_id: Mapped[UUID]
    uploaded_by_id: Mapped[int] = mapped_column(ForeignKey("app_user.id"), index=True)
    created_at: Mapped[CreatedAt]
    removed_at: Mapped[Moment | None]

    listing: Mapped[Listing | None] = relationship()
    facility: Mapped[Facility | None] = relationship()
    project: Mapped[Project | None] = relationship()

    @property
    def subject(self) -> Listing | Facility | Project:
        """What it belongs to; a request to be verified is no subject of pages."""
        subject = self.listing or self.facility or self.project
        assert subject is not None
        return subject
