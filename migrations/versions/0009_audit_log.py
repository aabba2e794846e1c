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
    CREATE FUNCTION audit_place(shape geometry) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE STRICT AS $$
    DECLARE
        -- What is kept of a geometry: where it is, and for more than a point a hash that tells two apart.
        is_point boolean := GeometryType(shape) = 'POINT';
        centre geometry := ST_Transform(CASE WHEN is_point THEN shape ELSE ST_Centroid(shape) END, 4326);
    BEGIN
        RETURN jsonb_build_object('lon', round(ST_X(centre)::numeric, 6), 'lat', round(ST_Y(centre)::numeric, 6)) ||
            CASE WHEN is_point THEN '{}'::jsonb ELSE jsonb_build_object(
                'type', GeometryType(shape), 'sha256', encode(sha256(ST_AsBinary(shape)), 'hex')) END;
    END
    $$
"""

WRITE = """
    CREATE FUNCTION audit_write(
        of_table text, of_row bigint, of_type text, of_id bigint, readers bigint[], what text, old_values jsonb,
        new_values jsonb
    ) RETURNS void LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan AS $$
    DECLARE
        entry bigint;
    BEGIN
        IF cardinality(readers) <> 1 OR readers[1] IS NULL THEN
            SELECT coalesce(array_agg(DISTINCT id ORDER BY id), '{}') INTO readers
            FROM unnest(readers) AS id WHERE id IS NOT NULL;
        END IF;
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

ALL_OF = """
    CREATE FUNCTION audit_all_of(of_table text, options jsonb, of_row text) RETURNS text LANGUAGE sql STABLE AS $$
        -- An expression that makes an object of all columns that are logged and not null. Twenty at a time, since a
        -- function takes a hundred arguments; JSON apart, since what is null in there is to stay.
        SELECT string_agg(part, ' || ' ORDER BY number) FROM (
            SELECT 'jsonb_strip_nulls(jsonb_build_object(' || string_agg(format('%L, %s', name, value), ', ') || '))'
                AS part, number / 20 AS number
            FROM audit_columns(of_table, options, of_row) WHERE NOT is_json GROUP BY number / 20
            UNION ALL
            SELECT format('CASE WHEN %1$s.%2$I IS NULL THEN ''{}'' ELSE jsonb_build_object(%2$L, %3$s) END',
                of_row, name, value), 1000 + number
            FROM audit_columns(of_table, options, of_row) WHERE is_json
        ) AS parts
    $$
"""

COLUMNS = """
    CREATE FUNCTION audit_columns(of_table text, options jsonb, of_row text)
    RETURNS TABLE (number integer, name text, value text, is_json boolean) LANGUAGE sql STABLE AS $$
        SELECT a.attnum::integer, a.attname::text,
            CASE
                WHEN options->'masked' ? a.attname
                    THEN format('CASE WHEN %1$s.%2$I IS NOT NULL THEN ''***'' END', of_row, a.attname)
                WHEN t.typname = 'geometry' THEN format('audit_place(%s.%I)', of_row, a.attname)
                ELSE format('%s.%I', of_row, a.attname)
            END,
            t.typname IN ('json', 'jsonb')
        FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
        WHERE a.attrelid = of_table::regclass AND a.attnum > 0 AND NOT a.attisdropped
            AND NOT options->'without' ? a.attname
    $$
"""

