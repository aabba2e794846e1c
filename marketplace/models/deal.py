"""Deals: one organisation's surplus for another's need, from the first request to the signed statement."""

from datetime import date, datetime
from typing import Any

from geoalchemy2 import WKBElement
from sqlalchemy import (
    CheckConstraint,
    Computed,
    DateTime,
    ForeignKey,
    Index,
    Numeric,
    SmallInteger,
    String,
    and_,
    case,
    func,
    or_,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, column_property, mapped_column, relationship

from geo.units import EnteredUnit
from marketplace.models.account import Organisation, User
from marketplace.models.base import Base, geometry_column_type
from marketplace.models.document import Document
from marketplace.models.facility import Facility
from marketplace.models.listing import Listing
from marketplace.models.material import MaterialRow
from marketplace.models.municipality import Municipality
from marketplace.models.project import Project
from marketplace.types import (
    CreatedAt,
    Day,
    DealStatus,
    Density,
    Haulage,
    Id,
    Loading,
    LongText,
    Mass,
    Moment,
    OfferStatus,
    Percent,
    Price,
    PriceKind,
    RecoveryTest,
    ShortText,
    Side,
    enum_column,
)

COMMITTED_T = (
    "CASE status WHEN 'agreed' THEN greatest(agreed_t, delivered_t) WHEN 'completed' THEN delivered_t ELSE 0 END"
)
"""What a deal holds of the masses it is about: all that is agreed while it runs, what was delivered once it is over,
and nothing before or when it came to nothing."""


class Deal(Base):
    """One lot, or a part of it, on its way from a giver to a taker.

    `surplus` is the lot, and its proof follows the mass. It is taken for `taking_listing` (a demand or a reception), or
    for a project or facility alone. Where the mass comes by way of a hub, two deals make a chain: the second one's
    `source_deal` is the first, whose taker is the second one's giver, and it takes from what the first brings in
    instead of from the lot's listing.

    What each deal holds is `committed_t`. Triggers of the database (migration 0012) add it up in
    `Listing.committed_t` of both listings, in the source deal's `onward_t` and in `Facility.booked_peak_t`, and
    `delivered_t` from its tickets; CHECKs bound every one of them. Nobody else writes these columns.

    Origin and destination are kept as they are when the deal is made and again when it is agreed: a flow that has been
    agreed does not move when a listing or a project does. Both are exact; whoever is not a party never sees them.
    """

    __tablename__ = "deal"
    __table_args__ = (
        CheckConstraint("giver_organisation_id <> taker_organisation_id", name="parties"),
        CheckConstraint("agreed_t >= 0", name="agreed_t"),
        CheckConstraint(
            "delivered_t >= 0 AND delivered_t <= agreed_t * (1 + tolerance_percent / 100)", name="delivered_t"
        ),
        CheckConstraint("onward_t >= 0 AND onward_t <= committed_t * (1 + tolerance_percent / 100)", name="onward_t"),
        CheckConstraint("tolerance_percent BETWEEN 0 AND 20", name="tolerance_percent"),
        CheckConstraint("agreed_to >= agreed_from", name="agreed_period"),
        CheckConstraint(
            "status NOT IN ('agreed', 'completed')"
            " OR (agreed_t > 0 AND num_nulls(agreed_from, agreed_to, agreed_at) = 0)",
            name="agreed",
        ),
        CheckConstraint("(status IN ('negotiating', 'agreed')) = (ended_at IS NULL)", name="ended_at"),
        CheckConstraint("status <> 'cancelled' OR delivered_t = 0", name="cancelled"),
        CheckConstraint("source_deal_id <> id", name="source_deal_id"),
        CheckConstraint("(source_deal_id IS NULL) = (origin_facility_id IS NULL)", name="hub"),
        Index("ix_deal_giver_organisation_id_status", "giver_organisation_id", "status"),
        Index("ix_deal_taker_organisation_id_status", "taker_organisation_id", "status"),
        Index("ix_deal_origin_position_25833", "origin_position_25833", postgresql_using="gist"),
        Index("ix_deal_destination_position_25833", "destination_position_25833", postgresql_using="gist"),
        Index("ix_deal_open", "status", "touched_at", postgresql_where=text("status IN ('negotiating', 'agreed')")),
    )

    id: Mapped[Id]
    status: Mapped[DealStatus] = mapped_column(enum_column(DealStatus, "status"))
    opened_by: Mapped[Side] = mapped_column(enum_column(Side, "opened_by"))
    giver_organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    taker_organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    surplus_id: Mapped[int] = mapped_column(ForeignKey("listing.id"), index=True)
    taking_listing_id: Mapped[int | None] = mapped_column(ForeignKey("listing.id"), index=True)
    source_deal_id: Mapped[int | None] = mapped_column(ForeignKey("deal.id"), index=True)
    material_key: Mapped[str] = mapped_column(ForeignKey("material.key"), index=True)
    origin_name: Mapped[ShortText]
    origin_facility_id: Mapped[int | None] = mapped_column(ForeignKey("facility.id"), index=True)
    origin_position_25833: Mapped[WKBElement] = mapped_column(geometry_column_type("POINT"))
    origin_municipality_number: Mapped[str] = mapped_column(ForeignKey("municipality.number"), index=True)
    destination_name: Mapped[ShortText]
    destination_project_id: Mapped[int | None] = mapped_column(ForeignKey("project.id"), index=True)
    destination_facility_id: Mapped[int | None] = mapped_column(ForeignKey("facility.id"), index=True)
    destination_position_25833: Mapped[WKBElement] = mapped_column(geometry_column_type("POINT"))
    destination_municipality_number: Mapped[str] = mapped_column(ForeignKey("municipality.number"), index=True)
    agreed_t: Mapped[Mass] = mapped_column(server_default="0")
    agreed_from: Mapped[Day | None]
    agreed_to: Mapped[Day | None]
    agreed_at: Mapped[Moment | None]
    tolerance_percent: Mapped[Percent] = mapped_column(server_default="5")
    delivered_t: Mapped[Mass] = mapped_column(server_default="0")
    onward_t: Mapped[Mass] = mapped_column(server_default="0")
    committed_t: Mapped[Mass] = mapped_column(Numeric(14, 3), Computed(COMMITTED_T, persisted=True), nullable=False)
    ended_at: Mapped[Moment | None]
    end_reason: Mapped[LongText] = mapped_column(server_default="")
    """Why it was declined, withdrawn or cancelled, in the words of whoever did it."""
    touched_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    """When either side last did anything; what is silent for long is chased."""
    chased_at: Mapped[Moment | None]
    is_example: Mapped[bool] = mapped_column(server_default=text("false"))
    created_by_id: Mapped[int] = mapped_column(ForeignKey("app_user.id"), index=True)
    created_at: Mapped[CreatedAt]

    giver_organisation: Mapped[Organisation] = relationship(foreign_keys=giver_organisation_id)
    taker_organisation: Mapped[Organisation] = relationship(foreign_keys=taker_organisation_id)
    surplus: Mapped[Listing] = relationship(foreign_keys=surplus_id)
    taking_listing: Mapped[Listing | None] = relationship(foreign_keys=taking_listing_id)
    source_deal: Mapped["Deal | None"] = relationship(remote_side="Deal.id")
    material: Mapped[MaterialRow] = relationship()
    origin_facility: Mapped[Facility | None] = relationship(foreign_keys=origin_facility_id)
    origin_municipality: Mapped[Municipality] = relationship(foreign_keys=origin_municipality_number)
    destination_project: Mapped[Project | None] = relationship()
    destination_facility: Mapped[Facility | None] = relationship(foreign_keys=destination_facility_id)
    destination_municipality: Mapped[Municipality] = relationship(foreign_keys=destination_municipality_number)
    offers: Mapped[list["DealOffer"]] = relationship(back_populates="deal", order_by="DealOffer.number")
    recovery_answers: Mapped[list["RecoveryAnswer"]] = relationship(order_by="RecoveryAnswer.id")

    @property
    def agreed_period(self) -> tuple[date, date] | None:
        if self.agreed_from is None or self.agreed_to is None:
            return None
        return self.agreed_from, self.agreed_to

    @property
    def organisation_ids(self) -> tuple[int, int]:
        return self.giver_organisation_id, self.taker_organisation_id

    def organisation_id_of(self, side: Side) -> int:
        return self.giver_organisation_id if side is Side.GIVER else self.taker_organisation_id


class DealOffer(Base):
    """The terms that one side proposes. An offer is never changed: another one takes its place.

    At most one is open; the one that was accepted holds until another is. On an agreed deal an offer is a proposal to
    change the terms, and the old ones hold until it is accepted.
    """

    __tablename__ = "deal_offer"
    __table_args__ = (
        CheckConstraint("mass_t > 0", name="mass_t"),
        CheckConstraint("entered_value > 0", name="entered_value"),
        CheckConstraint("(entered_unit = 't') = (density_t_m3 IS NULL)", name="density_t_m3"),
        CheckConstraint("ends_on >= starts_on", name="period"),
        CheckConstraint(
            "(price_kind = 'free') = (price_nok_per_t IS NULL) AND price_nok_per_t > 0", name="price_nok_per_t"
        ),
        CheckConstraint("(status = 'open') = (answered_at IS NULL)", name="answered_at"),
        Index("uq_deal_offer_deal_id_number", "deal_id", "number", unique=True),
        Index("uq_deal_offer_open", "deal_id", unique=True, postgresql_where=text("status = 'open'")),
        Index("uq_deal_offer_accepted", "deal_id", unique=True, postgresql_where=text("status = 'accepted'")),
        Index("ix_deal_offer_expires_at", "expires_at", postgresql_where=text("status = 'open'")),
    )

    id: Mapped[Id]
    deal_id: Mapped[int] = mapped_column(ForeignKey("deal.id"))
    number: Mapped[int] = mapped_column(SmallInteger)
    status: Mapped[OfferStatus] = mapped_column(enum_column(OfferStatus, "status"))
    made_by: Mapped[Side] = mapped_column(enum_column(Side, "made_by"))
    made_by_id: Mapped[int] = mapped_column(ForeignKey("app_user.id"), index=True)
    is_suggestion: Mapped[bool] = mapped_column(server_default=text("false"))
    """Whoever proposed a chain suggested these terms for a leg between two others, of whom neither has said anything
    yet: the first to take them makes them its own offer. `made_by` says nothing then."""
    mass_t: Mapped[Mass]
    entered_value: Mapped[Mass]
    entered_unit: Mapped[EnteredUnit] = mapped_column(enum_column(EnteredUnit, "entered_unit"))
    density_t_m3: Mapped[Density | None]
    starts_on: Mapped[Day]
    ends_on: Mapped[Day]
    price_kind: Mapped[PriceKind] = mapped_column(enum_column(PriceKind, "price_kind"))
    price_nok_per_t: Mapped[Price | None]
    loading: Mapped[Loading] = mapped_column(enum_column(Loading, "loading"))
    haulage: Mapped[Haulage] = mapped_column(enum_column(Haulage, "haulage"))
    haulier: Mapped[ShortText] = mapped_column(server_default="")
    access: Mapped[LongText] = mapped_column(server_default="")
    """How to get in: road, gate, weight limit, whom to ring."""
    opening_hours: Mapped[ShortText] = mapped_column(server_default="")
    note: Mapped[LongText] = mapped_column(server_default="")
    expires_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    created_at: Mapped[CreatedAt]
    answered_at: Mapped[Moment | None]
    answered_by_id: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"), index=True)

    deal: Mapped[Deal] = relationship(back_populates="offers")
    maker: Mapped[User] = relationship(foreign_keys=made_by_id)
    answerer: Mapped[User | None] = relationship(foreign_keys=answered_by_id)


class RecoveryAnswer(Base):
    """Whether one of the three tests of recovery holds, and what shows it; the taker answers."""

    __tablename__ = "recovery_answer"
    __table_args__ = (Index("uq_recovery_answer_deal_id_test", "deal_id", "test", unique=True),)

    id: Mapped[Id]
    deal_id: Mapped[int] = mapped_column(ForeignKey("deal.id"))
    test: Mapped[RecoveryTest] = mapped_column(enum_column(RecoveryTest, "test"))
    holds: Mapped[bool]
    evidence: Mapped[LongText]
    document_id: Mapped[int | None] = mapped_column(ForeignKey("document.id"), index=True)
    answered_by_id: Mapped[int] = mapped_column(ForeignKey("app_user.id"), index=True)
    answered_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))

    document: Mapped[Document | None] = relationship()
    answered_by: Mapped[User] = relationship()


