"""Searches that wait for something new, what was told of to whom, and how often each person wants mail."""

from datetime import date
from decimal import Decimal
from typing import Any

from geoalchemy2 import WKBElement
from sqlalchemy import CheckConstraint, Double, ForeignKey, Index, Numeric, Text, UniqueConstraint, func, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace.models.account import Organisation, User
from marketplace.models.base import Base, geometry_column_type
from marketplace.types import (
    AlertFrequency,
    CreatedAt,
    Day,
    Documentation,
    Id,
    ListingKind,
    LongText,
    Moment,
    PriceKind,
    ShortText,
    enum_column,
)


class SavedSearch(Base):
    """A search that somebody keeps: as an address says it (`query`), and as columns that a listing is held against.

    A filter that is empty is None. `materials` holds keys of materials, groups as `group:stone`, or ANY_MATERIAL alone.
    `bounds_25833` is an upright box that no listing outside of is found, all of the north where no place is named; the
    circle (`centre_x_m`, `centre_y_m` in EPSG:25833, `reach_m` geodesic) and the bent `outline` of a box of longitudes
    and latitudes, as PostgreSQL writes a polygon, say the rest. Each word must be found, as the beginning of a word
    (`word_begins`, as to_tsquery takes it) or, where `word_insides` has a pattern, inside one.

    `seen_at` is when its owner last looked. `unsubscribed_at` is when the link of a mail stopped its mails.
    """

    __tablename__ = "saved_search"
    __table_args__ = (
        CheckConstraint(
            "(centre_x_m IS NULL) = (reach_m IS NULL) AND (centre_y_m IS NULL) = (reach_m IS NULL)", name="circle"
        ),
        CheckConstraint("cardinality(materials) > 0", name="materials"),
        CheckConstraint("cardinality(word_begins) = cardinality(word_insides)", name="words"),
        CheckConstraint("unsubscribed_at IS NULL OR frequency = 'never'", name="unsubscribed_at"),
        Index("uq_saved_search_user_id_query", "user_id", func.md5(text("query")), unique=True),
        Index("ix_saved_search_user_id", "user_id"),
        Index("ix_saved_search_bounds_25833", "bounds_25833", postgresql_using="gist"),
        Index("ix_saved_search_materials", "materials", postgresql_using="gin"),
    )

    id: Mapped[Id]
    user_id: Mapped[int] = mapped_column(ForeignKey("app_user.id"))
    name: Mapped[ShortText]
    query: Mapped[LongText]
    frequency: Mapped[AlertFrequency] = mapped_column(enum_column(AlertFrequency, "frequency"))
    created_at: Mapped[CreatedAt]
    seen_at: Mapped[Moment]
    unsubscribed_at: Mapped[Moment | None]

    kind: Mapped[ListingKind | None] = mapped_column(enum_column(ListingKind, "kind"))
    documentation: Mapped[Documentation | None] = mapped_column(enum_column(Documentation, "documentation"))
    materials: Mapped[list[str]] = mapped_column(ARRAY(Text))
    mass_min_t: Mapped[Decimal | None] = mapped_column(Numeric)
    mass_max_t: Mapped[Decimal | None] = mapped_column(Numeric)
    period_from: Mapped[Day | None]
    period_to: Mapped[Day | None]
    price_kind: Mapped[PriceKind | None] = mapped_column(enum_column(PriceKind, "price_kind"))
    price_max_nok_per_t: Mapped[Decimal | None] = mapped_column(Numeric)
    bounds_25833: Mapped[WKBElement] = mapped_column(geometry_column_type("POLYGON"), deferred=True)
    centre_x_m: Mapped[float | None] = mapped_column(Double)
    centre_y_m: Mapped[float | None] = mapped_column(Double)
    reach_m: Mapped[float | None] = mapped_column(Double)
    outline: Mapped[str | None] = mapped_column(Text, deferred=True)
    municipality_numbers: Mapped[list[str] | None] = mapped_column(ARRAY(Text))
    word_begins: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{}")
    word_insides: Mapped[list[str | None]] = mapped_column(ARRAY(Text), server_default="{}")

    user: Mapped[User] = relationship()

    @property
    def period(self) -> tuple[date | None, date | None]:
        return self.period_from, self.period_to


class AlertPreference(Base):
    """How often a person wants mail of a search that they save, unless they say otherwise. Without a row: daily."""

    __tablename__ = "alert_preference"

    user_id: Mapped[int] = mapped_column(ForeignKey("app_user.id"), primary_key=True)
    default_frequency: Mapped[AlertFrequency] = mapped_column(enum_column(AlertFrequency, "default_frequency"))


class MatchSubscription(Base):
    """How often a person wants mail of what fits an organisation's own listings.

    Without a row: daily for who edits there, never for who only looks on.
    """

    __tablename__ = "match_subscription"
    __table_args__ = (CheckConstraint("unsubscribed_at IS NULL OR frequency = 'never'", name="unsubscribed_at"),)

    user_id: Mapped[int] = mapped_column(ForeignKey("app_user.id"), primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), primary_key=True, index=True)
    frequency: Mapped[AlertFrequency] = mapped_column(enum_column(AlertFrequency, "frequency"))
    unsubscribed_at: Mapped[Moment | None]

    organisation: Mapped[Organisation] = relationship()


class Alert(Base):
    """Something new for a person: found by a search of theirs, or fitting a listing of their organisation.

    Each search, and each listing for each person, is told of a thing once; the rows hold that. `awaits_mail` until it
    has gone into a mail (`mail_id`), or will never. `facts` are the figures of the match with `listing_id`, for the
    mail's sentences.
    """

    __tablename__ = "alert"
    __table_args__ = (
        CheckConstraint("num_nonnulls(saved_search_id, listing_id) = 1", name="source"),
        CheckConstraint("(listing_id IS NULL) = (facts IS NULL)", name="facts"),
        CheckConstraint("mail_id IS NULL OR NOT awaits_mail", name="awaits_mail"),
        UniqueConstraint("saved_search_id", "found_listing_id", name="uq_alert_saved_search_id_found_listing_id"),
        UniqueConstraint(
            "listing_id", "found_listing_id", "user_id", name="uq_alert_listing_id_found_listing_id_user_id"
        ),
        Index("ix_alert_user_id_found_listing_id", "user_id", "found_listing_id"),
        Index("ix_alert_awaits_mail", "user_id", "created_at", postgresql_where=text("awaits_mail")),
    )

    id: Mapped[Id]
    user_id: Mapped[int] = mapped_column(ForeignKey("app_user.id"))
    saved_search_id: Mapped[int | None] = mapped_column(ForeignKey("saved_search.id", ondelete="CASCADE"))
    listing_id: Mapped[int | None] = mapped_column(ForeignKey("listing.id", ondelete="CASCADE"))
    found_listing_id: Mapped[int] = mapped_column(ForeignKey("listing.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[CreatedAt]
    awaits_mail: Mapped[bool]
    mail_id: Mapped[int | None] = mapped_column(ForeignKey("outbox_mail.id"), index=True)
    facts: Mapped[dict[str, Any] | None] = mapped_column(JSONB)


class ListingNews(Base):
    """That a listing others can see is new, or says something new, and nobody has been told yet.

    Triggers of the database write the rows, so that no way to publish or to change a listing forgets to; the job that
    tells takes them away. What is invented for a demo is no news.
    """

    __tablename__ = "listing_news"

    id: Mapped[Id]
    listing_id: Mapped[int] = mapped_column(ForeignKey("listing.id", ondelete="CASCADE"), index=True)