COMPILE = """
    CREATE FUNCTION audit_compile(of_table text, options jsonb) RETURNS void LANGUAGE plpgsql AS $compile$
    DECLARE
        readers text := (SELECT coalesce(string_agg(value, ', '), '')
            FROM jsonb_array_elements_text(options->'organisations'));
        of_type text := (SELECT string_agg(format('WHEN %s IS NOT NULL THEN %L', part->>'id', part->>'table'), ' '
            ORDER BY number) FROM jsonb_array_elements(options->'subjects') WITH ORDINALITY AS s (part, number));
        of_id text := (SELECT format('coalesce(%s)', string_agg(part->>'id', ', ' ORDER BY number))
            FROM jsonb_array_elements(options->'subjects') WITH ORDINALITY AS s (part, number));
        compared text := (SELECT string_agg(format(
            'IF NEW.%1$I IS DISTINCT FROM OLD.%1$I THEN'
            ' old_values := old_values || jsonb_build_object(%1$L, %2$s);'
            ' new_values := new_values || jsonb_build_object(%1$L, %3$s); END IF;', o.name, o.value, n.value),
            E'\\n' ORDER BY o.number)
            FROM audit_columns(of_table, options, 'OLD') o
            JOIN audit_columns(of_table, options, 'NEW') n USING (number));
        gone text := CASE WHEN (options->>'inserts')::boolean THEN ''
            ELSE format('IF %s IS NULL THEN RETURN NULL; END IF;', of_id) END;
    BEGIN
        -- Written out column by column: turning whole rows into JSON to compare them takes ten times as long.
        EXECUTE format($body$
            CREATE OR REPLACE FUNCTION %1$I() RETURNS trigger LANGUAGE plpgsql
            SET plan_cache_mode = force_generic_plan AS $audit$
            DECLARE
                this record;
                readers bigint[];
                old_values jsonb;
                new_values jsonb;
            BEGIN
                IF TG_OP = 'TRUNCATE' THEN
                    PERFORM audit_write(%2$L, NULL, %2$L, NULL, '{}', 'truncate', NULL, NULL);
                    RETURN NULL;
                ELSIF TG_OP = 'INSERT' THEN
                    this := NEW;
                    new_values := %3$s;
                ELSIF TG_OP = 'DELETE' THEN
                    this := OLD;
                    %4$s
                    old_values := %5$s;
                ELSE
                    old_values := '{}';
                    new_values := '{}';
                    %6$s
                    IF new_values = '{}' THEN RETURN NULL; END IF;
                    this := OLD;
                    readers := ARRAY[%7$s]::bigint[];
                    this := NEW;
                END IF;
                readers := readers || ARRAY[%7$s]::bigint[];
                PERFORM audit_write(%2$L, %8$s, CASE %9$s END, %10$s, readers, lower(TG_OP), old_values, new_values);
                RETURN NULL;
            END
            $audit$
        $body$,
            'audit_on_' || of_table, of_table, audit_all_of(of_table, options, 'NEW'), gone,
            audit_all_of(of_table, options, 'OLD'), compared, readers, options->>'row', of_type, of_id
        );
        EXECUTE format('COMMENT ON FUNCTION %I() IS %L', 'audit_on_' || of_table, options);
    END
    $compile$
"""

DECLARE = """
    CREATE FUNCTION audit_declare(of_table text, options jsonb) RETURNS void LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM audit_compile(of_table, options);
        EXECUTE format('CREATE OR REPLACE TRIGGER audit AFTER %s ON %I FOR EACH ROW EXECUTE FUNCTION %I()',
            CASE WHEN (options->>'inserts')::boolean THEN 'INSERT OR UPDATE OR DELETE' ELSE 'UPDATE OR DELETE' END,
            of_table, 'audit_on_' || of_table);
        EXECUTE format('CREATE OR REPLACE TRIGGER audit_truncate AFTER TRUNCATE ON %I EXECUTE FUNCTION %I()',
            of_table, 'audit_on_' || of_table);
    END
    $$
"""

REFRESH = """
    CREATE FUNCTION audit_refresh() RETURNS void LANGUAGE plpgsql AS $$
    BEGIN
        -- Called after migrations, by which columns come and go.
        PERFORM audit_compile(c.relname, obj_description(p.oid, 'pg_proc')::jsonb)
        FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_proc p ON p.oid = t.tgfoid
        WHERE t.tgname = 'audit' AND p.proname = 'audit_on_' || c.relname AND pg_table_is_visible(c.oid);
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
    CREATE FUNCTION audit_seal_entry() RETURNS trigger LANGUAGE plpgsql
    SET plan_cache_mode = force_generic_plan AS $$
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
    for statement in (PLACE, WRITE, COLUMNS, ALL_OF, COMPILE, DECLARE, REFRESH, CANONICAL, SEAL, SEAL_TRIGGER, REFUSE):
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
    op.execute("DROP FUNCTION audit_write(text, bigint, text, bigint, bigint[], text, jsonb, jsonb)")
    op.execute("DROP FUNCTION audit_refresh(), audit_declare(text, jsonb), audit_compile(text, jsonb)")
    op.execute("DROP FUNCTION audit_all_of(text, jsonb, text), audit_columns(text, jsonb, text), audit_place(geometry)")
    op.execute("DROP FUNCTION audit_seal_entry(), audit_refuse()")
