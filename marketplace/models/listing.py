"""Listings: masses somebody has too much of, or needs."""

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING
from uuid import UUID

from geoalchemy2 import WKBElement
from sqlalchemy import CheckConstraint, Computed, ForeignKey, Index, Numeric, SmallInteger, String, exists, or_, text
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.orm import Mapped, column_property, mapped_column, relationship

from geo.proof import Outcome
from geo.units import EnteredUnit
from marketplace.models.account import Organisation
from marketplace.models.base import Base, geometry_column_type
from marketplace.models.facility import Facility
from marketplace.models.material import MaterialRow
from marketplace.models.municipality import Municipality
from marketplace.models.project import Project
from marketplace.types import (
    ClosedReason,
    CreatedAt,
    Day,
    Density,
    Documentation,
    Haulage,
    Id,
    Kilometres,
    ListingKind,
    ListingStatus,
    Loading,
    LongText,
    Mass,
    Millimetres,
    Moment,
    PassportAudience,
    PausedReason,
    Percent,
    Price,
    PriceKind,
    enum_column,
)

PUBLISHED = text("status = 'published'")
FAR_REACHING = text("status = 'published' AND max_distance_km > 50")
"""Those that matching looks for beyond the default reach (`geo.matching.DEFAULT_REACH_KM`): few, so soon searched."""


CLEAN_ENOUGH = (
    "status <> 'published' OR kind <> 'surplus' OR (documentation <> 'none' AND coalesce(quality_class, 1) = 1"
    " AND coalesce(quality_outcome, 'clean') NOT IN ('contaminated', 'hazardous'))"
)
"""The last word of the gate (`services.quality`), for whatever might go round it: no surplus can be seen off its site
that nothing is known of, or that is known not to be clean."""


HIDDEN = (
    "(hidden_at IS NULL) = (hidden_reason IS NULL) AND (hidden_at IS NULL OR status = 'closed'"
    " OR coalesce(paused_reason, '') = 'moderator') AND (paused_reason <> 'moderator' OR hidden_at IS NOT NULL)"
    " AND (reason_before_hidden IS NULL OR hidden_at IS NOT NULL)"
)
"""What a moderator has hidden cannot be published by anybody until a moderator shows it again."""


