"""Quarries, landfills, recycling plants and interim storage."""

from datetime import date
from decimal import Decimal

from geoalchemy2 import WKBElement
from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger, String, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace.models.account import Organisation
from marketplace.models.base import Base, geometry_column_type
from marketplace.models.municipality import Municipality
from marketplace.types import CreatedAt, Day, FacilityKind, Id, LongText, Mass, Moment, Price, ShortText, enum_column


class Facility(Base):
    """A fixed place that sells or receives masses. Unverified until its operator, or a named source, confirms it.

    `accepts` are keys of materials. `accepts_class_max` is the highest class of the soil table that it may take in, and
    `accepts_declared` whether a mass that is declared clean and not tested will do.
    `capacity_t` is what its permit or its room lets it hold, `capacity_left_t` what of it is free now, as last said at
    `capacity_reported_at`; None for not known. `reception_price_nok_per_t` is what who delivers pays, zero for nothing
    and None for not said. `booked_peak_t` is the most that the agreed deals will ever hold of the room at once, beyond
    what stood there at `capacity_reported_at`: what comes in counts from the first day it may, what leaves goes on the
    day after its last. A trigger of the database keeps it. What it takes in is listed by `services.receptions`.
    """

    __tablename__ = "facility"
    __table_args__ = (
        CheckConstraint("accepts_class_max BETWEEN 1 AND 5", name="accepts_class_max"),
        CheckConstraint("capacity_t > 0", name="capacity_t"),
        CheckConstraint("capacity_left_t >= 0 AND capacity_left_t <= capacity_t", name="capacity_left_t"),
        CheckConstraint("capacity_t IS NOT NULL OR capacity_left_t IS NULL", name="capacity_known"),
        CheckConstraint("reception_price_nok_per_t >= 0", name="reception_price_nok_per_t"),
        CheckConstraint("booked_peak_t >= 0 AND booked_peak_t <= coalesce(capacity_left_t, capacity_t)", name="booked"),
        CheckConstraint("closes_on >= opens_on", name="period"),
        CheckConstraint("accepts_class_max = 1 OR permit_reference IS NOT NULL", name="permit_for_class"),
        Index("ix_facility_position_25833", "position_25833", postgresql_using="gist"),
    )

    id: Mapped[Id]
    key: Mapped[str] = mapped_column(String(60), unique=True)
    name: Mapped[ShortText]
    kind: Mapped[FacilityKind] = mapped_column(enum_column(FacilityKind, "kind"))
    accepts: Mapped[list[str]] = mapped_column(ARRAY(String(40)))
    accepts_class_max: Mapped[int] = mapped_column(SmallInteger, server_default="1")
    accepts_declared: Mapped[bool] = mapped_column(server_default=text("true"))
    capacity_t: Mapped[Mass | None]
    capacity_left_t: Mapped[Mass | None]
    capacity_reported_at: Mapped[Moment | None]
    booked_peak_t: Mapped[Mass] = mapped_column(server_default="0")
    reception_price_nok_per_t: Mapped[Price | None]
    opens_on: Mapped[Day | None]
    closes_on: Mapped[Day | None]
    opening_hours: Mapped[ShortText | None]
    permit_reference: Mapped[ShortText | None]
    permit_ends_on: Mapped[Day | None]
    position_25833: Mapped[WKBElement] = mapped_column(geometry_column_type("POINT"))
    position_accuracy_m: Mapped[int | None]
    municipality_number: Mapped[str] = mapped_column(ForeignKey("municipality.number"), index=True)
    organisation_id: Mapped[int | None] = mapped_column(ForeignKey("organisation.id"), index=True)
    is_verified: Mapped[bool] = mapped_column(server_default=text("false"))
    is_example: Mapped[bool] = mapped_column(server_default=text("false"))
    note: Mapped[LongText | None]
    source: Mapped[LongText]
    created_by_id: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"), index=True)
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[Moment | None]
    closed_at: Mapped[Moment | None]

    organisation: Mapped[Organisation | None] = relationship()
    municipality: Mapped[Municipality] = relationship()

    @property
    def free_t(self) -> Decimal | None:
        """The room that nobody has yet been promised at any time; None for not known."""
        return None if self.capacity_left_t is None else self.capacity_left_t - self.booked_peak_t

    @property
    def last_day(self) -> date | None:
        """The last day it may take anything in: the end of its period or of its permit, whichever comes first."""
        return min((day for day in (self.closes_on, self.permit_ends_on) if day is not None), default=None)
