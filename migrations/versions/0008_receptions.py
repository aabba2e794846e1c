"""What facilities take in: capacity, price, permit, and a listing of it for each material.

Revision ID: 0008
Revises: 0007
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("facility", sa.Column("accepts_class_max", sa.SmallInteger(), server_default="1", nullable=False))
    op.add_column(
        "facility", sa.Column("accepts_declared", sa.Boolean(), server_default=sa.text("true"), nullable=False)
    )
    op.add_column("facility", sa.Column("capacity_t", sa.Numeric(precision=14, scale=3), nullable=True))
    op.add_column("facility", sa.Column("capacity_left_t", sa.Numeric(precision=14, scale=3), nullable=True))
    op.add_column("facility", sa.Column("capacity_reported_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("facility", sa.Column("reception_price_nok_per_t", sa.Numeric(precision=10, scale=2), nullable=True))
    op.add_column("facility", sa.Column("opens_on", sa.Date(), nullable=True))
    op.add_column("facility", sa.Column("closes_on", sa.Date(), nullable=True))
    op.add_column("facility", sa.Column("opening_hours", sa.String(length=200), nullable=True))
    op.add_column("facility", sa.Column("permit_reference", sa.String(length=200), nullable=True))
    op.add_column("facility", sa.Column("permit_ends_on", sa.Date(), nullable=True))
    op.add_column("facility", sa.Column("created_by_id", sa.BigInteger(), nullable=True))
    op.add_column("facility", sa.Column("updated_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("facility", sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index(op.f("ix_facility_created_by_id"), "facility", ["created_by_id"], unique=False)
    op.create_foreign_key(op.f("fk_facility_created_by_id"), "facility", "app_user", ["created_by_id"], ["id"])
    op.add_column("listing", sa.Column("facility_id", sa.BigInteger(), nullable=True))
    op.create_index(op.f("ix_listing_facility_id"), "listing", ["facility_id"], unique=False)
    op.create_index(
        "uq_listing_facility_id_material_key",
        "listing",
        ["facility_id", "material_key"],
        unique=True,
        postgresql_where=sa.text("facility_id IS NOT NULL AND status <> 'closed'"),
    )
    op.create_foreign_key(op.f("fk_listing_facility_id"), "listing", "facility", ["facility_id"], ["id"])
    op.drop_constraint(op.f("ck_listing_kind"), "listing", type_="check")
    op.create_check_constraint(op.f("ck_listing_kind"), "listing", "kind IN ('surplus', 'demand', 'reception')")
    op.create_check_constraint(op.f("ck_facility_accepts_class_max"), "facility", "accepts_class_max BETWEEN 1 AND 5")
    op.create_check_constraint(op.f("ck_facility_capacity_t"), "facility", "capacity_t > 0")
    op.create_check_constraint(
        op.f("ck_facility_capacity_left_t"), "facility", "capacity_left_t >= 0 AND capacity_left_t <= capacity_t"
    )
    op.create_check_constraint(
        op.f("ck_facility_capacity_known"), "facility", "capacity_t IS NOT NULL OR capacity_left_t IS NULL"
    )
    op.create_check_constraint(
        op.f("ck_facility_reception_price_nok_per_t"), "facility", "reception_price_nok_per_t >= 0"
    )
    op.create_check_constraint(op.f("ck_facility_period"), "facility", "closes_on >= opens_on")
    op.create_check_constraint(
        op.f("ck_facility_permit_for_class"), "facility", "accepts_class_max = 1 OR permit_reference IS NOT NULL"
    )
    op.drop_constraint(op.f("ck_listing_paused_reason"), "listing", type_="check")
    op.create_check_constraint(
        op.f("ck_listing_paused_reason"), "listing", "paused_reason IN ('owner', 'quality', 'unanswered', 'full')"
    )
    op.create_check_constraint(
        op.f("ck_listing_facility_id"), "listing", "(kind = 'reception') = (facility_id IS NOT NULL)"
    )


def downgrade() -> None:
    op.drop_constraint(op.f("ck_listing_facility_id"), "listing", type_="check")
    op.execute("DELETE FROM listing WHERE kind = 'reception'")
    op.drop_constraint(op.f("ck_listing_kind"), "listing", type_="check")
    op.create_check_constraint(op.f("ck_listing_kind"), "listing", "kind IN ('surplus', 'demand')")
    op.drop_constraint(op.f("ck_listing_paused_reason"), "listing", type_="check")
    op.create_check_constraint(
        op.f("ck_listing_paused_reason"), "listing", "paused_reason IN ('owner', 'quality', 'unanswered')"
    )
    op.drop_column("listing", "facility_id")
    op.drop_column("facility", "closed_at")
    op.drop_column("facility", "updated_at")
    op.drop_column("facility", "created_by_id")
    op.drop_column("facility", "permit_ends_on")
    op.drop_column("facility", "permit_reference")
    op.drop_column("facility", "opening_hours")
    op.drop_column("facility", "closes_on")
    op.drop_column("facility", "opens_on")
    op.drop_column("facility", "reception_price_nok_per_t")
    op.drop_column("facility", "capacity_reported_at")
    op.drop_column("facility", "capacity_left_t")
    op.drop_column("facility", "capacity_t")
    op.drop_column("facility", "accepts_declared")
    op.drop_column("facility", "accepts_class_max")
