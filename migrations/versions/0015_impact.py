"""What deliveries avoid: versions of the figures, what was frozen for each deal, and sums by month.

The sums are kept by triggers, in the transaction of the load that changes them, so that no report has to read the loads
and none can drift from them. `masseflyt impact verify` works everything out again from the loads and compares.

Revision ID: 0015
Revises: 0014
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from marketplace.audit_triggers import audited, through, unaudited

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

MEASURES = 14
"""tkm, trips, vehicle_km, litres, transport_co2e_kg, landfill_t, landfill_m3, landfill_m2, virgin_t, material_co2e_kg,
disposal_co2e_kg, haulage_nok, gate_fee_nok, purchase_nok: the order of `geo.impact.Measure`."""

RATES = [
    f"{rate}{bound}" for rate in ("per_tonne", "per_trip", "per_substituted_trip") for bound in ("_low", "", "_high")
]
LEVELS = ("reuse_on_site", "reuse", "recycling", "backfilling", "disposal", "undocumented", "pending")

AVOIDED_T = (
    "CASE WHEN is_current AND (status = 'confirmed' OR (status = 'reported' AND is_weighed)) THEN mass_t ELSE 0 END"
)

FUNCTIONS = """
CREATE FUNCTION impact_trips(mass_t numeric, payload_t numeric) RETURNS numeric LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT div($1, $2) + CASE WHEN mod($1, $2) > 0 THEN 1 ELSE 0 END
$$;

CREATE FUNCTION impact_between(
    per_tonne numeric[], per_trip numeric[], per_substituted_trip numeric[], payload_t numeric, substitution numeric,
    from_t numeric, until_t numeric
) RETURNS numeric[] LANGUAGE plpgsql IMMUTABLE STRICT AS $$
DECLARE
    added_t numeric := until_t - from_t;
    trips numeric := impact_trips(until_t, payload_t) - impact_trips(from_t, payload_t);
    substituted_trips numeric :=
        impact_trips(until_t * substitution, payload_t) - impact_trips(from_t * substitution, payload_t);
    ledger numeric[];
BEGIN
    -- The ledger of `until_t` less that of `from_t`.
    FOR n IN 1 .. cardinality(per_tonne) LOOP
        ledger[n] := per_tonne[n] * added_t + per_trip[n] * trips + per_substituted_trip[n] * substituted_trips;
    END LOOP;
    RETURN ledger;
END
$$;

CREATE FUNCTION impact_ledger(
    per_tonne numeric[], per_trip numeric[], per_substituted_trip numeric[], payload_t numeric, substitution numeric,
    mass_t numeric
) RETURNS numeric[] LANGUAGE sql IMMUTABLE STRICT AS $$
    -- The twin of geo.impact.ledger_of, for the low, the central and the high rates alike.
    SELECT impact_between($1, $2, $3, $4, $5, 0, $6)
$$;

CREATE FUNCTION impact_nothing() RETURNS numeric[] LANGUAGE sql IMMUTABLE AS $$
    SELECT array_fill(cast(0 AS numeric), ARRAY[14])
$$;

CREATE FUNCTION ledger_sum(one numeric[], other numeric[], sign integer) RETURNS numeric[]
LANGUAGE plpgsql IMMUTABLE STRICT AS $$
BEGIN
    FOR n IN 1 .. cardinality(one) LOOP
        one[n] := one[n] + sign * other[n];
    END LOOP;
    RETURN one;
END
$$;

CREATE FUNCTION oslo_month(moment timestamptz) RETURNS date LANGUAGE sql STABLE STRICT AS $$
    SELECT cast(date_trunc('month', timezone('Europe/Oslo', $1)) AS date)
$$;

CREATE FUNCTION flow_lock(origin text, destination text, material text) RETURNS integer LANGUAGE sql IMMUTABLE AS $$
    -- One of a thousand, so that a statement of many deals does not fill the server's table of locks.
    SELECT abs(hashtext(concat_ws(' ', $1, $2, $3)) % 1000)
$$;

