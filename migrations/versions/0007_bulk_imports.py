"""Files of many rows: staged, checked, applied.

Revision ID: 0007
Revises: 0006
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def enumeration(*values: str, name: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=32)


def upgrade() -> None:
    op.create_table(
        "import_batch",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("organisation_id", sa.BigInteger(), nullable=False),
        sa.Column("project_id", sa.BigInteger(), nullable=True),
        sa.Column("kind", enumeration("listings", "plan", name="kind"), nullable=False),
        sa.Column(
            "status",
            enumeration("staged", "checked", "applying", "applied", "failed", "discarded", name="status"),
            nullable=False,
        ),
        sa.Column("file_name", sa.String(length=200), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("header", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("decimal_sign", sa.String(length=1), server_default=",", nullable=False),
        sa.Column("row_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("good_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("bad_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("done_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("problem", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("created_by_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("applied_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(kind = 'plan') = (project_id IS NOT NULL)", name=op.f("ck_import_batch_project_id")),
        sa.ForeignKeyConstraint(["created_by_id"], ["app_user.id"], name=op.f("fk_import_batch_created_by_id")),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_import_batch_organisation_id")),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_import_batch_project_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_batch")),
    )
    op.create_index(op.f("ix_import_batch_created_by_id"), "import_batch", ["created_by_id"], unique=False)
    op.create_index(
        "ix_import_batch_organisation_id_created_at", "import_batch", ["organisation_id", "created_at"], unique=False
    )
    op.create_index(op.f("ix_import_batch_project_id"), "import_batch", ["project_id"], unique=False)
    op.create_table(
        "import_row",
        sa.Column("batch_id", sa.BigInteger(), nullable=False),
        sa.Column("line", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("cells", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column(
            "status", enumeration("staged", "good", "bad", "applied", "unchanged", name="status"), nullable=False
        ),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.Column("problems", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False),
        sa.Column("listing_id", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["batch_id"], ["import_batch.id"], name=op.f("fk_import_row_batch_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["listing_id"], ["listing.id"], name=op.f("fk_import_row_listing_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("batch_id", "line", name=op.f("pk_import_row")),
    )
    op.create_index("ix_import_row_batch_id_status_line", "import_row", ["batch_id", "status", "line"], unique=False)
    op.create_index(op.f("ix_import_row_listing_id"), "import_row", ["listing_id"], unique=False)
    op.add_column("listing", sa.Column("external_reference", sa.String(length=80), nullable=True))
    op.create_index(
        "uq_listing_organisation_id_external_reference",
        "listing",
        ["organisation_id", "external_reference"],
        unique=True,
        postgresql_where=sa.text("external_reference IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_column("listing", "external_reference")
    op.drop_table("import_row")
    op.drop_table("import_batch")
