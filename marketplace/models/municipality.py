"""The division of Norway: counties, municipalities, and the old numbers that still turn up on paper."""

from geoalchemy2 import WKBElement
from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace.models.base import Base, geometry_column_type
from marketplace.types import LongText, MunicipalityNumber, ShortText


class County(Base):
    __tablename__ = "county"

    number: Mapped[str] = mapped_column(String(2), primary_key=True)
    name: Mapped[ShortText]


class Municipality(Base):
    """A municipality by its 2024 number; `area_25833` is None when a later division has no such municipality."""

    __tablename__ = "municipality"
    __table_args__ = (Index("ix_municipality_area_25833", "area_25833", postgresql_using="gist"),)

    number: Mapped[MunicipalityNumber] = mapped_column(primary_key=True)
    name: Mapped[ShortText]
    county_number: Mapped[str] = mapped_column(ForeignKey("county.number"), index=True)
    area_25833: Mapped[WKBElement | None] = mapped_column(geometry_column_type("MULTIPOLYGON"), deferred=True)
    note: Mapped[LongText | None]
    source: Mapped[LongText]

    county: Mapped[County] = relationship()


class MunicipalityAlias(Base):
    """A number that is no longer used, and the municipality it is part of now."""

    __tablename__ = "municipality_alias"

    old_number: Mapped[MunicipalityNumber] = mapped_column(primary_key=True)
    municipality_number: Mapped[str] = mapped_column(ForeignKey("municipality.number"), primary_key=True, index=True)
    source: Mapped[LongText]