class Listing(Base):
    """A surplus, a demand, or what a facility takes in of one material.

    The mass is stored in tonnes (`mass_t`) with what was entered beside it: value, unit, and the density (t/m3) that
    turned one into the other, None where tonnes were entered. `position_25833` is the project's position unless the
    listing has a pin of its own (`has_own_position`). `max_distance_km` is how far its owner would let it be hauled,
    None for the default reach of `geo.matching`. `search_text` is what free text search sees, rewritten by the service
    whenever a part of it changes.

    A surplus's `documentation`, `quality_outcome` and `quality_class` (of the soil table; 6 is above class 5) are what
    `geo.quality` made of its samples and declarations by the limits of `limits_version`, kept by `services.quality`.
    What takes masses says what it accepts: `accepts_declared`, `accepts_class_max`.

    Where the exact position is hidden, `position_25833` is the blurred one, so that nothing that searches, measures or
    draws can give the place away; the exact one is read only for those who may know it.

    `committed_t` is what its deals hold of it: the sum of their `Deal.committed_t`, kept by a trigger of the database,
    and `left_t` what can still be agreed. Lorries do not load to the kilogram, so deliveries may take `committed_t`
    past `mass_t` by `tolerance_percent`; agreements never do (`services.commitments`). What a facility takes in is held
    by its room instead, which all its listings share (`Facility.booked_peak_t`).

    `shown_to` are the organisations of the other side of each deal that has been agreed on it, None for none: to them
    its page and its exact position are open whatever becomes of it.

    `renewed_at` is when its owner last said that it stands: by publishing it, or when asked (`asked_at`).

    A moderator may hide it, saying why in `hidden_reason`. `reason_before_hidden` is why it was paused already then,
    None where others saw it.
    """

    __tablename__ = "listing"
    __table_args__ = (
        CheckConstraint("mass_t > 0", name="mass_t"),
        CheckConstraint("entered_value > 0", name="entered_value"),
        CheckConstraint("(entered_unit = 't') = (density_t_m3 IS NULL)", name="density_t_m3"),
        CheckConstraint("min_lot_t > 0 AND min_lot_t <= mass_t", name="min_lot_t"),
        CheckConstraint("available_to >= available_from", name="period"),
        CheckConstraint(
            "(fraction_min_mm IS NULL) = (fraction_max_mm IS NULL) AND fraction_min_mm >= 0"
            " AND fraction_max_mm > fraction_min_mm",
            name="fraction",
        ),
        CheckConstraint(
            "(price_kind = 'free') = (price_nok_per_t IS NULL) AND price_nok_per_t > 0", name="price_nok_per_t"
        ),
        CheckConstraint("max_distance_km > 0", name="max_distance_km"),
        CheckConstraint("status = 'draft' OR published_at IS NOT NULL", name="published_at"),
        CheckConstraint(
            "(status = 'closed') = (closed_at IS NOT NULL) AND (closed_at IS NULL) = (closed_reason IS NULL)",
            name="closed_at",
        ),
        CheckConstraint("status <> 'published' OR renewed_at IS NOT NULL", name="renewed_at"),
        CheckConstraint("(status = 'paused') = (paused_reason IS NOT NULL)", name="paused"),
        CheckConstraint(HIDDEN, name="hidden"),
        CheckConstraint("quality_class BETWEEN 1 AND 6", name="quality_class"),
        CheckConstraint(CLEAN_ENOUGH, name="clean"),
        CheckConstraint("accepts_class_max BETWEEN 1 AND 5", name="accepts_class_max"),
        CheckConstraint("(kind = 'reception') = (facility_id IS NOT NULL)", name="facility_id"),
        CheckConstraint("kind <> 'reception' OR baseline_facility_id IS NULL", name="baseline_facility_id"),
        CheckConstraint("tolerance_percent BETWEEN 0 AND 20", name="tolerance_percent"),
        CheckConstraint(
            "committed_t >= 0 AND committed_t <= mass_t * (1 + tolerance_percent / 100)", name="committed_t"
        ),
        CheckConstraint("hides_position = (exact_position_25833 IS NOT NULL)", name="hides_position"),
        Index("ix_listing_position_25833", "position_25833", postgresql_using="gist", postgresql_where=PUBLISHED),
        Index(
            "ix_listing_kind_material_key_position_25833",
            "kind",
            "material_key",
            "position_25833",
            postgresql_using="gist",
            postgresql_where=PUBLISHED,
        ),
        Index(
            "ix_listing_far_reaching",
            "kind",
            "material_key",
            "position_25833",
            postgresql_using="gist",
            postgresql_where=FAR_REACHING,
        ),
        Index(
            "ix_listing_exact_position_25833",
            "exact_position_25833",
            postgresql_using="gist",
            postgresql_where=text("hides_position"),
        ),
        Index("ix_listing_renewed_at_id", "renewed_at", "id", postgresql_where=PUBLISHED),
        Index("ix_listing_left_t_id", "left_t", "id", postgresql_where=PUBLISHED),
        Index("ix_listing_available_to", "available_to", postgresql_where=PUBLISHED),
        Index(
            "ix_listing_counting",
            "kind",
            "documentation",
            "material_key",
            "municipality_number",
            "available_to",
            postgresql_where=PUBLISHED,
        ),
        Index("ix_listing_search_vector", "search_vector", postgresql_using="gin", postgresql_where=PUBLISHED),
        Index(
            "ix_listing_search_text",
            "search_text",
            postgresql_using="gin",
            postgresql_ops={"search_text": "gin_trgm_ops"},
            postgresql_where=PUBLISHED,
        ),
        Index("ix_listing_organisation_id_status", "organisation_id", "status"),
        Index(
            "uq_listing_organisation_id_external_reference",
            "organisation_id",
            "external_reference",
            unique=True,
            postgresql_where=text("external_reference IS NOT NULL"),
        ),
        Index(
            "uq_listing_facility_id_material_key",
            "facility_id",
            "material_key",
            unique=True,
            postgresql_where=text("facility_id IS NOT NULL AND status <> 'closed'"),
        ),
        Index(
            "uq_listing_plan_row_id_kind",
            "plan_row_id",
            "kind",
            unique=True,
            postgresql_where=text("plan_row_id IS NOT NULL AND status <> 'closed'"),
        ),
    )

    id: Mapped[Id]
    kind: Mapped[ListingKind] = mapped_column(enum_column(ListingKind, "kind"))
    status: Mapped[ListingStatus] = mapped_column(enum_column(ListingStatus, "status"))
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    project_id: Mapped[int | None] = mapped_column(ForeignKey("project.id"), index=True)
    facility_id: Mapped[int | None] = mapped_column(ForeignKey("facility.id"), index=True)
    baseline_facility_id: Mapped[int | None] = mapped_column(ForeignKey("facility.id"), index=True)
    """Where a surplus would have gone without a deal, or where a demand would have been filled from; None: not said."""
    plan_row_id: Mapped[int | None] = mapped_column(ForeignKey("mass_plan_row.id", ondelete="SET NULL"), index=True)
    external_reference: Mapped[str | None] = mapped_column(String(80))
    """What its owner calls it in a file of theirs, so that the same row read again is the same listing."""
    material_key: Mapped[str] = mapped_column(ForeignKey("material.key"), index=True)
    fraction_min_mm: Mapped[Millimetres | None]
    fraction_max_mm: Mapped[Millimetres | None]
    mass_t: Mapped[Mass]
    entered_value: Mapped[Mass]
    entered_unit: Mapped[EnteredUnit] = mapped_column(enum_column(EnteredUnit, "entered_unit"))
    density_t_m3: Mapped[Density | None]
    min_lot_t: Mapped[Mass | None]
    committed_t: Mapped[Mass] = mapped_column(server_default="0")
    tolerance_percent: Mapped[Percent] = mapped_column(server_default="5")
    left_t: Mapped[Mass] = mapped_column(
        Numeric(14, 3), Computed("greatest(mass_t - committed_t, 0)", persisted=True), nullable=False
    )
    available_from: Mapped[Day]
    available_to: Mapped[Day]
    price_kind: Mapped[PriceKind] = mapped_column(enum_column(PriceKind, "price_kind"))
    price_nok_per_t: Mapped[Price | None]
    loading: Mapped[Loading] = mapped_column(enum_column(Loading, "loading"))
    haulage: Mapped[Haulage] = mapped_column(enum_column(Haulage, "haulage"))
    max_distance_km: Mapped[Kilometres | None]
    description: Mapped[LongText] = mapped_column(server_default="")
    position_25833: Mapped[WKBElement] = mapped_column(geometry_column_type("POINT"))
    has_own_position: Mapped[bool] = mapped_column(server_default=text("false"))
    hides_position: Mapped[bool] = mapped_column(server_default=text("false"))
    exact_position_25833: Mapped[WKBElement | None] = mapped_column(geometry_column_type("POINT"), deferred=True)
    municipality_number: Mapped[str] = mapped_column(ForeignKey("municipality.number"), index=True)
    search_text: Mapped[LongText] = mapped_column(server_default="", deferred=True)
    search_vector: Mapped[str] = mapped_column(
        TSVECTOR, Computed("to_tsvector('norwegian'::regconfig, search_text)", persisted=True), deferred=True
    )
    documentation: Mapped[Documentation] = mapped_column(
        enum_column(Documentation, "documentation"), server_default=Documentation.NONE.value
    )
    quality_outcome: Mapped[Outcome | None] = mapped_column(enum_column(Outcome, "quality_outcome"))
    quality_class: Mapped[int | None] = mapped_column(SmallInteger)
    limits_version: Mapped[str | None] = mapped_column(String(40))
    accepts_declared: Mapped[bool] = mapped_column(server_default=text("true"))
    accepts_class_max: Mapped[int] = mapped_column(SmallInteger, server_default="1")
    passport_token: Mapped[UUID] = mapped_column(unique=True, server_default=text("gen_random_uuid()"))
    passport_audience: Mapped[PassportAudience] = mapped_column(
        enum_column(PassportAudience, "passport_audience"), server_default=PassportAudience.LINK.value
    )
    is_example: Mapped[bool] = mapped_column(server_default=text("false"))
    created_by_id: Mapped[int] = mapped_column(ForeignKey("app_user.id"), index=True)
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[Moment | None]
    published_at: Mapped[Moment | None]
    renewed_at: Mapped[Moment | None]
    asked_at: Mapped[Moment | None]
    reminded_at: Mapped[Moment | None]
    paused_reason: Mapped[PausedReason | None] = mapped_column(enum_column(PausedReason, "paused_reason"))
    hidden_at: Mapped[Moment | None]
    hidden_reason: Mapped[LongText | None]
    reason_before_hidden: Mapped[PausedReason | None] = mapped_column(enum_column(PausedReason, "reason_before_hidden"))
    closed_at: Mapped[Moment | None]
    closed_reason: Mapped[ClosedReason | None] = mapped_column(enum_column(ClosedReason, "closed_reason"))

    if TYPE_CHECKING:  # mapped in models.deal, which it is read from
        shown_to: Mapped[list[int] | None]

    organisation: Mapped[Organisation] = relationship()
    project: Mapped[Project | None] = relationship(back_populates="listings")
    facility: Mapped[Facility | None] = relationship(foreign_keys=facility_id)
    baseline_facility: Mapped[Facility | None] = relationship(foreign_keys=baseline_facility_id)
    material: Mapped[MaterialRow] = relationship()
    municipality: Mapped[Municipality] = relationship()

    @property
    def period(self) -> tuple[date, date]:
        return self.available_from, self.available_to

    @property
    def fraction_mm(self) -> tuple[Decimal, Decimal] | None:
        if self.fraction_min_mm is None or self.fraction_max_mm is None:
            return None
        return self.fraction_min_mm, self.fraction_max_mm


_published = exists().where(Listing.project_id == Project.id, Listing.status == ListingStatus.PUBLISHED)
Project.has_open_listings = column_property(_published.correlate_except(Listing), deferred=True)
Project.shows_site = column_property(
    or_(
        _published.where(~Listing.has_own_position, ~Listing.hides_position).correlate_except(Listing),
        ~_published.where(Listing.hides_position).correlate_except(Listing),
    ),
    deferred=True,
)
