"""The offline gazetteer."""

from enum import StrEnum

from geoalchemy2 import WKBElement
from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.models.base import Base, geometry_column_type
from marketplace.types import Id, LongText, ShortText, enum_column


class PlaceKind(StrEnum):
    COUNTY = "county"
    MUNICIPALITY = "municipality"
    TOWN = "town"
    PLACE = "place"


class GazetteerPlace(Base):
    """A name with a position; `search_name` is the name folded for search (lower case, no accents)."""

    __tablename__ = "gazetteer_place"
    __table_args__ = (
        UniqueConstraint("source", "source_key", name="uq_gazetteer_place_source_source_key"),
        Index("ix_gazetteer_place_position_25833", "position_25833", postgresql_using="gist"),
        Index(
            "ix_gazetteer_place_search_name",
            "search_name",
            postgresql_using="gin",
            postgresql_ops={"search_name": "gin_trgm_ops"},
        ),
    )

    id: Mapped[Id]
    name: Mapped[ShortText]
    search_name: Mapped[ShortText]
    kind: Mapped[PlaceKind] = mapped_column(enum_column(PlaceKind, "kind"))
    population: Mapped[int | None]
    municipality_number: Mapped[str | None] = mapped_column(ForeignKey("municipality.number"), index=True)
    position_25833: Mapped[WKBElement] = mapped_column(geometry_column_type("POINT"))
    source: Mapped[ShortText]
    source_key: Mapped[ShortText]
    licence: Mapped[LongText]
