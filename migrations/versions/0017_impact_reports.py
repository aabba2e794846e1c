"""Reports on what was avoided, kept as they were made.

Revision ID: 0017
Revises: 0016
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

REFUSE = """
    CREATE FUNCTION impact_report_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION USING
            ERRCODE = 'insufficient_privilege', MESSAGE = 'a report stands as it was made', TABLE = TG_TABLE_NAME;
    END
    $$
"""
APPEND_ONLY = """
    CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON impact_report
    FOR EACH STATEMENT EXECUTE FUNCTION impact_report_refuse()
"""


def upgrade() -> None:
    op.create_table(
        "impact_report",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "climate_statement",
                "yearly_report",
                name="kind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("project_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "municipality_numbers",
            postgresql.ARRAY(sa.String(length=4)),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
        sa.Column("is_full", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=True),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("content", postgresql.JSONB(), nullable=False),
        sa.Column("content_sha256", sa.String(length=64), nullable=False),
        sa.Column("made_by_id", sa.BigInteger(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(kind = 'climate_statement') = (project_id IS NOT NULL)", name=op.f("ck_impact_report_project_id")
        ),
        sa.CheckConstraint("project_id IS NULL OR municipality_numbers = '{}'", name=op.f("ck_impact_report_region")),
        sa.CheckConstraint("starts_on <= ends_on", name=op.f("ck_impact_report_period")),
        sa.CheckConstraint(
            "kind <> 'yearly_report' OR num_nulls(starts_on, ends_on) = 0", name=op.f("ck_impact_report_year")
        ),
        sa.ForeignKeyConstraint(["made_by_id"], ["app_user.id"], name=op.f("fk_impact_report_made_by_id")),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_impact_report_project_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_impact_report")),
    )
    op.create_index("ix_impact_report_project_id_made_at", "impact_report", ["project_id", "made_at"])
    op.create_index(
        "ix_impact_report_municipality_numbers_made_at",
        "impact_report",
        ["municipality_numbers", "made_at"],
        postgresql_where=sa.text("project_id IS NULL"),
    )
    op.create_index(op.f("ix_impact_report_made_by_id"), "impact_report", ["made_by_id"])
    op.execute(REFUSE)
    op.execute(APPEND_ONLY)


def downgrade() -> None:
    op.drop_table("impact_report")
    op.execute("DROP FUNCTION impact_report_refuse()")
