"""What the network of roads has answered."""

from sqlalchemy import CheckConstraint, Double, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from geo.routing import LegStatus
from marketplace.models.base import Base
from marketplace.types import CreatedAt, enum_column


class RoadLeg(Base):
    """A way between two places, as a version of the network has it for a lorry.

    Places are kept in hundred-thousandths of a degree, about a metre, and the way is that between the rounded places.
    `line` is the way as an encoded polyline, None until somebody has asked where it runs. An estimate
    is no answer of the network, and is never kept. Written by `services.routes`, apart from what a request writes.
    """

    __tablename__ = "road_leg"
    __table_args__ = (
        CheckConstraint("status <> 'estimated'", name="answered"),
        CheckConstraint("(status = 'found') = (road_m IS NOT NULL)", name="road_m"),
        CheckConstraint("(status = 'found') = (road_s IS NOT NULL)", name="road_s"),
        CheckConstraint("line IS NULL OR status = 'found'", name="line"),
        Index("ix_road_leg_created_at", "created_at"),
    )

    network_version: Mapped[str] = mapped_column(String(16), primary_key=True)
    profile: Mapped[str] = mapped_column(String(40), primary_key=True)
    origin_lon_e5: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    origin_lat_e5: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    destination_lon_e5: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    destination_lat_e5: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    status: Mapped[LegStatus] = mapped_column(enum_column(LegStatus, "status"))
    road_m: Mapped[float | None] = mapped_column(Double)
    road_s: Mapped[float | None] = mapped_column(Double)
    line: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[CreatedAt]