class DealMessage(Base):
    """What one side wrote to the other; messages stand as they were sent."""

    __tablename__ = "deal_message"
    __table_args__ = (Index("ix_deal_message_deal_id_id", "deal_id", "id"),)

    id: Mapped[Id]
    deal_id: Mapped[int] = mapped_column(ForeignKey("deal.id"))
    side: Mapped[Side] = mapped_column(enum_column(Side, "side"))
    author_id: Mapped[int] = mapped_column(ForeignKey("app_user.id"), index=True)
    body: Mapped[LongText]
    created_at: Mapped[CreatedAt]

    author: Mapped[User] = relationship()


class DealReading(Base):
    """How far a person has read in a deal: all that happened until `read_at`."""

    __tablename__ = "deal_reading"

    deal_id: Mapped[int] = mapped_column(ForeignKey("deal.id"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("app_user.id"), primary_key=True, index=True)
    read_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class DealStatement(Base):
    """What both sides say was delivered: the end of a deal once both have signed.

    `content` is the whole statement as it was signed, so that the paper prints the same for ever. One that was changed
    under (a new or corrected ticket) is voided, and another one drawn up.
    """

    __tablename__ = "deal_statement"
    __table_args__ = (
        CheckConstraint("delivered_t >= 0 AND ticket_count >= 0", name="delivered_t"),
        CheckConstraint("(giver_signed_by_id IS NULL) = (giver_signed_at IS NULL)", name="giver_signed"),
        CheckConstraint("(taker_signed_by_id IS NULL) = (taker_signed_at IS NULL)", name="taker_signed"),
        CheckConstraint("voided_at IS NULL OR num_nulls(giver_signed_at, taker_signed_at) > 0", name="voided_at"),
        Index("uq_deal_statement_deal_id", "deal_id", unique=True, postgresql_where=text("voided_at IS NULL")),
        Index("ix_deal_statement_deal_id", "deal_id"),
    )

    id: Mapped[Id]
    deal_id: Mapped[int] = mapped_column(ForeignKey("deal.id"))
    delivered_t: Mapped[Mass]
    ticket_count: Mapped[int]
    tickets_sha256: Mapped[str] = mapped_column(String(64))
    deviation: Mapped[LongText] = mapped_column(server_default="")
    """Why what was delivered is not what was agreed."""
    content: Mapped[dict[str, Any]] = mapped_column(JSONB)
    created_by_id: Mapped[int] = mapped_column(ForeignKey("app_user.id"), index=True)
    created_at: Mapped[CreatedAt]
    giver_signed_by_id: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"), index=True)
    giver_signed_at: Mapped[Moment | None]
    taker_signed_by_id: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"), index=True)
    taker_signed_at: Mapped[Moment | None]
    voided_at: Mapped[Moment | None]
    voided_by_id: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"), index=True)
    """Who sent it back; nobody where a ticket was changed under it."""
    void_reason: Mapped[LongText] = mapped_column(server_default="")

    created_by: Mapped[User] = relationship(foreign_keys=created_by_id)
    giver_signed_by: Mapped[User | None] = relationship(foreign_keys=giver_signed_by_id)
    taker_signed_by: Mapped[User | None] = relationship(foreign_keys=taker_signed_by_id)
    voided_by: Mapped[User | None] = relationship(foreign_keys=voided_by_id)

    def signed_at(self, side: Side) -> datetime | None:
        return self.giver_signed_at if side is Side.GIVER else self.taker_signed_at


_other_side = case((Deal.surplus_id == Listing.id, Deal.taker_organisation_id), else_=Deal.giver_organisation_id)
Listing.shown_to = column_property(
    select(func.array_agg(_other_side))
    .where(
        Deal.status.in_((DealStatus.AGREED, DealStatus.COMPLETED)),
        or_(and_(Deal.surplus_id == Listing.id, Deal.source_deal_id.is_(None)), Deal.taking_listing_id == Listing.id),
    )
    .correlate_except(Deal)
    .scalar_subquery(),
    deferred=True,
)
