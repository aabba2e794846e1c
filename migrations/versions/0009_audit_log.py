"""What happened, to what, by whom: append-only and chained by hashes.

Revision ID: 0009
Revises: 0008
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from marketplace.audit_triggers import audited, through, unaudited

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

TABLES = ("audit_entry", "audit_reader", "audit_seal")
AUDITED = (
    "app_user",
    "organisation",
    "membership",
    "invitation",
    "project",
    "facility",
    "listing",
    "document",
    "lab_report",
    "lab_sample",
    "lab_value",
    "declaration",
    "background_override",
    "mass_plan_row",
    "reduction_target",
)

PLACE = """
    CREATE FUNCTION audit_place(geojson jsonb) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE STRICT AS $$
    DECLARE
        -- What is kept of a geometry: where it is, and for more than a point a hash that tells two apart.
        shape geometry;
        centre geometry;
    BEGIN
        IF geojson = 'null' THEN RETURN geojson; END IF;
        shape := ST_SetSRID(ST_GeomFromGeoJSON(geojson), 25833);
        centre := ST_Transform(ST_Centroid(shape), 4326);
        RETURN jsonb_build_object('lon', round(ST_X(centre)::numeric, 6), 'lat', round(ST_Y(centre)::numeric, 6)) ||
            CASE WHEN GeometryType(shape) = 'POINT' THEN '{}'::jsonb ELSE jsonb_build_object(
                'type', GeometryType(shape), 'sha256', encode(sha256(ST_AsBinary(shape)), 'hex')) END;
    END
    $$
"""

VALUE = """
    CREATE FUNCTION audit_value(name text, value jsonb, masked text[]) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
        SELECT CASE
            WHEN value = 'null' THEN value
            WHEN name = ANY (masked) THEN '"***"'::jsonb
            WHEN right(name, 6) = '_25833' THEN audit_place(value)
            ELSE value
        END
    $$
"""

WRITE = """
    CREATE FUNCTION audit_write(
        of_table text, of_row bigint, of_type text, of_id bigint, readers bigint[], what text,
        old_row jsonb, new_row jsonb, without text[], masked text[]
    ) RETURNS void LANGUAGE plpgsql AS $$
    DECLARE
        old_values jsonb;
        new_values jsonb;
        entry bigint;
    BEGIN
        IF what = 'update' THEN
            SELECT jsonb_object_agg(o.key, audit_value(o.key, o.value, masked)),
                   jsonb_object_agg(o.key, audit_value(o.key, n.value, masked))
            INTO old_values, new_values
            FROM jsonb_each(old_row - without) o JOIN jsonb_each(new_row - without) n USING (key)
            WHERE o.value IS DISTINCT FROM n.value;
            IF new_values IS NULL THEN RETURN; END IF;
        ELSIF what = 'insert' THEN
            SELECT jsonb_object_agg(key, audit_value(key, value, masked)) INTO new_values
            FROM jsonb_each(new_row - without) WHERE value <> 'null';
        ELSIF what = 'delete' THEN
            SELECT jsonb_object_agg(key, audit_value(key, value, masked)) INTO old_values
            FROM jsonb_each(old_row - without) WHERE value <> 'null';
        END IF;
        SELECT coalesce(array_agg(DISTINCT id ORDER BY id), '{}') INTO readers
        FROM unnest(readers) AS id WHERE id IS NOT NULL;
        IF what = 'delete' AND readers = '{}' THEN
            -- What it belonged to went just before it, and the way to the organisation with that.
            SELECT coalesce((SELECT e.organisation_ids FROM audit_entry e
                WHERE e.subject_type = of_type AND e.subject_id = of_id ORDER BY e.id DESC LIMIT 1), '{}')
            INTO readers;
        END IF;
        INSERT INTO audit_entry (
            actor_user_id, actor_label, request_id, organisation_ids, subject_type, subject_id, table_name, row_id,
            action, before, after
        ) VALUES (
            nullif(current_setting('masseflyt.actor_user_id', true), '')::bigint,
            coalesce(nullif(current_setting('masseflyt.actor_label', true), ''), 'system'),
            nullif(current_setting('masseflyt.request_id', true), ''),
            readers, coalesce(of_type, of_table), coalesce(of_id, of_row), of_table, of_row, what,
            old_values, new_values
        ) RETURNING id INTO entry;
        INSERT INTO audit_reader (organisation_id, entry_id) SELECT id, entry FROM unnest(readers) AS id;
    END
    $$
"""

CANONICAL = """
    CREATE FUNCTION audit_canonical(e audit_entry) RETURNS text LANGUAGE sql IMMUTABLE AS $$
        SELECT jsonb_build_array(
            e.id, to_char(e.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), e.actor_user_id, e.actor_label,
            e.request_id, to_jsonb(e.organisation_ids), e.subject_type, e.subject_id, e.table_name, e.row_id, e.action,
            e.before, e.after
        )::text
    $$
"""

SEAL = """
    CREATE FUNCTION audit_seal_entry() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        head audit_seal;
    BEGIN
        -- Runs while committing and to the end of it: one transaction at a time extends the chain.
        PERFORM pg_advisory_xact_lock(110473118041460);
        SELECT * INTO head FROM audit_seal ORDER BY seq DESC LIMIT 1;
        IF NOT FOUND THEN
            head.seq := 0;
            head.hash := decode(repeat('00', 32), 'hex');
        END IF;
        INSERT INTO audit_seal (seq, entry_id, previous_hash, hash) VALUES (
            head.seq + 1, NEW.id, head.hash,
            sha256(head.hash || convert_to(audit_canonical(NEW), 'UTF8'))
        );
        RETURN NULL;
    END
    $$
