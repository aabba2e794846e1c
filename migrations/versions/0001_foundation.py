"""The foundation: the division of Norway, people and organisations, projects, facilities, listings, mail.

Revision ID: 0001
Revises:
"""

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geometry
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

EXTENSIONS = ("postgis", "pg_trgm", "btree_gist")


def geometry(geometry_type: str) -> Geometry:
    return Geometry(geometry_type, srid=25833, spatial_index=False)


def enumeration(*values: str, name: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=32)


def upgrade() -> None:
    for extension in EXTENSIONS:
        op.execute(f"CREATE EXTENSION IF NOT EXISTS {extension}")
    op.create_table(
        "app_user",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("email", sa.String(length=320), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("password_hash", sa.String(length=200), nullable=False),
        sa.Column("locale", sa.String(length=5), server_default="nb", nullable=False),
        sa.Column("email_confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("is_admin", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("is_example", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("session_epoch", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_app_user")),
    )
    op.create_index("uq_app_user_email", "app_user", [sa.literal_column("lower(email)")], unique=True)
    op.create_table(
        "county",
        sa.Column("number", sa.String(length=2), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_county")),
    )
    op.create_table(
        "installation",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("is_demo", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("demo_loaded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reference_hash", sa.String(length=64), nullable=True),
        sa.CheckConstraint("id = 1", name=op.f("ck_installation_single_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_installation")),
    )
    op.create_table(
        "material",
        sa.Column("key", sa.String(length=40), nullable=False),
        sa.Column("group_key", enumeration("stone", "soil", "concrete", "asphalt", name="group"), nullable=False),
        sa.Column("name_no", sa.String(length=200), nullable=False),
        sa.Column("name_en", sa.String(length=200), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_material")),
    )
    op.create_table(
        "outbox_mail",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("recipient", sa.String(length=320), nullable=False),
        sa.Column("template", sa.String(length=200), nullable=False),
        sa.Column("locale", sa.String(length=5), nullable=False),
        sa.Column("context", postgresql.JSONB(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=True),
        sa.Column("body_text", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox_mail")),
    )
    op.create_index("ix_outbox_mail_recipient", "outbox_mail", ["recipient", "id"], unique=False)
    op.create_table(
        "throttle",
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("window_started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("hits", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("key", "window_started_at", name=op.f("pk_throttle")),
    )
    op.create_table(
        "municipality",
        sa.Column("number", sa.String(length=4), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("county_number", sa.String(length=2), nullable=False),
        sa.Column("area_25833", geometry("MULTIPOLYGON"), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["county_number"], ["county.number"], name=op.f("fk_municipality_county_number")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_municipality")),
    )
    op.create_index("ix_municipality_area_25833", "municipality", ["area_25833"], unique=False, postgresql_using="gist")
    op.create_index(op.f("ix_municipality_county_number"), "municipality", ["county_number"], unique=False)
    op.create_table(
        "gazetteer_place",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("search_name", sa.String(length=200), nullable=False),
        sa.Column("kind", enumeration("county", "municipality", "town", "place", name="kind"), nullable=False),
        sa.Column("population", sa.Integer(), nullable=True),
        sa.Column("municipality_number", sa.String(length=4), nullable=True),
        sa.Column("position_25833", geometry("POINT"), nullable=False),
        sa.Column("source", sa.String(length=200), nullable=False),
        sa.Column("source_key", sa.String(length=200), nullable=False),
        sa.Column("licence", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["municipality_number"], ["municipality.number"], name=op.f("fk_gazetteer_place_municipality_number")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gazetteer_place")),
        sa.UniqueConstraint("source", "source_key", name="uq_gazetteer_place_source_source_key"),
    )
    op.create_index(
        op.f("ix_gazetteer_place_municipality_number"), "gazetteer_place", ["municipality_number"], unique=False
    )
    op.create_index(
        "ix_gazetteer_place_position_25833",
        "gazetteer_place",
        ["position_25833"],
        unique=False,
        postgresql_using="gist",
    )
    op.create_index(
        "ix_gazetteer_place_search_name",
        "gazetteer_place",
        ["search_name"],
        unique=False,
        postgresql_using="gin",
        postgresql_ops={"search_name": "gin_trgm_ops"},
    )
    op.create_table(
        "municipality_alias",
        sa.Column("old_number", sa.String(length=4), nullable=False),
        sa.Column("municipality_number", sa.String(length=4), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["municipality_number"], ["municipality.number"], name=op.f("fk_municipality_alias_municipality_number")
        ),
        sa.PrimaryKeyConstraint("old_number", "municipality_number", name=op.f("pk_municipality_alias")),
    )
    op.create_index(
        op.f("ix_municipality_alias_municipality_number"), "municipality_alias", ["municipality_number"], unique=False
    )
    op.create_table(
        "organisation",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("org_number", sa.String(length=9), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column(
            "kind",
            enumeration("contractor", "developer", "municipality", "facility_operator", "haulier", name="kind"),
            nullable=False,
        ),
        sa.Column("municipality_number", sa.String(length=4), nullable=True),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("register_checked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("is_example", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("org_number ~ '^[0-9]{9}$'", name=op.f("ck_organisation_org_number")),
        sa.ForeignKeyConstraint(
            ["municipality_number"], ["municipality.number"], name=op.f("fk_organisation_municipality_number")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organisation")),
        sa.UniqueConstraint("org_number", name=op.f("uq_organisation_org_number")),
    )
    op.create_index(op.f("ix_organisation_municipality_number"), "organisation", ["municipality_number"], unique=False)
    op.create_table(
        "facility",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("key", sa.String(length=60), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column(
            "kind", enumeration("quarry", "landfill", "recycling", "interim_storage", name="kind"), nullable=False
        ),
        sa.Column("accepts", postgresql.ARRAY(sa.String(length=40)), nullable=False),
        sa.Column("position_25833", geometry("POINT"), nullable=False),
        sa.Column("position_accuracy_m", sa.Integer(), nullable=True),
        sa.Column("municipality_number", sa.String(length=4), nullable=False),
        sa.Column("organisation_id", sa.BigInteger(), nullable=True),
        sa.Column("is_verified", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("is_example", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["municipality_number"], ["municipality.number"], name=op.f("fk_facility_municipality_number")
        ),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_facility_organisation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_facility")),
        sa.UniqueConstraint("key", name=op.f("uq_facility_key")),
    )
    op.create_index(op.f("ix_facility_municipality_number"), "facility", ["municipality_number"], unique=False)
    op.create_index(op.f("ix_facility_organisation_id"), "facility", ["organisation_id"], unique=False)
    op.create_index("ix_facility_position_25833", "facility", ["position_25833"], unique=False, postgresql_using="gist")
    op.create_table(
        "invitation",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("organisation_id", sa.BigInteger(), nullable=False),
        sa.Column("email", sa.String(length=320), nullable=False),
        sa.Column("role", enumeration("owner", "editor", "viewer", name="role"), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("invited_by_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["invited_by_id"], ["app_user.id"], name=op.f("fk_invitation_invited_by_id")),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_invitation_organisation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitation")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_invitation_token_hash")),
    )
    op.create_index(op.f("ix_invitation_organisation_id"), "invitation", ["organisation_id"], unique=False)
    op.create_index(op.f("ix_invitation_invited_by_id"), "invitation", ["invited_by_id"], unique=False)
    op.create_index(
        "uq_invitation_open",
        "invitation",
        ["organisation_id", sa.literal_column("lower(email)")],
        unique=True,
        postgresql_where=sa.text("accepted_at IS NULL AND revoked_at IS NULL"),
    )
    op.create_table(
        "membership",
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("organisation_id", sa.BigInteger(), nullable=False),
        sa.Column("role", enumeration("owner", "editor", "viewer", name="role"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_membership_organisation_id")),
        sa.ForeignKeyConstraint(["user_id"], ["app_user.id"], name=op.f("fk_membership_user_id")),
        sa.PrimaryKeyConstraint("user_id", "organisation_id", name=op.f("pk_membership")),
    )
    op.create_index(op.f("ix_membership_organisation_id"), "membership", ["organisation_id"], unique=False)
    op.create_table(
        "project",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("organisation_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column(
            "kind",
            enumeration(
                "road", "rail", "tunnel", "building", "water", "energy", "mineral_extraction", "other", name="kind"
            ),
            nullable=False,
        ),
        sa.Column("builder", sa.String(length=200), nullable=False),
        sa.Column("description", sa.Text(), server_default="", nullable=False),
        sa.Column("site_25833", geometry("GEOMETRY"), nullable=False),
        sa.Column("position_25833", geometry("POINT"), nullable=False),
        sa.Column("position_accuracy_m", sa.Integer(), nullable=True),
        sa.Column("municipality_number", sa.String(length=4), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=False),
        sa.Column("source", sa.Text(), nullable=True),
        sa.Column("is_example", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("created_by_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("ends_on >= starts_on", name=op.f("ck_project_period")),
        sa.ForeignKeyConstraint(["created_by_id"], ["app_user.id"], name=op.f("fk_project_created_by_id")),
        sa.ForeignKeyConstraint(
            ["municipality_number"], ["municipality.number"], name=op.f("fk_project_municipality_number")
        ),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_project_organisation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_project")),
    )
    op.create_index(op.f("ix_project_created_by_id"), "project", ["created_by_id"], unique=False)
    op.create_index(op.f("ix_project_municipality_number"), "project", ["municipality_number"], unique=False)
    op.create_index(op.f("ix_project_organisation_id"), "project", ["organisation_id"], unique=False)
    op.create_index("ix_project_position_25833", "project", ["position_25833"], unique=False, postgresql_using="gist")
    op.create_index("ix_project_site_25833", "project", ["site_25833"], unique=False, postgresql_using="gist")
    op.create_table(
        "listing",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("kind", enumeration("surplus", "demand", name="kind"), nullable=False),
        sa.Column("status", enumeration("draft", "published", "paused", "closed", name="status"), nullable=False),
        sa.Column("organisation_id", sa.BigInteger(), nullable=False),
        sa.Column("project_id", sa.BigInteger(), nullable=True),
        sa.Column("material_key", sa.String(length=40), nullable=False),
        sa.Column("fraction_min_mm", sa.Numeric(precision=7, scale=3), nullable=True),
        sa.Column("fraction_max_mm", sa.Numeric(precision=7, scale=3), nullable=True),
        sa.Column("mass_t", sa.Numeric(precision=14, scale=3), nullable=False),
        sa.Column("entered_value", sa.Numeric(precision=14, scale=3), nullable=False),
        sa.Column(
            "entered_unit", enumeration("t", "m3_bank", "m3_loose", "m3_placed", name="entered_unit"), nullable=False
        ),
        sa.Column("density_t_m3", sa.Numeric(precision=6, scale=3), nullable=True),
        sa.Column("min_lot_t", sa.Numeric(precision=14, scale=3), nullable=True),
        sa.Column("available_from", sa.Date(), nullable=False),
        sa.Column("available_to", sa.Date(), nullable=False),
        sa.Column("price_kind", enumeration("free", "taker_pays", "giver_pays", name="price_kind"), nullable=False),
        sa.Column("price_nok_per_t", sa.Numeric(precision=10, scale=2), nullable=True),
        sa.Column("loading", enumeration("giver", "taker", "by_agreement", name="loading"), nullable=False),
        sa.Column("haulage", enumeration("giver", "taker", "by_agreement", name="haulage"), nullable=False),
        sa.Column("max_distance_km", sa.Numeric(precision=7, scale=1), nullable=True),
        sa.Column("description", sa.Text(), server_default="", nullable=False),
        sa.Column("position_25833", geometry("POINT"), nullable=False),
        sa.Column("has_own_position", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("municipality_number", sa.String(length=4), nullable=False),
        sa.Column("search_text", sa.Text(), server_default="", nullable=False),
        sa.Column(
            "search_vector",
            postgresql.TSVECTOR(),
            sa.Computed("to_tsvector('norwegian'::regconfig, search_text)", persisted=True),
            nullable=False,
        ),
        sa.Column("is_example", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("created_by_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reminded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_reason", enumeration("owner", "expired", name="closed_reason"), nullable=True),
        sa.CheckConstraint("(entered_unit = 't') = (density_t_m3 IS NULL)", name=op.f("ck_listing_density_t_m3")),
        sa.CheckConstraint(
            "(price_kind = 'free') = (price_nok_per_t IS NULL) AND price_nok_per_t > 0",
            name=op.f("ck_listing_price_nok_per_t"),
        ),
        sa.CheckConstraint(
            "(status = 'closed') = (closed_at IS NOT NULL) AND (closed_at IS NULL) = (closed_reason IS NULL)",
            name=op.f("ck_listing_closed_at"),
        ),
        sa.CheckConstraint("status = 'draft' OR published_at IS NOT NULL", name=op.f("ck_listing_published_at")),
        sa.CheckConstraint(
            "(fraction_min_mm IS NULL) = (fraction_max_mm IS NULL) AND fraction_min_mm >= 0"
            " AND fraction_max_mm > fraction_min_mm",
            name=op.f("ck_listing_fraction"),
        ),
        sa.CheckConstraint("available_to >= available_from", name=op.f("ck_listing_period")),
        sa.CheckConstraint("entered_value > 0", name=op.f("ck_listing_entered_value")),
        sa.CheckConstraint("mass_t > 0", name=op.f("ck_listing_mass_t")),
        sa.CheckConstraint("max_distance_km > 0", name=op.f("ck_listing_max_distance_km")),
        sa.CheckConstraint("min_lot_t > 0 AND min_lot_t <= mass_t", name=op.f("ck_listing_min_lot_t")),
        sa.ForeignKeyConstraint(["created_by_id"], ["app_user.id"], name=op.f("fk_listing_created_by_id")),
        sa.ForeignKeyConstraint(["material_key"], ["material.key"], name=op.f("fk_listing_material_key")),
        sa.ForeignKeyConstraint(
            ["municipality_number"], ["municipality.number"], name=op.f("fk_listing_municipality_number")
        ),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_listing_organisation_id")),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_listing_project_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_listing")),
    )
    op.create_index(
        "ix_listing_available_to",
        "listing",
        ["available_to"],
        unique=False,
        postgresql_where=sa.text("status = 'published'"),
    )
    op.create_index(op.f("ix_listing_created_by_id"), "listing", ["created_by_id"], unique=False)
    op.create_index(
        "ix_listing_kind_material_key_position_25833",
        "listing",
        ["kind", "material_key", "position_25833"],
        unique=False,
        postgresql_using="gist",
        postgresql_where=sa.text("status = 'published'"),
    )
    op.create_index(
        "ix_listing_mass_t_id",
        "listing",
        ["mass_t", "id"],
        unique=False,
        postgresql_where=sa.text("status = 'published'"),
    )
    op.create_index(op.f("ix_listing_material_key"), "listing", ["material_key"], unique=False)
    op.create_index(op.f("ix_listing_municipality_number"), "listing", ["municipality_number"], unique=False)
    op.create_index("ix_listing_organisation_id_status", "listing", ["organisation_id", "status"], unique=False)
    op.create_index(
        "ix_listing_position_25833",
        "listing",
        ["position_25833"],
        unique=False,
        postgresql_using="gist",
        postgresql_where=sa.text("status = 'published'"),
    )
    op.create_index(op.f("ix_listing_project_id"), "listing", ["project_id"], unique=False)
    op.create_index(
        "ix_listing_published_at_id",
        "listing",
        ["published_at", "id"],
        unique=False,
        postgresql_where=sa.text("status = 'published'"),
    )
    op.create_index(
        "ix_listing_search_text",
        "listing",
        ["search_text"],
        unique=False,
        postgresql_using="gin",
        postgresql_ops={"search_text": "gin_trgm_ops"},
        postgresql_where=sa.text("status = 'published'"),
    )
    op.create_index(
        "ix_listing_search_vector",
        "listing",
        ["search_vector"],
        unique=False,
        postgresql_using="gin",
        postgresql_where=sa.text("status = 'published'"),
    )


def downgrade() -> None:
    for table in (
        "listing",
        "project",
        "membership",
        "invitation",
        "facility",
        "organisation",
        "municipality_alias",
        "gazetteer_place",
        "municipality",
        "throttle",
        "outbox_mail",
        "material",
        "installation",
        "county",
        "app_user",
    ):
        op.drop_table(table)