CREATE FUNCTION hold_flows(deal_ids bigint[]) RETURNS void LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    -- Deals of one way and material add to the same rows of flow_month, in months that come in any order. So the deals
    -- are held and then their ways, each in one order, before a row is touched. Who writes to several deals in one
    -- transaction holds all of them by this, first.
    PERFORM FROM deal WHERE deal.id = ANY (deal_ids) ORDER BY deal.id FOR NO KEY UPDATE;
    PERFORM pg_advisory_xact_lock(1504, way.number) FROM (
        SELECT DISTINCT flow_lock(
            deal.origin_municipality_number, deal.destination_municipality_number, deal.material_key
        ) AS number
        FROM deal WHERE deal.id = ANY (deal_ids) ORDER BY 1
    ) AS way;
END
$$;

CREATE TYPE month_change AS (deal_id bigint, month date, loads bigint, delivered_t numeric, avoided_t numeric);

CREATE FUNCTION change_deal_months(deal_ids bigint[], changes month_change[]) RETURNS void LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    -- Adds what changed, and works out by each deal's current record what its loads avoid, month by month: from the
    -- first month that changes, or all of a deal that none is said of. Only what becomes another is written.
    INSERT INTO deal_month AS kept (
        deal_id, month, origin_municipality_number, destination_municipality_number, material_key, level,
        loads, delivered_t, avoided_t, low, central, high
    )
    WITH changed AS (
        SELECT * FROM unnest(changes)
    ),
    since AS (
        SELECT changed.deal_id, min(changed.month) AS month FROM changed GROUP BY 1
    ),
    sums AS (
        SELECT each.deal_id, each.month, sum(each.loads) AS loads, sum(each.delivered_t) AS delivered_t,
            sum(each.avoided_t) AS avoided_t
        FROM (
            SELECT before.deal_id, before.month, before.loads, before.delivered_t, before.avoided_t
            FROM deal_month AS before WHERE before.deal_id = ANY (deal_ids)
            UNION ALL
            SELECT * FROM changed
        ) AS each
        GROUP BY 1, 2
    ),
    upto AS (
        SELECT sums.*, sum(sums.avoided_t) OVER (PARTITION BY sums.deal_id ORDER BY sums.month) AS until_t FROM sums
    ),
    worked AS (
        SELECT upto.*, upto.until_t - upto.avoided_t AS from_t
        FROM upto LEFT JOIN since ON since.deal_id = upto.deal_id
        WHERE since.month IS NULL OR upto.month >= since.month
    )
    SELECT worked.deal_id, worked.month, deal.origin_municipality_number, deal.destination_municipality_number,
        deal.material_key, coalesce(rates.level, 'undocumented'), worked.loads, worked.delivered_t, worked.avoided_t,
        coalesce(
            impact_between(rates.per_tonne_low, rates.per_trip_low, rates.per_substituted_trip_low,
                rates.payload_t, rates.substitution, worked.from_t, worked.until_t),
            impact_nothing()
        ),
        coalesce(
            impact_between(rates.per_tonne, rates.per_trip, rates.per_substituted_trip,
                rates.payload_t, rates.substitution, worked.from_t, worked.until_t),
            impact_nothing()
        ),
        coalesce(
            impact_between(rates.per_tonne_high, rates.per_trip_high, rates.per_substituted_trip_high,
                rates.payload_t, rates.substitution, worked.from_t, worked.until_t),
            impact_nothing()
        )
    FROM worked
        JOIN deal ON deal.id = worked.deal_id
        LEFT JOIN deal_impact AS rates ON rates.deal_id = worked.deal_id AND rates.is_current
    ORDER BY 1, 2
    ON CONFLICT (deal_id, month) DO UPDATE
    SET origin_municipality_number = EXCLUDED.origin_municipality_number,
        destination_municipality_number = EXCLUDED.destination_municipality_number,
        material_key = EXCLUDED.material_key, level = EXCLUDED.level, loads = EXCLUDED.loads,
        delivered_t = EXCLUDED.delivered_t, avoided_t = EXCLUDED.avoided_t,
        low = EXCLUDED.low, central = EXCLUDED.central, high = EXCLUDED.high
    WHERE (kept.*) IS DISTINCT FROM (EXCLUDED.*);
    IF EXISTS (SELECT FROM unnest(changes) AS each WHERE each.loads < 0) THEN
        DELETE FROM deal_month WHERE deal_month.deal_id = ANY (deal_ids) AND deal_month.loads = 0;
    END IF;
