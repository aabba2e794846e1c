"""What deliveries avoid: the figures it is worked out with, what was frozen for each deal, and the sums by month."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import CheckConstraint, Date, DateTime, ForeignKey, Index, Numeric, SmallInteger, String, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from geo.impact import Ledger, Measure, Method, Rates
from geo.pyramid import Level
from geo.quantities import Quantity
from marketplace.models.account import User
from marketplace.models.base import Base
from marketplace.models.deal import Deal
from marketplace.models.facility import Facility
from marketplace.types import (
    CreatedAt,
    FactorSetStatus,
    Id,
    ImpactReason,
    LongText,
    Mass,
    Moment,
    ShortText,
    enum_column,
)

MEASURES = len(Measure)
LEDGER = ARRAY(Numeric(), dimensions=1)
"""A figure for each `geo.impact.Measure`, in its order, not rounded."""


def of_all_measures(*columns: str) -> CheckConstraint:
    return CheckConstraint(" AND ".join(f"cardinality({each}) = {MEASURES}" for each in columns), name="measures")


def ledger_of_arrays(low: Sequence[Decimal], central: Sequence[Decimal], high: Sequence[Decimal]) -> Ledger:
    """What three arrays of the database say, a figure for each measure."""
    return {
        measure: Quantity(value=value, low=least, high=most, unit=measure.unit, source="")
        for measure, least, value, most in zip(Measure, low, central, high, strict=True)
    }


class FactorSet(Base):
    """A version of all figures (`geo.factors.FactorSet`). Once it is no draft, it never changes, nor do its factors.

    One is active: what is worked out from now on is worked out with it.
    """

    __tablename__ = "factor_set"
    __table_args__ = (
        CheckConstraint("(status = 'draft') = (activated_at IS NULL)", name="activated_at"),
        Index("uq_factor_set_active", "status", unique=True, postgresql_where=text("status = 'active'")),
    )

    id: Mapped[Id]
    version: Mapped[str] = mapped_column(String(60), unique=True)
    name: Mapped[ShortText]
    status: Mapped[FactorSetStatus] = mapped_column(enum_column(FactorSetStatus, "status"))
    default_vehicle: Mapped[str] = mapped_column(String(40))
    default_fuel: Mapped[str] = mapped_column(String(40))
    note: Mapped[LongText] = mapped_column(server_default="")
    copied_from_id: Mapped[int | None] = mapped_column(ForeignKey("factor_set.id"), index=True)
    created_by_id: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"), index=True)
    created_at: Mapped[CreatedAt]
    activated_at: Mapped[Moment | None]

    factors: Mapped[list["FactorRow"]] = relationship(back_populates="factor_set", order_by="FactorRow.key")
    created_by: Mapped[User | None] = relationship()


class FactorRow(Base):
    """One figure of a set, with its range, unit and source."""

    __tablename__ = "factor"
    __table_args__ = (
        CheckConstraint("low <= value AND value <= high", name="value"),
        Index("uq_factor_factor_set_id_key", "factor_set_id", "key", unique=True),
    )

    id: Mapped[Id]
    factor_set_id: Mapped[int] = mapped_column(ForeignKey("factor_set.id"))
    key: Mapped[str] = mapped_column(String(80))
    unit: Mapped[str] = mapped_column(String(40))
    low: Mapped[Decimal] = mapped_column(Numeric(18, 9))
    value: Mapped[Decimal] = mapped_column(Numeric(18, 9))
    high: Mapped[Decimal] = mapped_column(Numeric(18, 9))
    source: Mapped[LongText]
    source_year: Mapped[int | None] = mapped_column(SmallInteger)
    is_verified: Mapped[bool] = mapped_column(server_default=text("false"))
    note: Mapped[LongText] = mapped_column(server_default="")

    factor_set: Mapped[FactorSet] = relationship(back_populates="factors")


class DealImpact(Base):
    """What a deal is compared with, frozen: a new record takes the place of the old one, which stays.

    `basis` is the whole comparison (`geo.impact.to_json`) and what people read of it; the arrays are its rates, one for
    each measure, so that the database works out what any mass avoids (`impact_ledger`, the twin of
    `geo.impact.ledger_of`). A deal into a hub is at the level `pending`, with rates of nothing.
    """

    __tablename__ = "deal_impact"
    __table_args__ = (
        CheckConstraint("payload_t > 0", name="payload_t"),
        CheckConstraint("substitution BETWEEN 0 AND 1", name="substitution"),
        of_all_measures(
            "per_tonne_low",
            "per_tonne",
            "per_tonne_high",
            "per_trip_low",
            "per_trip",
            "per_trip_high",
            "per_substituted_trip_low",
            "per_substituted_trip",
            "per_substituted_trip_high",
        ),
        Index("uq_deal_impact_deal_id_number", "deal_id", "number", unique=True),
        Index("uq_deal_impact_current", "deal_id", unique=True, postgresql_where=text("is_current")),
    )

    id: Mapped[Id]
    deal_id: Mapped[int] = mapped_column(ForeignKey("deal.id"))
    number: Mapped[int] = mapped_column(SmallInteger)
    is_current: Mapped[bool] = mapped_column(server_default=text("true"))
    reason: Mapped[ImpactReason] = mapped_column(enum_column(ImpactReason, "reason"))
    factor_set_id: Mapped[int] = mapped_column(ForeignKey("factor_set.id"), index=True)
    method: Mapped[Method] = mapped_column(enum_column(Method, "method"))
    network_version: Mapped[str | None] = mapped_column(String(80))
    level: Mapped[Level] = mapped_column(enum_column(Level, "level"))
    landfill_id: Mapped[int | None] = mapped_column(ForeignKey("facility.id"), index=True)
    """L: where the surplus would have gone."""
    quarry_id: Mapped[int | None] = mapped_column(ForeignKey("facility.id"), index=True)
    """Q: where the need would have been filled from."""
    agreed_t: Mapped[Mass]
    """What was agreed when it was frozen."""
    payload_t: Mapped[Decimal] = mapped_column(Numeric)
    substitution: Mapped[Decimal] = mapped_column(Numeric)
    """Both to the last digit, as the rates were worked out with them."""
    per_tonne_low: Mapped[list[Decimal]] = mapped_column(LEDGER)
    per_tonne: Mapped[list[Decimal]] = mapped_column(LEDGER)
    per_tonne_high: Mapped[list[Decimal]] = mapped_column(LEDGER)
    per_trip_low: Mapped[list[Decimal]] = mapped_column(LEDGER)
    per_trip: Mapped[list[Decimal]] = mapped_column(LEDGER)
    per_trip_high: Mapped[list[Decimal]] = mapped_column(LEDGER)
    per_substituted_trip_low: Mapped[list[Decimal]] = mapped_column(LEDGER)
    per_substituted_trip: Mapped[list[Decimal]] = mapped_column(LEDGER)
    per_substituted_trip_high: Mapped[list[Decimal]] = mapped_column(LEDGER)
    basis: Mapped[dict[str, Any]] = mapped_column(JSONB)
    made_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    made_by_id: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"), index=True)

    deal: Mapped[Deal] = relationship()
    factor_set: Mapped[FactorSet] = relationship()
    landfill: Mapped[Facility | None] = relationship(foreign_keys=landfill_id)
    quarry: Mapped[Facility | None] = relationship(foreign_keys=quarry_id)

    @property
    def rates(self) -> Rates:
        return Rates(
            payload_t=self.payload_t,
            substitution=self.substitution,
            per_tonne=ledger_of_arrays(self.per_tonne_low, self.per_tonne, self.per_tonne_high),
            per_trip=ledger_of_arrays(self.per_trip_low, self.per_trip, self.per_trip_high),
            per_substituted_trip=ledger_of_arrays(
                self.per_substituted_trip_low, self.per_substituted_trip, self.per_substituted_trip_high
            ),
        )

    @rates.setter
    def rates(self, rates: Rates) -> None:
        self.payload_t, self.substitution = rates.payload_t, rates.substitution
        for name in ("per_tonne", "per_trip", "per_substituted_trip"):
            ledger: Ledger = getattr(rates, name)
            setattr(self, f"{name}_low", [ledger[measure].low for measure in Measure])
            setattr(self, name, [ledger[measure].value for measure in Measure])
            setattr(self, f"{name}_high", [ledger[measure].high for measure in Measure])


class DealMonth(Base):
    """What came of a deal in a month of `Europe/Oslo`. Written by triggers of the database only (migration 0015).

    `delivered_t` counts as `Ticket.counted_t` does, `avoided_t` as `Ticket.avoided_t`: weighed or confirmed, and not
    disputed. The ledgers are what `avoided_t` avoids by the deal's current `DealImpact`: the ledger of all until the
    end of the month less that of all before it, so that a deal's months add up to the deal, exactly. Where all loads of
    a month were voided, it has no row.
    """

    __tablename__ = "deal_month"
    __table_args__ = (
        CheckConstraint("month = date_trunc('month', month)", name="month"),
        CheckConstraint("loads >= 0 AND avoided_t >= 0 AND delivered_t >= avoided_t", name="delivered_t"),
        of_all_measures("low", "central", "high"),
        Index("ix_deal_month_origin_municipality_number_month", "origin_municipality_number", "month"),
        Index("ix_deal_month_destination_municipality_number_month", "destination_municipality_number", "month"),
    )

    deal_id: Mapped[int] = mapped_column(ForeignKey("deal.id"), primary_key=True)
    month: Mapped[date] = mapped_column(Date, primary_key=True)
    origin_municipality_number: Mapped[str] = mapped_column(ForeignKey("municipality.number"))
    destination_municipality_number: Mapped[str] = mapped_column(ForeignKey("municipality.number"))
    material_key: Mapped[str] = mapped_column(ForeignKey("material.key"), index=True)
    level: Mapped[Level] = mapped_column(enum_column(Level, "level"))
    loads: Mapped[int]
    delivered_t: Mapped[Mass]
    avoided_t: Mapped[Mass]
    low: Mapped[list[Decimal]] = mapped_column(LEDGER)
    central: Mapped[list[Decimal]] = mapped_column(LEDGER)
    high: Mapped[list[Decimal]] = mapped_column(LEDGER)

    deal: Mapped[Deal] = relationship()


class FlowMonth(Base):
    """The sums of `DealMonth` by month, way, material and level. Written by triggers of the database only."""

    __tablename__ = "flow_month"
    __table_args__ = (
        of_all_measures("low", "central", "high"),
        CheckConstraint("loads >= 0 AND avoided_t >= 0 AND delivered_t >= avoided_t", name="delivered_t"),
        Index("ix_flow_month_origin_municipality_number_month", "origin_municipality_number", "month"),
        Index("ix_flow_month_destination_municipality_number_month", "destination_municipality_number", "month"),
    )

    month: Mapped[date] = mapped_column(Date, primary_key=True)
    origin_municipality_number: Mapped[str] = mapped_column(ForeignKey("municipality.number"), primary_key=True)
    destination_municipality_number: Mapped[str] = mapped_column(ForeignKey("municipality.number"), primary_key=True)
    material_key: Mapped[str] = mapped_column(ForeignKey("material.key"), primary_key=True, index=True)
    level: Mapped[Level] = mapped_column(enum_column(Level, "level"), primary_key=True)
    loads: Mapped[int]
    delivered_t: Mapped[Mass]
    avoided_t: Mapped[Mass]
    low: Mapped[list[Decimal]] = mapped_column(LEDGER)
    central: Mapped[list[Decimal]] = mapped_column(LEDGER)
    high: Mapped[list[Decimal]] = mapped_column(LEDGER)
