"""The material taxonomy as rows, so that listings hold a foreign key and SQL can group by it.

The facts themselves (densities, substitution) are read from `seed/` by `geo.materials`; this table is synchronised
from there when the database is migrated.
"""

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from geo.materials import MaterialGroup
from marketplace.models.base import Base
from marketplace.types import ShortText, enum_column


class MaterialRow(Base):
    __tablename__ = "material"

    key: Mapped[str] = mapped_column(String(40), primary_key=True)
    group: Mapped[MaterialGroup] = mapped_column("group_key", enum_column(MaterialGroup, "group"))
    name_no: Mapped[ShortText]
    name_en: Mapped[ShortText]
    rank: Mapped[int]
