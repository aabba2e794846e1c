"""Quarries, landfills, recycling plants and interim storage."""

from geoalchemy2 import WKBElement
from sqlalchemy import ForeignKey, Index, String, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace.models.account import Organisation
from marketplace.models.base import Base, geometry_column_type
from marketplace.models.municipality import Municipality
from marketplace.types import CreatedAt, FacilityKind, Id, LongText, ShortText, enum_column


class Facility(Base):
    """A fixed place that sells or receives masses. Unverified until its operator, or a named source, confirms it."""

    __tablename__ = "facility"
    __table_args__ = (Index("ix_facility_position_25833", "position_25833", postgresql_using="gist"),)

    id: Mapped[Id]
    key: Mapped[str] = mapped_column(String(60), unique=True)
    name: Mapped[ShortText]
    kind: Mapped[FacilityKind] = mapped_column(enum_column(FacilityKind, "kind"))
    accepts: Mapped[list[str]] = mapped_column(ARRAY(String(40)))
    position_25833: Mapped[WKBElement] = mapped_column(geometry_column_type("POINT"))
    position_accuracy_m: Mapped[int | None]
    municipality_number: Mapped[str] = mapped_column(ForeignKey("municipality.number"), index=True)
    organisation_id: Mapped[int | None] = mapped_column(ForeignKey("organisation.id"), index=True)
    is_verified: Mapped[bool] = mapped_column(server_default=text("false"))
    is_example: Mapped[bool] = mapped_column(server_default=text("false"))
    note: Mapped[LongText | None]
    source: Mapped[LongText]
    created_at: Mapped[CreatedAt]

    organisation: Mapped[Organisation | None] = relationship()
    municipality: Mapped[Municipality] = relationship()
