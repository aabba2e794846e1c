"""What deliveries avoid: versions of the figures, what was frozen for each deal, and sums by month.

The sums are kept by triggers, in the transaction of the load that changes them, so that no report has to read the loads
and none can drift from them. `masseflyt impact verify` works everything out again from the loads and compares.

Revision ID: 0015
Revises: 0014
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from marketplace.audit_triggers import audited, unaudited

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
CREATE FUNCTION impact_trips(mass_t numeric, payload_t numeric) RETURNS numeric LANGUAGE sql IMMUTABLE AS $$
    SELECT div($1, $2) + CASE WHEN mod($1, $2) > 0 THEN 1 ELSE 0 END
$$;

CREATE FUNCTION impact_between(
    per_tonne numeric[], per_trip numeric[], per_substituted_trip numeric[], payload_t numeric, substitution numeric,
    from_t numeric, until_t numeric
) RETURNS numeric[] LANGUAGE sql IMMUTABLE AS $$
    -- The ledger of `until_t` less that of `from_t`.
    SELECT array_agg(rate.tonne * ($7 - $6) + rate.trip * whole.trips + rate.substituted * part.trips ORDER BY rate.n)
    FROM unnest($1, $2, $3) WITH ORDINALITY AS rate (tonne, trip, substituted, n),
        LATERAL (SELECT impact_trips($7, $4) - impact_trips($6, $4) AS trips) AS whole,
        LATERAL (SELECT impact_trips($7 * $5, $4) - impact_trips($6 * $5, $4) AS trips) AS part
$$;

CREATE FUNCTION impact_ledger(
    per_tonne numeric[], per_trip numeric[], per_substituted_trip numeric[], payload_t numeric, substitution numeric,
    mass_t numeric
) RETURNS numeric[] LANGUAGE sql IMMUTABLE AS $$
    -- The twin of geo.impact.ledger_of, for the low, the central and the high rates alike.
    SELECT impact_between($1, $2, $3, $4, $5, 0, $6)
$$;

CREATE FUNCTION impact_nothing() RETURNS numeric[] LANGUAGE sql IMMUTABLE AS $$
    SELECT array_fill(cast(0 AS numeric), ARRAY[14])
$$;

CREATE FUNCTION ledger_sum(one numeric[], other numeric[], sign integer) RETURNS numeric[] LANGUAGE sql IMMUTABLE AS $$
    SELECT array_agg(each.one + $3 * each.other ORDER BY each.n)
    FROM unnest($1, $2) WITH ORDINALITY AS each (one, other, n)
$$;

CREATE FUNCTION oslo_month(moment timestamptz) RETURNS date LANGUAGE sql STABLE AS $$
    SELECT cast(date_trunc('month', timezone('Europe/Oslo', $1)) AS date)
$$;

CREATE FUNCTION work_out_deal_months(deal_id bigint) RETURNS void LANGUAGE sql AS $$
    -- What the deal's loads avoid by its current record, month by month: only months that change are written.
    WITH upto AS (
        SELECT each.month, each.avoided_t, sum(each.avoided_t) OVER (ORDER BY each.month) AS until_t
        FROM deal_month AS each WHERE each.deal_id = $1
    ),
    worked AS (
        SELECT upto.month, rates.level,
            impact_between(rates.per_tonne_low, rates.per_trip_low, rates.per_substituted_trip_low,
                rates.payload_t, rates.substitution, upto.until_t - upto.avoided_t, upto.until_t) AS low,
            impact_between(rates.per_tonne, rates.per_trip, rates.per_substituted_trip,
                rates.payload_t, rates.substitution, upto.until_t - upto.avoided_t, upto.until_t) AS central,
            impact_between(rates.per_tonne_high, rates.per_trip_high, rates.per_substituted_trip_high,
                rates.payload_t, rates.substitution, upto.until_t - upto.avoided_t, upto.until_t) AS high
        FROM upto JOIN deal_impact AS rates ON rates.deal_id = $1 AND rates.is_current
    )
    UPDATE deal_month
    SET level = worked.level, low = worked.low, central = worked.central, high = worked.high
    FROM worked
    WHERE deal_month.deal_id = $1 AND deal_month.month = worked.month
      AND (deal_month.level, deal_month.low, deal_month.central, deal_month.high)
        IS DISTINCT FROM (worked.level, worked.low, worked.central, worked.high)
$$;

CREATE FUNCTION count_load(deal_id bigint, month date, loads bigint, delivered_t numeric, avoided_t numeric)
RETURNS void LANGUAGE sql AS $$
    -- Adds to a deal's month. The deal's row is locked by whoever brings the load.
    INSERT INTO deal_month AS kept (
        deal_id, month, origin_municipality_number, destination_municipality_number, material_key, level,
        loads, delivered_t, avoided_t, low, central, high
    )
    SELECT deal.id, $2, deal.origin_municipality_number, deal.destination_municipality_number, deal.material_key,
        coalesce(
            (SELECT rates.level FROM deal_impact AS rates WHERE rates.deal_id = deal.id AND rates.is_current),
            'undocumented'
        ),
        0, 0, 0, impact_nothing(), impact_nothing(), impact_nothing()
    FROM deal WHERE deal.id = $1
    ON CONFLICT (deal_id, month) DO NOTHING;

    UPDATE deal_month AS kept
    SET loads = kept.loads + $3, delivered_t = kept.delivered_t + $4, avoided_t = kept.avoided_t + $5
    WHERE kept.deal_id = $1 AND kept.month = $2;
$$;

CREATE FUNCTION hold_flows(deal_id bigint) RETURNS void LANGUAGE sql AS $$
    -- Loads of one way and material add to the same rows of flow_month: one transaction at a time, so that two that
    -- bring loads of several months do not wait for one another.
    SELECT pg_advisory_xact_lock(hashtextextended(
        concat_ws(' ', 'flow_month', deal.origin_municipality_number, deal.destination_municipality_number,
            deal.material_key), 0))
    FROM deal WHERE deal.id = $1
$$;

CREATE FUNCTION keep_months_by_new() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    added record;
    one_deal_id bigint;
BEGIN
    FOR one_deal_id IN SELECT DISTINCT new_ticket.deal_id FROM new_ticket ORDER BY 1 LOOP
        PERFORM hold_flows(one_deal_id);
        FOR added IN
            SELECT oslo_month(new_ticket.loaded_at) AS month,
                count(*) FILTER (WHERE new_ticket.counted_t > 0) AS loads,
                sum(new_ticket.counted_t) AS delivered_t, sum(new_ticket.avoided_t) AS avoided_t
            FROM new_ticket
            WHERE new_ticket.deal_id = one_deal_id AND new_ticket.counted_t > 0
            GROUP BY 1 ORDER BY 1
        LOOP
            PERFORM count_load(one_deal_id, added.month, added.loads, added.delivered_t, added.avoided_t);
        END LOOP;
        PERFORM work_out_deal_months(one_deal_id);
    END LOOP;
    RETURN NULL;
END
$$;
CREATE TRIGGER keep_months_inserted AFTER INSERT ON ticket REFERENCING NEW TABLE AS new_ticket
    FOR EACH STATEMENT EXECUTE FUNCTION keep_months_by_new();

CREATE FUNCTION keep_months() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM hold_flows(NEW.deal_id);
    PERFORM count_load(
        NEW.deal_id, oslo_month(NEW.loaded_at),
        cast(NEW.counted_t > 0 AS integer) - cast(OLD.counted_t > 0 AS integer),
        NEW.counted_t - OLD.counted_t, NEW.avoided_t - OLD.avoided_t
    );
    PERFORM work_out_deal_months(NEW.deal_id);
    RETURN NULL;
END
$$;
CREATE TRIGGER keep_months_updated AFTER UPDATE ON ticket
    FOR EACH ROW WHEN ((OLD.counted_t, OLD.avoided_t) IS DISTINCT FROM (NEW.counted_t, NEW.avoided_t))
    EXECUTE FUNCTION keep_months();

CREATE FUNCTION keep_months_of_deal() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM hold_flows(NEW.id);
    UPDATE deal_month
    SET origin_municipality_number = NEW.origin_municipality_number,
        destination_municipality_number = NEW.destination_municipality_number,
        material_key = NEW.material_key
    WHERE deal_id = NEW.id;
    RETURN NULL;
END
$$;
CREATE TRIGGER keep_months_of_deal AFTER UPDATE ON deal
    FOR EACH ROW
    WHEN ((OLD.origin_municipality_number, OLD.destination_municipality_number, OLD.material_key)
        IS DISTINCT FROM (NEW.origin_municipality_number, NEW.destination_municipality_number, NEW.material_key))
    EXECUTE FUNCTION keep_months_of_deal();

CREATE FUNCTION keep_months_of_impact() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM deal_month WHERE deal_id = NEW.deal_id) THEN
        PERFORM hold_flows(NEW.deal_id);
        PERFORM work_out_deal_months(NEW.deal_id);
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER keep_months_of_impact AFTER INSERT ON deal_impact
    FOR EACH ROW WHEN (NEW.is_current) EXECUTE FUNCTION keep_months_of_impact();

CREATE FUNCTION add_to_flow(each deal_month, sign integer) RETURNS void LANGUAGE sql AS $$
    INSERT INTO flow_month AS kept (
        month, origin_municipality_number, destination_municipality_number, material_key, level,
        loads, delivered_t, avoided_t, low, central, high
    )
    VALUES (
        $1.month, $1.origin_municipality_number, $1.destination_municipality_number, $1.material_key, $1.level,
        $2 * $1.loads, $2 * $1.delivered_t, $2 * $1.avoided_t,
        ledger_sum(impact_nothing(), $1.low, $2), ledger_sum(impact_nothing(), $1.central, $2),
        ledger_sum(impact_nothing(), $1.high, $2)
    )
    ON CONFLICT (month, origin_municipality_number, destination_municipality_number, material_key, level) DO UPDATE
    SET loads = kept.loads + EXCLUDED.loads, delivered_t = kept.delivered_t + EXCLUDED.delivered_t,
        avoided_t = kept.avoided_t + EXCLUDED.avoided_t,
        low = ledger_sum(kept.low, EXCLUDED.low, 1), central = ledger_sum(kept.central, EXCLUDED.central, 1),
        high = ledger_sum(kept.high, EXCLUDED.high, 1)
$$;

CREATE FUNCTION keep_flows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
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
DROP FUNCTION keep_flows() CASCADE;
DROP FUNCTION add_to_flow(deal_month, integer);
DROP FUNCTION keep_months_of_impact() CASCADE;
DROP FUNCTION keep_months_of_deal() CASCADE;
DROP FUNCTION keep_months() CASCADE;
DROP FUNCTION keep_months_by_new() CASCADE;
DROP FUNCTION hold_flows(bigint);
DROP FUNCTION count_load(bigint, date, bigint, numeric, numeric);
DROP FUNCTION work_out_deal_months(bigint);
DROP FUNCTION oslo_month(timestamptz);
DROP FUNCTION ledger_sum(numeric[], numeric[], integer);
DROP FUNCTION impact_nothing();
DROP FUNCTION impact_ledger(numeric[], numeric[], numeric[], numeric, numeric, numeric);
DROP FUNCTION impact_between(numeric[], numeric[], numeric[], numeric, numeric, numeric, numeric);
DROP FUNCTION impact_trips(numeric, numeric);
"""