END
$$;

CREATE FUNCTION count_loads_anew(deal_ids bigint[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    -- From the loads themselves, for what was written before there were triggers, or past them. Whoever brings loads
    -- holds deals before they come to these tables, so nothing else is waited for once the tables are held.
    LOCK TABLE deal_month, flow_month IN SHARE ROW EXCLUSIVE MODE;
    DELETE FROM deal_month WHERE deal_month.deal_id = ANY (deal_ids);
    PERFORM change_deal_months(deal_ids, ARRAY(
        SELECT cast(ROW(ticket.deal_id, oslo_month(ticket.loaded_at), count(*), sum(ticket.counted_t),
            sum(ticket.avoided_t)) AS month_change)
        FROM ticket WHERE ticket.deal_id = ANY (deal_ids) AND ticket.counted_t > 0
        GROUP BY ticket.deal_id, oslo_month(ticket.loaded_at)
    ));
END
$$;

CREATE FUNCTION keep_months() RETURNS trigger LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    changes month_change[];
    deal_ids bigint[];
BEGIN
    IF TG_OP = 'INSERT' THEN
        changes := ARRAY(
            SELECT cast(ROW(each.deal_id, oslo_month(each.loaded_at), count(*), sum(each.counted_t),
                sum(each.avoided_t)) AS month_change)
            FROM new_ticket AS each WHERE each.counted_t > 0
            GROUP BY each.deal_id, oslo_month(each.loaded_at)
        );
    ELSE
        changes := ARRAY(
            SELECT cast(ROW(each.deal_id, each.month, sum(each.loads), sum(each.counted_t),
                sum(each.avoided_t)) AS month_change)
            FROM (
                SELECT deal_id, oslo_month(loaded_at) AS month, 1 AS loads, counted_t, avoided_t
                FROM new_ticket WHERE counted_t > 0
                UNION ALL
                SELECT deal_id, oslo_month(loaded_at), -1, -counted_t, -avoided_t
                FROM old_ticket WHERE counted_t > 0
            ) AS each
            GROUP BY each.deal_id, each.month
            HAVING (sum(each.loads), sum(each.counted_t), sum(each.avoided_t)) IS DISTINCT FROM (0, 0, 0)
        );
    END IF;
    IF cardinality(changes) > 0 THEN
        deal_ids := ARRAY(SELECT DISTINCT each.deal_id FROM unnest(changes) AS each);
        PERFORM hold_flows(deal_ids);
        PERFORM change_deal_months(deal_ids, changes);
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER keep_months_inserted AFTER INSERT ON ticket REFERENCING NEW TABLE AS new_ticket
    FOR EACH STATEMENT EXECUTE FUNCTION keep_months();
CREATE TRIGGER keep_months_updated AFTER UPDATE ON ticket REFERENCING OLD TABLE AS old_ticket NEW TABLE AS new_ticket
    FOR EACH STATEMENT EXECUTE FUNCTION keep_months();

CREATE FUNCTION keep_months_of_deal() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(1504, way.number) FROM (VALUES
        (flow_lock(OLD.origin_municipality_number, OLD.destination_municipality_number, OLD.material_key)),
        (flow_lock(NEW.origin_municipality_number, NEW.destination_municipality_number, NEW.material_key))
        ORDER BY 1
    ) AS way (number);
    PERFORM change_deal_months(ARRAY[NEW.id], cast('{}' AS month_change[]));
    RETURN NULL;
END
$$;
CREATE TRIGGER keep_months_of_deal AFTER UPDATE ON deal
    FOR EACH ROW
    WHEN ((OLD.origin_municipality_number, OLD.destination_municipality_number, OLD.material_key)
        IS DISTINCT FROM (NEW.origin_municipality_number, NEW.destination_municipality_number, NEW.material_key))
    EXECUTE FUNCTION keep_months_of_deal();

CREATE FUNCTION keep_months_of_impact() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    deal_ids bigint[] := ARRAY(SELECT DISTINCT record.deal_id FROM record WHERE record.is_current OR TG_OP = 'UPDATE');
BEGIN
    -- Held first and looked at then: loads that others are bringing must be in what is worked out.
    PERFORM hold_flows(deal_ids);
    PERFORM change_deal_months(deal_ids, cast('{}' AS month_change[]));
    RETURN NULL;
END
$$;
CREATE TRIGGER keep_months_of_impact_inserted AFTER INSERT ON deal_impact REFERENCING NEW TABLE AS record
    FOR EACH STATEMENT EXECUTE FUNCTION keep_months_of_impact();
CREATE TRIGGER keep_months_of_impact_updated AFTER UPDATE ON deal_impact REFERENCING NEW TABLE AS record
    FOR EACH STATEMENT EXECUTE FUNCTION keep_months_of_impact();

CREATE FUNCTION add_to_flow(change deal_month, sign integer) RETURNS void LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    UPDATE flow_month AS kept
    SET loads = kept.loads + sign * change.loads, delivered_t = kept.delivered_t + sign * change.delivered_t,
        avoided_t = kept.avoided_t + sign * change.avoided_t, low = ledger_sum(kept.low, change.low, sign),
        central = ledger_sum(kept.central, change.central, sign), high = ledger_sum(kept.high, change.high, sign)
    WHERE (kept.month, kept.origin_municipality_number, kept.destination_municipality_number, kept.material_key,
            kept.level)
        = (change.month, change.origin_municipality_number, change.destination_municipality_number,
            change.material_key, change.level);
    IF change.loads = 0 THEN
        RETURN;  -- nothing is left of that month, and the flow may be gone with its last load
    ELSIF NOT FOUND THEN  -- and nobody else can put it there: the way is held
        INSERT INTO flow_month (
            month, origin_municipality_number, destination_municipality_number, material_key, level,
            loads, delivered_t, avoided_t, low, central, high
        ) VALUES (
            change.month, change.origin_municipality_number, change.destination_municipality_number,
            change.material_key, change.level,
            sign * change.loads, sign * change.delivered_t, sign * change.avoided_t, change.low, change.central,
            change.high
        );
    ELSIF sign * change.loads < 0 THEN
        DELETE FROM flow_month AS kept
        WHERE (kept.month, kept.origin_municipality_number, kept.destination_municipality_number, kept.material_key,
                kept.level)
            = (change.month, change.origin_municipality_number, change.destination_municipality_number,
                change.material_key, change.level)
          AND kept.loads = 0;
    END IF;
END
$$;

CREATE FUNCTION keep_flows() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    change deal_month;
BEGIN
    IF TG_OP = 'UPDATE'
        AND (OLD.month, OLD.origin_municipality_number, OLD.destination_municipality_number, OLD.material_key,
            OLD.level)
            = (NEW.month, NEW.origin_municipality_number, NEW.destination_municipality_number, NEW.material_key,
                NEW.level)
    THEN
        change := NEW;
        change.loads := NEW.loads - OLD.loads;
        change.delivered_t := NEW.delivered_t - OLD.delivered_t;
        change.avoided_t := NEW.avoided_t - OLD.avoided_t;
        change.low := ledger_sum(NEW.low, OLD.low, -1);
        change.central := ledger_sum(NEW.central, OLD.central, -1);
        change.high := ledger_sum(NEW.high, OLD.high, -1);
        PERFORM add_to_flow(change, 1);
        RETURN NULL;
    END IF;
    IF TG_OP <> 'INSERT' THEN
        PERFORM add_to_flow(OLD, -1);
    END IF;
    IF TG_OP <> 'DELETE' THEN
        PERFORM add_to_flow(NEW, 1);
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER keep_flows AFTER INSERT OR UPDATE OR DELETE ON deal_month
    FOR EACH ROW EXECUTE FUNCTION keep_flows();

CREATE FUNCTION forget_months() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- What is emptied at one stroke fires no trigger for its rows.
    IF TG_TABLE_NAME = 'ticket' THEN
        DELETE FROM deal_month;
    ELSE
        DELETE FROM flow_month;
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER forget_months AFTER TRUNCATE ON ticket FOR EACH STATEMENT EXECUTE FUNCTION forget_months();
CREATE TRIGGER forget_months AFTER TRUNCATE ON deal_month FOR EACH STATEMENT EXECUTE FUNCTION forget_months();

CREATE FUNCTION keep_deal_impact_figured() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM factor_set WHERE factor_set.id = NEW.factor_set_id AND factor_set.status = 'draft') THEN
        RAISE EXCEPTION 'a record of what a deal is compared with rests on a factor set that can no longer change';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER keep_deal_impact_figured BEFORE INSERT ON deal_impact
    FOR EACH ROW EXECUTE FUNCTION keep_deal_impact_figured();

CREATE FUNCTION keep_deal_impact() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR to_jsonb(OLD) - 'is_current' IS DISTINCT FROM to_jsonb(NEW) - 'is_current'
        OR (NEW.is_current AND NOT OLD.is_current)
    THEN
        RAISE EXCEPTION 'a record of what a deal is compared with is never changed, only followed by another one';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER keep_deal_impact BEFORE UPDATE OR DELETE ON deal_impact
    FOR EACH ROW EXECUTE FUNCTION keep_deal_impact();

CREATE FUNCTION keep_factor_set() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.status = 'draft' THEN
        RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
    END IF;
    IF TG_OP = 'DELETE' OR NEW.status = 'draft'
        OR to_jsonb(OLD) - 'status' - 'activated_at' IS DISTINCT FROM to_jsonb(NEW) - 'status' - 'activated_at'
    THEN
        RAISE EXCEPTION 'a factor set that has been in use is never changed: copy it';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER keep_factor_set BEFORE UPDATE OR DELETE ON factor_set
    FOR EACH ROW EXECUTE FUNCTION keep_factor_set();

CREATE FUNCTION keep_factor() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    each record;
BEGIN
    -- The set is locked, so that it cannot be activated while one of its figures changes.
    FOR each IN
        SELECT factor_set.status FROM factor_set
        WHERE (TG_OP <> 'INSERT' AND factor_set.id = OLD.factor_set_id)
           OR (TG_OP <> 'DELETE' AND factor_set.id = NEW.factor_set_id)
        FOR SHARE
    LOOP
        IF each.status <> 'draft' THEN
            RAISE EXCEPTION 'a factor set that has been in use is never changed: copy it';
        END IF;
    END LOOP;
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END
$$;
CREATE TRIGGER keep_factor BEFORE INSERT OR UPDATE OR DELETE ON factor
    FOR EACH ROW EXECUTE FUNCTION keep_factor();
"""

DROP_FUNCTIONS = """
DROP FUNCTION keep_factor() CASCADE;
DROP FUNCTION keep_factor_set() CASCADE;
DROP FUNCTION keep_deal_impact() CASCADE;
DROP FUNCTION keep_deal_impact_figured() CASCADE;
DROP FUNCTION forget_months() CASCADE;
DROP FUNCTION keep_flows() CASCADE;
DROP FUNCTION add_to_flow(deal_month, integer);
DROP FUNCTION keep_months_of_impact() CASCADE;
DROP FUNCTION keep_months_of_deal() CASCADE;
DROP FUNCTION keep_months() CASCADE;
DROP FUNCTION count_loads_anew(bigint[]);
DROP FUNCTION change_deal_months(bigint[], month_change[]);
DROP TYPE month_change;
DROP FUNCTION hold_flows(bigint[]);
DROP FUNCTION flow_lock(text, text, text);
DROP FUNCTION oslo_month(timestamptz);
DROP FUNCTION ledger_sum(numeric[], numeric[], integer);
DROP FUNCTION impact_nothing();
DROP FUNCTION impact_ledger(numeric[], numeric[], numeric[], numeric, numeric, numeric);
DROP FUNCTION impact_between(numeric[], numeric[], numeric[], numeric, numeric, numeric, numeric);
DROP FUNCTION impact_trips(numeric, numeric);
"""

COUNT_WHAT_THERE_IS = """
SELECT count_loads_anew(array_agg(DISTINCT ticket.deal_id)) FROM ticket HAVING count(*) > 0
"""


def enumeration(*values: str, name: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=32)


def ledger(name: str) -> sa.Column[object]:
    return sa.Column(name, postgresql.ARRAY(sa.Numeric(), dimensions=1), nullable=False)


def mass(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.Numeric(precision=14, scale=3), nullable=False)


def of_all_measures(table: str, *columns: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(
        " AND ".join(f"cardinality({each}) = {MEASURES}" for each in columns), name=op.f(f"ck_{table}_measures")
    )


def foreign_key(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [target], name=op.f(f"fk_{table}_{column}"))


def create_factor_sets() -> None:
    op.create_table(
        "factor_set",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("version", sa.String(length=60), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("status", enumeration("draft", "active", "retired", name="status"), nullable=False),
        sa.Column("default_vehicle", sa.String(length=40), nullable=False),
        sa.Column("default_fuel", sa.String(length=40), nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("copied_from_id", sa.BigInteger(), nullable=True),
        sa.Column("created_by_id", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("activated_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(status = 'draft') = (activated_at IS NULL)", name=op.f("ck_factor_set_activated_at")),
        foreign_key("factor_set", "copied_from_id", "factor_set.id"),
        foreign_key("factor_set", "created_by_id", "app_user.id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_factor_set")),
        sa.UniqueConstraint("version", name=op.f("uq_factor_set_version")),
    )
    op.create_index(
        "uq_factor_set_active", "factor_set", ["status"], unique=True, postgresql_where=sa.text("status = 'active'")
    )
    op.create_index(op.f("ix_factor_set_copied_from_id"), "factor_set", ["copied_from_id"])
    op.create_index(op.f("ix_factor_set_created_by_id"), "factor_set", ["created_by_id"])
    op.create_table(
        "factor",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("factor_set_id", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column("unit", sa.String(length=40), nullable=False),
        *(sa.Column(each, sa.Numeric(precision=18, scale=9), nullable=False) for each in ("low", "value", "high")),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("source_year", sa.SmallInteger(), nullable=True),
        sa.Column("is_verified", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.CheckConstraint("low <= value AND value <= high", name=op.f("ck_factor_value")),
        foreign_key("factor", "factor_set_id", "factor_set.id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_factor")),
    )
    op.create_index("uq_factor_factor_set_id_key", "factor", ["factor_set_id", "key"], unique=True)


def create_deal_impact() -> None:
    op.create_table(
        "deal_impact",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("deal_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.SmallInteger(), nullable=False),
        sa.Column("is_current", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column(
            "reason",
            enumeration("agreed", "amended", "recovery", "route", "backfilled", name="reason"),
            nullable=False,
        ),
        sa.Column("factor_set_id", sa.BigInteger(), nullable=False),
        sa.Column("method", enumeration("estimate", "road", name="method"), nullable=False),
        sa.Column("network_version", sa.String(length=80), nullable=True),
        sa.Column("level", enumeration(*LEVELS, name="level"), nullable=False),
        sa.Column("landfill_id", sa.BigInteger(), nullable=True),
        sa.Column("quarry_id", sa.BigInteger(), nullable=True),
        mass("agreed_t"),
        sa.Column("payload_t", sa.Numeric(), nullable=False),
        sa.Column("substitution", sa.Numeric(), nullable=False),
        *(ledger(each) for each in RATES),
        sa.Column("basis", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made_by_id", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("payload_t > 0", name=op.f("ck_deal_impact_payload_t")),
        sa.CheckConstraint("substitution BETWEEN 0 AND 1", name=op.f("ck_deal_impact_substitution")),
        of_all_measures("deal_impact", *RATES),
        foreign_key("deal_impact", "deal_id", "deal.id"),
        foreign_key("deal_impact", "factor_set_id", "factor_set.id"),
        foreign_key("deal_impact", "landfill_id", "facility.id"),
        foreign_key("deal_impact", "quarry_id", "facility.id"),
        foreign_key("deal_impact", "made_by_id", "app_user.id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deal_impact")),
    )
    op.create_index("uq_deal_impact_deal_id_number", "deal_impact", ["deal_id", "number"], unique=True)
    op.create_index(
        "uq_deal_impact_current", "deal_impact", ["deal_id"], unique=True, postgresql_where=sa.text("is_current")
    )
    for column in ("factor_set_id", "landfill_id", "quarry_id", "made_by_id"):
        op.create_index(op.f(f"ix_deal_impact_{column}"), "deal_impact", [column])


def create_months() -> None:
    for table, first in (("deal_month", (sa.Column("deal_id", sa.BigInteger(), nullable=False),)), ("flow_month", ())):
        checks = (
            sa.CheckConstraint("month = date_trunc('month', month)", name=op.f("ck_deal_month_month")),
            foreign_key("deal_month", "deal_id", "deal.id"),
            sa.PrimaryKeyConstraint("deal_id", "month", name=op.f("pk_deal_month")),
        )
        key = (
            sa.PrimaryKeyConstraint(
                "month",
                "origin_municipality_number",
                "destination_municipality_number",
                "material_key",
                "level",
                name=op.f("pk_flow_month"),
            ),
        )
        op.create_table(
            table,
            *first,
            sa.Column("month", sa.Date(), nullable=False),
            sa.Column("origin_municipality_number", sa.String(length=4), nullable=False),
            sa.Column("destination_municipality_number", sa.String(length=4), nullable=False),
            sa.Column("material_key", sa.String(length=40), nullable=False),
            sa.Column("level", enumeration(*LEVELS, name="level"), nullable=False),
            sa.Column("loads", sa.Integer(), nullable=False),
            mass("delivered_t"),
            mass("avoided_t"),
            *(ledger(each) for each in ("low", "central", "high")),
            of_all_measures(table, "low", "central", "high"),
            sa.CheckConstraint(
                "loads >= 0 AND avoided_t >= 0 AND delivered_t >= avoided_t", name=op.f(f"ck_{table}_delivered_t")
            ),
            foreign_key(table, "origin_municipality_number", "municipality.number"),
            foreign_key(table, "destination_municipality_number", "municipality.number"),
            foreign_key(table, "material_key", "material.key"),
            *(checks if first else key),
        )
        op.create_index(op.f(f"ix_{table}_material_key"), table, ["material_key"])
        for end in ("origin", "destination"):
            column = f"{end}_municipality_number"
            op.create_index(f"ix_{table}_{column}_month", table, [column, "month"])


def log_tickets(*, without: tuple[str, ...]) -> None:
    """As in 0012: what follows from what is logged is not logged itself."""
    of_both = through("deal", "deal_id", "giver_organisation_id", "taker_organisation_id")
    op.execute(audited("ticket", subject={"deal": "deal_id"}, organisations=of_both, without=without))


def upgrade() -> None:
    create_factor_sets()
    create_deal_impact()
    create_months()
    op.add_column("listing", sa.Column("baseline_facility_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(
        op.f("fk_listing_baseline_facility_id"), "listing", "facility", ["baseline_facility_id"], ["id"]
    )
    op.create_index(op.f("ix_listing_baseline_facility_id"), "listing", ["baseline_facility_id"])
    op.create_check_constraint(
        op.f("ck_listing_baseline_facility_id"), "listing", "kind <> 'reception' OR baseline_facility_id IS NULL"
    )
    op.add_column(
        "ticket",
        sa.Column(
            "avoided_t", sa.Numeric(precision=14, scale=3), sa.Computed(AVOIDED_T, persisted=True), nullable=False
        ),
    )
    op.execute(FUNCTIONS)
    op.execute(COUNT_WHAT_THERE_IS)
    log_tickets(without=("counted_t", "avoided_t", "client_key"))
    op.execute(audited("factor_set"))
    op.execute(audited("factor", subject={"factor_set": "factor_set_id"}))


def downgrade() -> None:
    op.execute(unaudited("factor"))
    op.execute(unaudited("factor_set"))
    op.execute(DROP_FUNCTIONS)
    log_tickets(without=("counted_t", "client_key"))
    op.drop_column("ticket", "avoided_t")
    op.drop_constraint(op.f("ck_listing_baseline_facility_id"), "listing", type_="check")
    op.drop_index(op.f("ix_listing_baseline_facility_id"), "listing")
    op.drop_constraint(op.f("fk_listing_baseline_facility_id"), "listing", type_="foreignkey")
    op.drop_column("listing", "baseline_facility_id")
    for table in ("flow_month", "deal_month", "deal_impact", "factor", "factor_set"):
        op.drop_table(table)
