"""Saved searches, what was told of by them, and the news that waits to be told.

Revision ID: 0011
Revises: 0010
"""

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geometry
from sqlalchemy.dialects import postgresql

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

SAYS = (
    "kind",
    "status",
    "material_key",
    "fraction_min_mm",
    "fraction_max_mm",
    "mass_t",
    "min_lot_t",
    "available_from",
    "available_to",
    "price_kind",
    "price_nok_per_t",
    "max_distance_km",
    "position_25833",
    "municipality_number",
    "search_text",
    "documentation",
    "quality_outcome",
    "quality_class",
    "accepts_declared",
    "accepts_class_max",
)
"""What searches and matches look at."""

NOTE_NEWS = """
CREATE FUNCTION note_listing_news() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO listing_news (listing_id) VALUES (NEW.id);
    RETURN NULL;
END
$$
"""
IN_SIGHT = "NEW.status = 'published' AND NOT NEW.is_example"


def enumeration(*values: str, name: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=32)


def frequency(name: str = "frequency") -> sa.Enum:
    return enumeration("immediate", "daily", "weekly", "never", name=name)


def upgrade() -> None:
    op.create_table(
        "saved_search",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("query", sa.Text(), nullable=False),
        sa.Column("frequency", frequency(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("unsubscribed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("kind", enumeration("surplus", "demand", "reception", name="kind"), nullable=True),
        sa.Column("documentation", enumeration("none", "declared", "tested", name="documentation"), nullable=True),
        sa.Column("materials", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("mass_min_t", sa.Numeric(), nullable=True),
        sa.Column("mass_max_t", sa.Numeric(), nullable=True),
        sa.Column("period_from", sa.Date(), nullable=True),
        sa.Column("period_to", sa.Date(), nullable=True),
        sa.Column("price_kind", enumeration("free", "taker_pays", "giver_pays", name="price_kind"), nullable=True),
        sa.Column("price_max_nok_per_t", sa.Numeric(), nullable=True),
        sa.Column("bounds_25833", Geometry("POLYGON", srid=25833, spatial_index=False), nullable=False),
        sa.Column("centre_x_m", sa.Double(), nullable=True),
        sa.Column("centre_y_m", sa.Double(), nullable=True),
        sa.Column("reach_m", sa.Double(), nullable=True),
        sa.Column("outline", sa.Text(), nullable=True),
        sa.Column("municipality_numbers", postgresql.ARRAY(sa.Text()), nullable=True),
        sa.Column("word_begins", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("word_insides", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.CheckConstraint(
            "(centre_x_m IS NULL) = (reach_m IS NULL) AND (centre_y_m IS NULL) = (reach_m IS NULL)",
            name=op.f("ck_saved_search_circle"),
        ),
        sa.CheckConstraint("cardinality(materials) > 0", name=op.f("ck_saved_search_materials")),
        sa.CheckConstraint("cardinality(word_begins) = cardinality(word_insides)", name=op.f("ck_saved_search_words")),
        sa.CheckConstraint(
            "unsubscribed_at IS NULL OR frequency = 'never'", name=op.f("ck_saved_search_unsubscribed_at")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["app_user.id"], name=op.f("fk_saved_search_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_search")),
    )
    op.create_index("uq_saved_search_user_id_query", "saved_search", ["user_id", sa.text("md5(query)")], unique=True)
    op.create_index("ix_saved_search_user_id", "saved_search", ["user_id"])
    op.create_index("ix_saved_search_bounds_25833", "saved_search", ["bounds_25833"], postgresql_using="gist")
    op.create_index("ix_saved_search_materials", "saved_search", ["materials"], postgresql_using="gin")
    op.create_table(
        "alert_preference",
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("default_frequency", frequency("default_frequency"), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["app_user.id"], name=op.f("fk_alert_preference_user_id")),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_alert_preference")),
    )
    op.create_table(
        "match_subscription",
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("organisation_id", sa.BigInteger(), nullable=False),
        sa.Column("frequency", frequency(), nullable=False),
        sa.Column("unsubscribed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "unsubscribed_at IS NULL OR frequency = 'never'", name=op.f("ck_match_subscription_unsubscribed_at")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["app_user.id"], name=op.f("fk_match_subscription_user_id")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_match_subscription_organisation_id")
        ),
        sa.PrimaryKeyConstraint("user_id", "organisation_id", name=op.f("pk_match_subscription")),
    )
    op.create_index(op.f("ix_match_subscription_organisation_id"), "match_subscription", ["organisation_id"])
    op.create_table(
        "alert",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("saved_search_id", sa.BigInteger(), nullable=True),
        sa.Column("listing_id", sa.BigInteger(), nullable=True),
        sa.Column("found_listing_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("awaits_mail", sa.Boolean(), nullable=False),
        sa.Column("mail_id", sa.BigInteger(), nullable=True),
        sa.Column("facts", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.CheckConstraint("num_nonnulls(saved_search_id, listing_id) = 1", name=op.f("ck_alert_source")),
        sa.CheckConstraint("(listing_id IS NULL) = (facts IS NULL)", name=op.f("ck_alert_facts")),
        sa.CheckConstraint("mail_id IS NULL OR NOT awaits_mail", name=op.f("ck_alert_awaits_mail")),
        sa.ForeignKeyConstraint(["user_id"], ["app_user.id"], name=op.f("fk_alert_user_id")),
        sa.ForeignKeyConstraint(
            ["saved_search_id"], ["saved_search.id"], name=op.f("fk_alert_saved_search_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["listing_id"], ["listing.id"], name=op.f("fk_alert_listing_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["found_listing_id"], ["listing.id"], name=op.f("fk_alert_found_listing_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["mail_id"], ["outbox_mail.id"], name=op.f("fk_alert_mail_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert")),
        sa.UniqueConstraint("saved_search_id", "found_listing_id", name="uq_alert_saved_search_id_found_listing_id"),
        sa.UniqueConstraint(
            "listing_id", "found_listing_id", "user_id", name="uq_alert_listing_id_found_listing_id_user_id"
        ),
    )
    op.create_index("ix_alert_user_id_found_listing_id", "alert", ["user_id", "found_listing_id"])
    op.create_index("ix_alert_awaits_mail", "alert", ["user_id", "created_at"], postgresql_where=sa.text("awaits_mail"))
    op.create_index(op.f("ix_alert_found_listing_id"), "alert", ["found_listing_id"])
    op.create_index(op.f("ix_alert_mail_id"), "alert", ["mail_id"])
    op.create_table(
        "listing_news",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("listing_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["listing_id"], ["listing.id"], name=op.f("fk_listing_news_listing_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_listing_news")),
    )
    op.create_index(op.f("ix_listing_news_listing_id"), "listing_news", ["listing_id"])
    op.add_column("outbox_mail", sa.Column("unsubscribe_path", sa.Text(), nullable=True))
    op.create_index("ix_outbox_mail_unsent", "outbox_mail", ["id"], postgresql_where=sa.text("sent_at IS NULL"))
    op.execute(NOTE_NEWS)
    op.execute(
        "CREATE TRIGGER listing_is_new AFTER INSERT ON listing"
        f" FOR EACH ROW WHEN ({IN_SIGHT}) EXECUTE FUNCTION note_listing_news()"
    )
    before, after = (", ".join(f"{row}.{column}" for column in SAYS) for row in ("OLD", "NEW"))
    op.execute(
        "CREATE TRIGGER listing_says_something_new AFTER UPDATE ON listing FOR EACH ROW"
        f" WHEN ({IN_SIGHT} AND ({before}) IS DISTINCT FROM ({after})) EXECUTE FUNCTION note_listing_news()"
    )


def downgrade() -> None:
    op.execute("DROP TRIGGER listing_says_something_new ON listing")
    op.execute("DROP TRIGGER listing_is_new ON listing")
    op.execute("DROP FUNCTION note_listing_news()")
    op.drop_index("ix_outbox_mail_unsent", table_name="outbox_mail")
    op.drop_column("outbox_mail", "unsubscribe_path")
    op.drop_table("listing_news")
    op.drop_table("alert")
    op.drop_table("match_subscription")
    op.drop_table("alert_preference")
    op.drop_table("saved_search")
