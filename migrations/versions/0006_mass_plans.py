"""Mass balances of projects by quarter, and their targets for less surplus.

Revision ID: 0006
Revises: 0005
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "mass_plan_row",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("project_id", sa.BigInteger(), nullable=False),
        sa.Column("material_key", sa.String(length=40), nullable=False),
        sa.Column("year", sa.SmallInteger(), nullable=False),
        sa.Column("quarter", sa.SmallInteger(), nullable=False),
        sa.Column("excavated_low_t", sa.Numeric(precision=14, scale=3), nullable=False),
        sa.Column("excavated_t", sa.Numeric(precision=14, scale=3), nullable=False),
        sa.Column("excavated_high_t", sa.Numeric(precision=14, scale=3), nullable=False),
        sa.Column("reused_low_t", sa.Numeric(precision=14, scale=3), nullable=False),
        sa.Column("reused_t", sa.Numeric(precision=14, scale=3), nullable=False),
        sa.Column("reused_high_t", sa.Numeric(precision=14, scale=3), nullable=False),
        sa.Column("needed_low_t", sa.Numeric(precision=14, scale=3), nullable=False),
        sa.Column("needed_t", sa.Numeric(precision=14, scale=3), nullable=False),
        sa.Column("needed_high_t", sa.Numeric(precision=14, scale=3), nullable=False),
        sa.Column("actual_excavated_t", sa.Numeric(precision=14, scale=3), nullable=True),
        sa.Column("actual_reused_t", sa.Numeric(precision=14, scale=3), nullable=True),
        sa.Column("actual_passed_on_t", sa.Numeric(precision=14, scale=3), nullable=True),
        sa.Column("actual_disposed_t", sa.Numeric(precision=14, scale=3), nullable=True),
        sa.Column("note", sa.String(length=500), server_default="", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "actual_excavated_t >= 0 AND actual_reused_t >= 0 AND actual_passed_on_t >= 0 AND actual_disposed_t >= 0",
            name=op.f("ck_mass_plan_row_actual"),
        ),
        sa.CheckConstraint(
            "excavated_low_t >= 0 AND excavated_low_t <= excavated_t AND excavated_t <= excavated_high_t",
            name=op.f("ck_mass_plan_row_excavated"),
        ),
        sa.CheckConstraint(
            "needed_low_t >= 0 AND needed_low_t <= needed_t AND needed_t <= needed_high_t",
            name=op.f("ck_mass_plan_row_needed"),
        ),
        sa.CheckConstraint("quarter BETWEEN 1 AND 4", name=op.f("ck_mass_plan_row_quarter")),
        sa.CheckConstraint(
            "reused_low_t >= 0 AND reused_low_t <= reused_t AND reused_t <= reused_high_t",
            name=op.f("ck_mass_plan_row_reused"),
        ),
        sa.CheckConstraint(
            "reused_t <= excavated_t AND reused_t <= needed_t", name=op.f("ck_mass_plan_row_reused_within")
        ),
        sa.CheckConstraint("year BETWEEN 2000 AND 2200", name=op.f("ck_mass_plan_row_year")),
        sa.ForeignKeyConstraint(["material_key"], ["material.key"], name=op.f("fk_mass_plan_row_material_key")),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name=op.f("fk_mass_plan_row_project_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mass_plan_row")),
    )
    op.create_index(op.f("ix_mass_plan_row_material_key"), "mass_plan_row", ["material_key"], unique=False)
    op.create_index(
        "uq_mass_plan_row_project_id_year_quarter_material_key",
        "mass_plan_row",
        ["project_id", "year", "quarter", "material_key"],
        unique=True,
    )
    op.create_table(
        "reduction_target",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("project_id", sa.BigInteger(), nullable=False),
        sa.Column("year", sa.SmallInteger(), nullable=False),
        sa.Column("surplus_target_t", sa.Numeric(precision=14, scale=3), nullable=False),
        sa.Column("measures", sa.Text(), server_default="", nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("surplus_target_t >= 0", name=op.f("ck_reduction_target_surplus_target_t")),
        sa.CheckConstraint("year BETWEEN 2000 AND 2200", name=op.f("ck_reduction_target_year")),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name=op.f("fk_reduction_target_project_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reduction_target")),
    )
    op.create_index("uq_reduction_target_project_id_year", "reduction_target", ["project_id", "year"], unique=True)
    op.add_column("listing", sa.Column("plan_row_id", sa.BigInteger(), nullable=True))
    op.create_index(op.f("ix_listing_plan_row_id"), "listing", ["plan_row_id"], unique=False)
    op.create_index(
        "uq_listing_plan_row_id_kind",
        "listing",
        ["plan_row_id", "kind"],
        unique=True,
        postgresql_where=sa.text("plan_row_id IS NOT NULL AND status <> 'closed'"),
    )
    op.create_foreign_key(
        op.f("fk_listing_plan_row_id"), "listing", "mass_plan_row", ["plan_row_id"], ["id"], ondelete="SET NULL"
    )
    op.create_table(
        "planned_listing",
        sa.Column("listing_id", sa.BigInteger(), nullable=False),
        sa.Column("mass_t", sa.Numeric(precision=14, scale=3), nullable=False),
        sa.Column("available_from", sa.Date(), nullable=False),
        sa.Column("available_to", sa.Date(), nullable=False),
        sa.Column("description", sa.Text(), server_default="", nullable=False),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["listing_id"], ["listing.id"], name=op.f("fk_planned_listing_listing_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("listing_id", name=op.f("pk_planned_listing")),
    )


def downgrade() -> None:
    op.drop_table("planned_listing")
    op.drop_column("listing", "plan_row_id")
    op.drop_table("reduction_target")
    op.drop_table("mass_plan_row")
