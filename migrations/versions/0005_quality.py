"""Documents, laboratory results and declarations; what a listing rests on, who may see it, and whether it still stands.

A surplus that was published before has no documentation, and is paused until its owner has given some.

Revision ID: 0005
Revises: 0004
"""

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geometry
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def enumeration(*values: str, name: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=32)


def upgrade() -> None:
    op.create_table(
        "document",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("organisation_id", sa.BigInteger(), nullable=False),
        sa.Column("listing_id", sa.BigInteger(), nullable=True),
        sa.Column("facility_id", sa.BigInteger(), nullable=True),
        sa.Column("project_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "kind", enumeration("photo", "lab_report", "certificate", "permit", "other", name="kind"), nullable=False
        ),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("file_name", sa.String(length=200), nullable=False),
        sa.Column("media_type", sa.String(length=80), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("width_px", sa.Integer(), nullable=True),
        sa.Column("height_px", sa.Integer(), nullable=True),
        sa.Column("alt_text", sa.String(length=200), server_default="", nullable=False),
        sa.Column("ordinal", sa.Integer(), server_default="0", nullable=False),
        sa.Column("is_shared", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("upload_id", sa.Uuid(), nullable=False),
        sa.Column("uploaded_by_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(kind = 'photo') = (width_px IS NOT NULL AND height_px IS NOT NULL)", name=op.f("ck_document_photo_size")
        ),
        sa.CheckConstraint(
            "num_nonnulls(listing_id, facility_id, project_id) = 1", name=op.f("ck_document_belongs_to_one")
        ),
        sa.CheckConstraint("size_bytes > 0", name=op.f("ck_document_size_bytes")),
        sa.ForeignKeyConstraint(["facility_id"], ["facility.id"], name=op.f("fk_document_facility_id")),
        sa.ForeignKeyConstraint(
            ["listing_id"], ["listing.id"], name=op.f("fk_document_listing_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_document_organisation_id")),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_document_project_id")),
        sa.ForeignKeyConstraint(["uploaded_by_id"], ["app_user.id"], name=op.f("fk_document_uploaded_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_document")),
    )
    op.create_index("ix_document_facility_id", "document", ["facility_id"], unique=False)
    op.create_index(op.f("ix_document_listing_id"), "document", ["listing_id"], unique=False)
    op.create_index("ix_document_project_id", "document", ["project_id"], unique=False)
    op.create_index("ix_document_sha256", "document", ["sha256"], unique=False)
    op.create_index(op.f("ix_document_uploaded_by_id"), "document", ["uploaded_by_id"], unique=False)
    op.create_index(
        "uq_document_listing_id_sha256",
        "document",
        ["listing_id", "sha256"],
        unique=True,
        postgresql_where=sa.text("removed_at IS NULL"),
    )
    op.create_index("uq_document_organisation_id_upload_id", "document", ["organisation_id", "upload_id"], unique=True)
    op.create_table(
        "background_override",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("listing_id", sa.BigInteger(), nullable=False),
        sa.Column("parameter", sa.String(length=40), nullable=False),
        sa.Column("background_mg_kg", sa.Numeric(precision=20, scale=9), nullable=False),
        sa.Column("document_id", sa.BigInteger(), nullable=False),
        sa.Column("stated_by", sa.String(length=200), nullable=False),
        sa.Column("stated_on", sa.Date(), nullable=False),
        sa.Column("created_by_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("background_mg_kg > 0", name=op.f("ck_background_override_background_mg_kg")),
        sa.ForeignKeyConstraint(["created_by_id"], ["app_user.id"], name=op.f("fk_background_override_created_by_id")),
        sa.ForeignKeyConstraint(["document_id"], ["document.id"], name=op.f("fk_background_override_document_id")),
        sa.ForeignKeyConstraint(
            ["listing_id"], ["listing.id"], name=op.f("fk_background_override_listing_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_background_override")),
    )
    op.create_index(
        op.f("ix_background_override_created_by_id"), "background_override", ["created_by_id"], unique=False
    )
    op.create_index(op.f("ix_background_override_document_id"), "background_override", ["document_id"], unique=False)
    op.create_index(op.f("ix_background_override_listing_id"), "background_override", ["listing_id"], unique=False)
    op.create_index(
        "uq_background_override_listing_id_parameter",
        "background_override",
        ["listing_id", "parameter"],
        unique=True,
        postgresql_where=sa.text("removed_at IS NULL"),
    )
    op.create_table(
        "declaration",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("listing_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "kind",
            enumeration(
                "virgin_area",
                "not_acid_forming",
                "alien_species",
                "farmland_pests",
                "no_plant_waste",
                "no_foreign_parts",
                "no_coating",
                "flakes_stored_since",
                name="kind",
            ),
            nullable=False,
        ),
        sa.Column("is_confirmed", sa.Boolean(), nullable=False),
        sa.Column("basis", sa.Text(), server_default="", nullable=False),
        sa.Column("since_on", sa.Date(), nullable=True),
        sa.Column("document_id", sa.BigInteger(), nullable=True),
        sa.Column("stated_by", sa.String(length=200), nullable=False),
        sa.Column("stated_on", sa.Date(), nullable=False),
        sa.Column("created_by_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["created_by_id"], ["app_user.id"], name=op.f("fk_declaration_created_by_id")),
        sa.ForeignKeyConstraint(["document_id"], ["document.id"], name=op.f("fk_declaration_document_id")),
        sa.ForeignKeyConstraint(
            ["listing_id"], ["listing.id"], name=op.f("fk_declaration_listing_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_declaration")),
    )
    op.create_index(op.f("ix_declaration_created_by_id"), "declaration", ["created_by_id"], unique=False)
    op.create_index(op.f("ix_declaration_document_id"), "declaration", ["document_id"], unique=False)
    op.create_index(op.f("ix_declaration_listing_id"), "declaration", ["listing_id"], unique=False)
    op.create_index(
        "uq_declaration_listing_id_kind",
        "declaration",
        ["listing_id", "kind"],
        unique=True,
        postgresql_where=sa.text("removed_at IS NULL"),
    )
    op.create_table(
        "lab_report",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("listing_id", sa.BigInteger(), nullable=False),
        sa.Column("laboratory", sa.String(length=200), nullable=True),
        sa.Column("report_number", sa.String(length=200), nullable=True),
        sa.Column("sampled_on", sa.Date(), nullable=True),
        sa.Column("document_id", sa.BigInteger(), nullable=True),
        sa.Column("source", enumeration("typed", "pasted", "file", name="source"), nullable=False),
        sa.Column("file_name", sa.String(length=200), nullable=True),
        sa.Column("file_sha256", sa.String(length=64), nullable=True),
        sa.Column("created_by_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["created_by_id"], ["app_user.id"], name=op.f("fk_lab_report_created_by_id")),
        sa.ForeignKeyConstraint(["document_id"], ["document.id"], name=op.f("fk_lab_report_document_id")),
        sa.ForeignKeyConstraint(
            ["listing_id"], ["listing.id"], name=op.f("fk_lab_report_listing_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lab_report")),
    )
    op.create_index(op.f("ix_lab_report_created_by_id"), "lab_report", ["created_by_id"], unique=False)
    op.create_index(op.f("ix_lab_report_document_id"), "lab_report", ["document_id"], unique=False)
    op.create_index("ix_lab_report_listing_id", "lab_report", ["listing_id"], unique=False)
    op.create_table(
        "lab_sample",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("report_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("medium", enumeration("mass", "coating", name="medium"), nullable=False),
        sa.Column("layer", sa.String(length=40), nullable=True),
        sa.ForeignKeyConstraint(
            ["report_id"], ["lab_report.id"], name=op.f("fk_lab_sample_report_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lab_sample")),
    )
    op.create_index("uq_lab_sample_report_id_name_medium", "lab_sample", ["report_id", "name", "medium"], unique=True)
    op.create_table(
        "lab_value",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("sample_id", sa.BigInteger(), nullable=False),
        sa.Column("parameter", sa.String(length=40), nullable=False),
        sa.Column("value_mg_kg", sa.Numeric(precision=20, scale=9), nullable=False),
        sa.Column("is_below", sa.Boolean(), nullable=False),
        sa.Column("entered_value", sa.String(length=40), nullable=False),
        sa.Column("entered_unit", sa.String(length=40), nullable=False),
        sa.CheckConstraint("value_mg_kg >= 0", name=op.f("ck_lab_value_value_mg_kg")),
        sa.ForeignKeyConstraint(
            ["sample_id"], ["lab_sample.id"], name=op.f("fk_lab_value_sample_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lab_value")),
    )
    op.create_index("uq_lab_value_sample_id_parameter", "lab_value", ["sample_id", "parameter"], unique=True)
    op.create_table(
        "lab_draft",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("listing_id", sa.BigInteger(), nullable=False),
        sa.Column("source", enumeration("typed", "pasted", "file", name="source"), nullable=False),
        sa.Column("file_name", sa.String(length=200), nullable=True),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("said", postgresql.JSONB(), server_default="{}", nullable=False),
        sa.Column("created_by_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["created_by_id"], ["app_user.id"], name=op.f("fk_lab_draft_created_by_id")),
        sa.ForeignKeyConstraint(
            ["listing_id"], ["listing.id"], name=op.f("fk_lab_draft_listing_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lab_draft")),
    )
    op.create_index("ix_lab_draft_created_at", "lab_draft", ["created_at"], unique=False)
    op.create_index(op.f("ix_lab_draft_created_by_id"), "lab_draft", ["created_by_id"], unique=False)
    op.create_index(op.f("ix_lab_draft_listing_id"), "lab_draft", ["listing_id"], unique=False)
    op.add_column(
        "installation",
        sa.Column("position_secret", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
    )
    op.add_column("listing", sa.Column("hides_position", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.add_column(
        "listing", sa.Column("exact_position_25833", Geometry("POINT", srid=25833, spatial_index=False), nullable=True)
    )
    op.add_column(
        "listing",
        sa.Column(
            "documentation",
            enumeration("none", "declared", "tested", name="documentation"),
            server_default="none",
            nullable=False,
        ),
    )
    op.add_column(
        "listing",
        sa.Column(
            "quality_outcome",
            enumeration("clean", "conditional", "contaminated", "hazardous", "unknown", name="quality_outcome"),
            nullable=True,
        ),
    )
    op.add_column("listing", sa.Column("quality_class", sa.SmallInteger(), nullable=True))
    op.add_column("listing", sa.Column("limits_version", sa.String(length=40), nullable=True))
    op.add_column(
        "listing", sa.Column("accepts_declared", sa.Boolean(), server_default=sa.text("true"), nullable=False)
    )
    op.add_column("listing", sa.Column("accepts_class_max", sa.SmallInteger(), server_default="1", nullable=False))
    op.add_column(
        "listing", sa.Column("passport_token", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False)
    )
    op.add_column(
        "listing",
        sa.Column(
            "passport_audience",
            enumeration("link", "public", name="passport_audience"),
            server_default="link",
            nullable=False,
        ),
    )
    op.add_column("listing", sa.Column("renewed_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("listing", sa.Column("asked_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "listing",
        sa.Column("paused_reason", enumeration("owner", "quality", "unanswered", name="paused_reason"), nullable=True),
    )
    op.drop_index(
        op.f("ix_listing_published_at_id"),
        table_name="listing",
        postgresql_where="((status)::text = 'published'::text)",
    )
    op.create_index(
        "ix_listing_exact_position_25833",
        "listing",
        ["exact_position_25833"],
        unique=False,
        postgresql_using="gist",
        postgresql_where=sa.text("hides_position"),
    )
    op.drop_index("ix_listing_counting", table_name="listing")
    op.create_index(
        "ix_listing_counting",
        "listing",
        ["kind", "documentation", "material_key", "municipality_number", "available_to"],
        unique=False,
        postgresql_where=sa.text("status = 'published'"),
    )
    op.create_index(
        "ix_listing_renewed_at_id",
        "listing",
        ["renewed_at", "id"],
        unique=False,
        postgresql_where=sa.text("status = 'published'"),
    )
    op.create_unique_constraint(op.f("uq_listing_passport_token"), "listing", ["passport_token"])
    op.execute("UPDATE listing SET renewed_at = published_at")
    op.execute("UPDATE listing SET paused_reason = 'owner' WHERE status = 'paused'")
    op.execute(
        "UPDATE listing SET status = 'paused', paused_reason = 'quality' "
        "WHERE status = 'published' AND kind = 'surplus'"
    )
    op.create_check_constraint(
        op.f("ck_listing_renewed_at"), "listing", "status <> 'published' OR renewed_at IS NOT NULL"
    )
    op.create_check_constraint(
        op.f("ck_listing_paused"), "listing", "(status = 'paused') = (paused_reason IS NOT NULL)"
    )
    op.create_check_constraint(op.f("ck_listing_quality_class"), "listing", "quality_class BETWEEN 1 AND 6")
    op.create_check_constraint(op.f("ck_listing_accepts_class_max"), "listing", "accepts_class_max BETWEEN 1 AND 5")
    op.create_check_constraint(
        op.f("ck_listing_hides_position"), "listing", "hides_position = (exact_position_25833 IS NOT NULL)"
    )
    op.create_check_constraint(
        op.f("ck_listing_clean"),
        "listing",
        "status <> 'published' OR kind <> 'surplus' OR (documentation <> 'none' AND coalesce(quality_class, 1) = 1"
        " AND coalesce(quality_outcome, 'clean') NOT IN ('contaminated', 'hazardous'))",
    )


def downgrade() -> None:
    op.drop_constraint(op.f("ck_listing_clean"), "listing", type_="check")
    op.drop_constraint(op.f("ck_listing_hides_position"), "listing", type_="check")
    op.drop_constraint(op.f("ck_listing_accepts_class_max"), "listing", type_="check")
    op.drop_constraint(op.f("ck_listing_quality_class"), "listing", type_="check")
    op.drop_constraint(op.f("ck_listing_paused"), "listing", type_="check")
    op.drop_constraint(op.f("ck_listing_renewed_at"), "listing", type_="check")
    op.drop_column("listing", "paused_reason")
    op.drop_column("listing", "asked_at")
    op.drop_column("listing", "renewed_at")
    op.drop_column("listing", "passport_audience")
    op.drop_column("listing", "passport_token")
    op.drop_column("listing", "accepts_class_max")
    op.drop_column("listing", "accepts_declared")
    op.drop_column("listing", "limits_version")
    op.drop_column("listing", "quality_class")
    op.drop_column("listing", "quality_outcome")
    op.drop_index("ix_listing_counting", table_name="listing")
    op.drop_column("listing", "documentation")
    op.create_index(
        "ix_listing_counting",
        "listing",
        ["kind", "material_key", "municipality_number", "available_to"],
        postgresql_where=sa.text("status = 'published'"),
    )
    op.drop_column("listing", "exact_position_25833")
    op.drop_column("listing", "hides_position")
    op.drop_column("installation", "position_secret")
    op.drop_table("lab_draft")
    op.drop_table("lab_value")
    op.drop_table("lab_sample")
    op.drop_table("lab_report")
    op.drop_table("declaration")
    op.drop_table("background_override")
    op.drop_table("document")
    op.create_index(
        "ix_listing_published_at_id",
        "listing",
        ["published_at", "id"],
        postgresql_where=sa.text("status = 'published'"),
    )
