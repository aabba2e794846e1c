"""The declarative base, its naming convention and the geometry column types."""

from geoalchemy2 import Geometry
from sqlalchemy import MetaData
from sqlalchemy.orm import DeclarativeBase

from geo.units import SRID_STORED

NAMING_CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMING_CONVENTION)


def geometry_column_type(geometry_type: str) -> Geometry:
    """A geometry in EPSG:25833; its GiST index is declared by name beside the table."""
    return Geometry(geometry_type, srid=SRID_STORED, spatial_index=False)