"""

SEAL_TRIGGER = """
    CREATE CONSTRAINT TRIGGER audit_seal AFTER INSERT ON audit_entry
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION audit_seal_entry()
"""

REFUSE = """
    CREATE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION USING
            ERRCODE = 'insufficient_privilege', MESSAGE = 'the audit log is append-only', TABLE = TG_TABLE_NAME;
    END
    $$
"""


def upgrade() -> None:
    op.create_table(
        "audit_entry",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("actor_user_id", sa.BigInteger(), nullable=True),
        sa.Column("actor_label", sa.String(length=80), nullable=False),
        sa.Column("request_id", sa.String(length=64), nullable=True),
        sa.Column("organisation_ids", postgresql.ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("subject_type", sa.String(length=63), nullable=False),
        sa.Column("subject_id", sa.BigInteger(), nullable=True),
        sa.Column("table_name", sa.String(length=63), nullable=False),
        sa.Column("row_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "action",
            sa.Enum(
                "insert",
                "update",
                "delete",
                "truncate",
                "note",
                name="action",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("before", postgresql.JSONB(), nullable=True),
        sa.Column("after", postgresql.JSONB(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_entry")),
    )
    op.create_index("ix_audit_entry_at", "audit_entry", ["at"])
    op.create_index("ix_audit_entry_subject_type_subject_id_id", "audit_entry", ["subject_type", "subject_id", "id"])
    op.create_index("ix_audit_entry_actor_user_id_id", "audit_entry", ["actor_user_id", "id"])
    op.create_table(
        "audit_reader",
        sa.Column("organisation_id", sa.BigInteger(), nullable=False),
        sa.Column("entry_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("organisation_id", "entry_id", name=op.f("pk_audit_reader")),
    )
    op.create_table(
        "audit_seal",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("entry_id", sa.BigInteger(), nullable=False),
        sa.Column("previous_hash", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_audit_seal")),
        sa.UniqueConstraint("entry_id", name=op.f("uq_audit_seal_entry_id")),
    )
    for statement in (PLACE, VALUE, WRITE, CANONICAL, SEAL, SEAL_TRIGGER, REFUSE):
        op.execute(statement)
    for table in TABLES:
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse()"
        )
    audit_tables()


def audit_tables() -> None:
    own = ("organisation_id",)
    op.execute(
        audited(
            "app_user", without=("locale", "session_epoch", "deal_notices"), masked=("email", "name", "password_hash")
        ),
    )
    op.execute(audited("organisation", organisations=("id",), without=("register_checked_at",)))
    op.execute(
        audited("membership", organisations=own, subject={"organisation": "organisation_id"}, row="user_id"),
    )
    op.execute(
        audited(
            "invitation",
            organisations=own,
            subject={"organisation": "organisation_id"},
            without=("token_hash",),
            masked=("email",),
        )
    )
    op.execute(audited("project", organisations=own))
    # What deals and loads come to (0012) is worked out by triggers, and follows from the entries of those.
    op.execute(audited("facility", organisations=own, without=("booked_peak_t",)))
    kept_by_itself = ("search_text", "search_vector", "asked_at", "reminded_at", "committed_t", "left_t")
    op.execute(audited("listing", organisations=own, without=("passport_token", *kept_by_itself)))
    op.execute(
        audited(
            "document",
            organisations=own,
            subject={"listing": "listing_id", "facility": "facility_id", "project": "project_id"},
            without=("upload_id",),
        )
    )
    of_listing, of_project = {"listing": "listing_id"}, {"project": "project_id"}
    for table in ("lab_report", "declaration", "background_override"):
        op.execute(audited(table, organisations=through("listing", "listing_id"), subject=of_listing))
    # Samples and values come with their report, hundreds at a time; what is logged is that one is changed afterwards.
    sampled = "(SELECT r.listing_id FROM lab_report r WHERE r.id = this.report_id)"
    op.execute(
        audited("lab_sample", organisations=through("listing", sampled), subject={"listing": sampled}, inserts=False)
    )
    measured = (
        "(SELECT r.listing_id FROM lab_sample s JOIN lab_report r ON r.id = s.report_id WHERE s.id = this.sample_id)"
    )
    op.execute(
        audited("lab_value", organisations=through("listing", measured), subject={"listing": measured}, inserts=False)
    )
    for table in ("mass_plan_row", "reduction_target"):
        op.execute(audited(table, organisations=through("project", "project_id"), subject=of_project))


def downgrade() -> None:
    for table in AUDITED:
        op.execute(unaudited(table))
    op.execute("DROP FUNCTION audit_canonical(audit_entry)")
    for table in TABLES:
        op.drop_table(table)
    op.execute("DROP FUNCTION audit_write(text, bigint, text, bigint, bigint[], text, jsonb, jsonb, text[], text[])")
    op.execute("DROP FUNCTION audit_value(text, jsonb, text[])")
    op.execute("DROP FUNCTION audit_place(jsonb)")
    op.execute("DROP FUNCTION audit_seal_entry()")
    op.execute("DROP FUNCTION audit_refuse()")