COUNT_WHAT_THERE_IS = """
SELECT count_load(each.deal_id, each.month, each.loads, each.delivered_t, each.avoided_t)
FROM (
    SELECT ticket.deal_id, oslo_month(ticket.loaded_at) AS month, count(*) AS loads,
        sum(ticket.counted_t) AS delivered_t, sum(ticket.avoided_t) AS avoided_t
    FROM ticket WHERE ticket.counted_t > 0 GROUP BY 1, 2
) AS each
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
        sa.Column("payload_t", sa.Numeric(precision=8, scale=3), nullable=False),
        sa.Column("substitution", sa.Numeric(precision=6, scale=4), nullable=False),
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
            sa.CheckConstraint(
                "loads >= 0 AND avoided_t >= 0 AND delivered_t >= avoided_t", name=op.f("ck_deal_month_delivered_t")
            ),
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
            foreign_key(table, "origin_municipality_number", "municipality.number"),
            foreign_key(table, "destination_municipality_number", "municipality.number"),
            foreign_key(table, "material_key", "material.key"),
            *(checks if first else key),
        )
        op.create_index(op.f(f"ix_{table}_material_key"), table, ["material_key"])
        for end in ("origin", "destination"):
            column = f"{end}_municipality_number"
            op.create_index(f"ix_{table}_{column}_month", table, [column, "month"])


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
    op.execute(audited("factor_set"))
    op.execute(audited("factor", subject={"factor_set": "factor_set_id"}))


def downgrade() -> None:
    op.execute(unaudited("factor"))
    op.execute(unaudited("factor_set"))
    op.execute(DROP_FUNCTIONS)
    op.drop_column("ticket", "avoided_t")
    op.drop_constraint(op.f("ck_listing_baseline_facility_id"), "listing", type_="check")
    op.drop_index(op.f("ix_listing_baseline_facility_id"), "listing")
    op.drop_constraint(op.f("fk_listing_baseline_facility_id"), "listing", type_="foreignkey")
    op.drop_column("listing", "baseline_facility_id")
    for table in ("flow_month", "deal_month", "deal_impact", "factor", "factor_set"):
        op.drop_table(table)
