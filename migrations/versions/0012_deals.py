"""Deals from request to signed statement, their offers and messages, and the weighed loads.

Quantities are held here and nowhere else: triggers add up what deals hold of listings, of one another and of the room
of facilities, and CHECKs bound the sums, so that no way of writing can oversell.

Revision ID: 0012
Revises: 0011
"""

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geometry
from sqlalchemy.dialects import postgresql

from marketplace.audit_triggers import audited, through, unaudited

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

PARTS_OF_A_DEAL = ("deal_offer", "deal_message", "recovery_answer", "deal_statement", "gate_link", "ticket")

FUNCTIONS = """
CREATE FUNCTION facility_stock(facility_id bigint, since timestamptz, except_deal_id bigint DEFAULT NULL)
RETURNS TABLE (day date, mass_t numeric) LANGUAGE sql STABLE AS $$
    -- What the deals make of what stands there, from each day on that changes it. What was driven before the operator
    -- last said how much room there is, is in what was said. What is loaded above an agreement, within its tolerance,
    -- books no room, so that no lorry is turned away at the gate for it.
    WITH counted AS (
        SELECT deal.destination_facility_id IS NOT DISTINCT FROM $1 AS comes_in,
               deal.agreed_from,
               least(deal.agreed_to, coalesce(cast(timezone('Europe/Oslo', deal.ended_at) AS date), deal.agreed_to))
                   AS last_day,
               greatest(
                   least(deal.committed_t, deal.agreed_t) - coalesce(
                       (SELECT sum(ticket.counted_t) FROM ticket
                        WHERE ticket.deal_id = deal.id AND ticket.loaded_at <= $2),
                       0
                   ),
                   0
               ) AS mass_t
        FROM deal
        WHERE (deal.destination_facility_id = $1 OR deal.origin_facility_id = $1)
          AND deal.committed_t > 0 AND deal.id IS DISTINCT FROM $3
    ),
    change AS (
        SELECT counted.agreed_from AS day, counted.mass_t FROM counted WHERE counted.comes_in
        UNION ALL
        SELECT counted.last_day + 1, -counted.mass_t FROM counted WHERE NOT counted.comes_in
    )
    SELECT change.day, sum(sum(change.mass_t)) OVER (ORDER BY change.day) FROM change GROUP BY change.day
$$;

CREATE FUNCTION facility_booked_peak_t(facility_id bigint, since timestamptz) RETURNS numeric
LANGUAGE sql STABLE AS $$
    SELECT greatest(coalesce(max(stock.mass_t), 0), 0) FROM facility_stock($1, $2) AS stock
$$;

CREATE FUNCTION keep_facility_booked() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.booked_peak_t := facility_booked_peak_t(NEW.id, NEW.capacity_reported_at);
    RETURN NEW;
END
$$;
CREATE TRIGGER keep_facility_booked BEFORE UPDATE OF capacity_reported_at, booked_peak_t ON facility
    FOR EACH ROW EXECUTE FUNCTION keep_facility_booked();

CREATE FUNCTION keep_committed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    before_t numeric := CASE WHEN TG_OP = 'INSERT' THEN 0 ELSE OLD.committed_t END;
    change_t numeric := NEW.committed_t - before_t;
BEGIN
    IF change_t <> 0 THEN
        IF NEW.source_deal_id IS NOT NULL THEN
            UPDATE deal SET onward_t = onward_t + change_t WHERE id = NEW.source_deal_id;
        END IF;
        -- A facility's listings share its room, which is held below.
        UPDATE listing SET committed_t = committed_t + change_t
        WHERE kind <> 'reception'
          AND (id = NEW.taking_listing_id OR (id = NEW.surplus_id AND NEW.source_deal_id IS NULL));
    END IF;
    UPDATE facility SET booked_peak_t = 0  -- whatever is written, the facility's own trigger works it out
    WHERE id IN (NEW.destination_facility_id, NEW.origin_facility_id);
    RETURN NULL;
END
$$;
CREATE TRIGGER keep_committed_inserted AFTER INSERT ON deal
    FOR EACH ROW WHEN (NEW.committed_t <> 0) EXECUTE FUNCTION keep_committed();
CREATE TRIGGER keep_committed_updated AFTER UPDATE ON deal
    FOR EACH ROW
    WHEN ((OLD.committed_t, OLD.agreed_from, OLD.agreed_to, OLD.delivered_t, OLD.ended_at)
        IS DISTINCT FROM (NEW.committed_t, NEW.agreed_from, NEW.agreed_to, NEW.delivered_t, NEW.ended_at))
    EXECUTE FUNCTION keep_committed();

CREATE FUNCTION keep_delivered_by_new() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- A file of thousands of loads changes its deal once, and not as often as it has rows.
    UPDATE deal SET delivered_t = deal.delivered_t + added.mass_t
    FROM (SELECT new_ticket.deal_id, sum(new_ticket.counted_t) AS mass_t FROM new_ticket GROUP BY 1) AS added
    WHERE deal.id = added.deal_id AND added.mass_t <> 0;
    RETURN NULL;
END
$$;
CREATE TRIGGER keep_delivered_inserted AFTER INSERT ON ticket REFERENCING NEW TABLE AS new_ticket
    FOR EACH STATEMENT EXECUTE FUNCTION keep_delivered_by_new();

CREATE FUNCTION keep_delivered() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE deal SET delivered_t = delivered_t + NEW.counted_t - OLD.counted_t WHERE id = NEW.deal_id;
    RETURN NULL;
END
$$;
CREATE TRIGGER keep_delivered_updated AFTER UPDATE ON ticket
    FOR EACH ROW WHEN (OLD.counted_t IS DISTINCT FROM NEW.counted_t) EXECUTE FUNCTION keep_delivered();

CREATE FUNCTION keep_as_it_was() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a row of % is never taken away', TG_TABLE_NAME;
END
$$;
CREATE TRIGGER keep_deal BEFORE DELETE ON deal FOR EACH ROW EXECUTE FUNCTION keep_as_it_was();
CREATE TRIGGER keep_ticket BEFORE DELETE ON ticket FOR EACH ROW EXECUTE FUNCTION keep_as_it_was();
CREATE TRIGGER keep_statement BEFORE DELETE ON deal_statement FOR EACH ROW EXECUTE FUNCTION keep_as_it_was();

CREATE FUNCTION keep_signed_statement() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a statement that both sides have signed is never changed';
END
$$;
CREATE TRIGGER keep_signed_statement BEFORE UPDATE ON deal_statement
    FOR EACH ROW WHEN (num_nulls(OLD.giver_signed_at, OLD.taker_signed_at) = 0)
    EXECUTE FUNCTION keep_signed_statement();
"""


def enumeration(*values: str, name: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=32)


QUANTITY_IS_NEWS = """
CREATE TRIGGER listing_has_another_quantity AFTER UPDATE ON listing FOR EACH ROW
WHEN (NEW.status = 'published' AND NOT NEW.is_example AND OLD.mass_t = NEW.mass_t AND OLD.left_t <> NEW.left_t)
EXECUTE FUNCTION note_listing_news()
"""
"""What a declined or cancelled deal frees may be what a saved search waits for; that its owner says another mass, the
trigger of 0011 sees."""


def upgrade() -> None:
    op.create_table(
        "deal",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column(
            "status",
            enumeration(
                "negotiating", "agreed", "completed", "declined", "withdrawn", "expired", "cancelled", name="status"
            ),
            nullable=False,
        ),
        sa.Column("opened_by", enumeration("giver", "taker", name="opened_by"), nullable=False),
        sa.Column("giver_organisation_id", sa.BigInteger(), nullable=False),
        sa.Column("taker_organisation_id", sa.BigInteger(), nullable=False),
        sa.Column("surplus_id", sa.BigInteger(), nullable=False),
        sa.Column("taking_listing_id", sa.BigInteger(), nullable=True),
        sa.Column("source_deal_id", sa.BigInteger(), nullable=True),
        sa.Column("material_key", sa.String(length=40), nullable=False),
        sa.Column("origin_name", sa.String(length=200), nullable=False),
        sa.Column("origin_facility_id", sa.BigInteger(), nullable=True),
        sa.Column("origin_position_25833", Geometry("POINT", srid=25833, spatial_index=False), nullable=False),
        sa.Column("origin_municipality_number", sa.String(length=4), nullable=False),
        sa.Column("destination_name", sa.String(length=200), nullable=False),
        sa.Column("destination_project_id", sa.BigInteger(), nullable=True),
        sa.Column("destination_facility_id", sa.BigInteger(), nullable=True),
        sa.Column("destination_position_25833", Geometry("POINT", srid=25833, spatial_index=False), nullable=False),
        sa.Column("destination_municipality_number", sa.String(length=4), nullable=False),
        sa.Column("agreed_t", sa.Numeric(precision=14, scale=3), server_default="0", nullable=False),
        sa.Column("agreed_from", sa.Date(), nullable=True),
        sa.Column("agreed_to", sa.Date(), nullable=True),
        sa.Column("agreed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tolerance_percent", sa.Numeric(precision=4, scale=1), server_default="5", nullable=False),
        sa.Column("delivered_t", sa.Numeric(precision=14, scale=3), server_default="0", nullable=False),
        sa.Column("onward_t", sa.Numeric(precision=14, scale=3), server_default="0", nullable=False),
        sa.Column(
            "committed_t",
            sa.Numeric(precision=14, scale=3),
            sa.Computed(
                "CASE status WHEN 'agreed' THEN greatest(agreed_t, delivered_t)"
                " WHEN 'completed' THEN delivered_t ELSE 0 END",
                persisted=True,
            ),
            nullable=False,
        ),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("end_reason", sa.Text(), server_default="", nullable=False),
        sa.Column("touched_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("chased_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("is_example", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("created_by_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("(status IN ('negotiating', 'agreed')) = (ended_at IS NULL)", name=op.f("ck_deal_ended_at")),
        sa.CheckConstraint("status <> 'cancelled' OR delivered_t = 0", name=op.f("ck_deal_cancelled")),
        sa.CheckConstraint(
            "status NOT IN ('agreed', 'completed')"
            " OR (agreed_t > 0 AND num_nulls(agreed_from, agreed_to, agreed_at) = 0)",
            name=op.f("ck_deal_agreed"),
        ),
        sa.CheckConstraint("(source_deal_id IS NULL) = (origin_facility_id IS NULL)", name=op.f("ck_deal_hub")),
        sa.CheckConstraint("agreed_t >= 0", name=op.f("ck_deal_agreed_t")),
        sa.CheckConstraint("agreed_to >= agreed_from", name=op.f("ck_deal_agreed_period")),
        sa.CheckConstraint(
            "delivered_t >= 0 AND delivered_t <= agreed_t * (1 + tolerance_percent / 100)",
            name=op.f("ck_deal_delivered_t"),
        ),
        sa.CheckConstraint("giver_organisation_id <> taker_organisation_id", name=op.f("ck_deal_parties")),
        sa.CheckConstraint(
            "onward_t >= 0 AND onward_t <= committed_t * (1 + tolerance_percent / 100)",
            name=op.f("ck_deal_onward_t"),
        ),
        sa.CheckConstraint("source_deal_id <> id", name=op.f("ck_deal_source_deal_id")),
        sa.CheckConstraint("tolerance_percent BETWEEN 0 AND 20", name=op.f("ck_deal_tolerance_percent")),
        sa.ForeignKeyConstraint(["created_by_id"], ["app_user.id"], name=op.f("fk_deal_created_by_id")),
        sa.ForeignKeyConstraint(
            ["destination_facility_id"], ["facility.id"], name=op.f("fk_deal_destination_facility_id")
        ),
        sa.ForeignKeyConstraint(
            ["destination_municipality_number"],
            ["municipality.number"],
            name=op.f("fk_deal_destination_municipality_number"),
        ),
        sa.ForeignKeyConstraint(
            ["destination_project_id"], ["project.id"], name=op.f("fk_deal_destination_project_id")
        ),
        sa.ForeignKeyConstraint(
            ["giver_organisation_id"], ["organisation.id"], name=op.f("fk_deal_giver_organisation_id")
        ),
        sa.ForeignKeyConstraint(["material_key"], ["material.key"], name=op.f("fk_deal_material_key")),
        sa.ForeignKeyConstraint(["origin_facility_id"], ["facility.id"], name=op.f("fk_deal_origin_facility_id")),
        sa.ForeignKeyConstraint(
            ["origin_municipality_number"], ["municipality.number"], name=op.f("fk_deal_origin_municipality_number")
        ),
        sa.ForeignKeyConstraint(["source_deal_id"], ["deal.id"], name=op.f("fk_deal_source_deal_id")),
        sa.ForeignKeyConstraint(["surplus_id"], ["listing.id"], name=op.f("fk_deal_surplus_id")),
        sa.ForeignKeyConstraint(
            ["taker_organisation_id"], ["organisation.id"], name=op.f("fk_deal_taker_organisation_id")
        ),
        sa.ForeignKeyConstraint(["taking_listing_id"], ["listing.id"], name=op.f("fk_deal_taking_listing_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deal")),
    )
    op.create_index(op.f("ix_deal_created_by_id"), "deal", ["created_by_id"], unique=False)
    op.create_index(op.f("ix_deal_destination_facility_id"), "deal", ["destination_facility_id"], unique=False)
    op.create_index(
        op.f("ix_deal_destination_municipality_number"), "deal", ["destination_municipality_number"], unique=False
    )
    op.create_index(
        "ix_deal_destination_position_25833",
        "deal",
        ["destination_position_25833"],
        unique=False,
        postgresql_using="gist",
    )
    op.create_index(op.f("ix_deal_destination_project_id"), "deal", ["destination_project_id"], unique=False)
    op.create_index("ix_deal_giver_organisation_id_status", "deal", ["giver_organisation_id", "status"], unique=False)
    op.create_index(op.f("ix_deal_material_key"), "deal", ["material_key"], unique=False)
    op.create_index(
        "ix_deal_open",
        "deal",
        ["status", "touched_at"],
        unique=False,
        postgresql_where=sa.text("status IN ('negotiating', 'agreed')"),
    )
    op.create_index(op.f("ix_deal_origin_facility_id"), "deal", ["origin_facility_id"], unique=False)
    op.create_index(op.f("ix_deal_origin_municipality_number"), "deal", ["origin_municipality_number"], unique=False)
    op.create_index(
        "ix_deal_origin_position_25833", "deal", ["origin_position_25833"], unique=False, postgresql_using="gist"
    )
    op.create_index(op.f("ix_deal_source_deal_id"), "deal", ["source_deal_id"], unique=False)
    op.create_index(op.f("ix_deal_surplus_id"), "deal", ["surplus_id"], unique=False)
    op.create_index("ix_deal_taker_organisation_id_status", "deal", ["taker_organisation_id", "status"], unique=False)
    op.create_index(op.f("ix_deal_taking_listing_id"), "deal", ["taking_listing_id"], unique=False)
    op.create_table(
        "deal_message",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("deal_id", sa.BigInteger(), nullable=False),
        sa.Column("side", enumeration("giver", "taker", name="side"), nullable=False),
        sa.Column("author_id", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["author_id"], ["app_user.id"], name=op.f("fk_deal_message_author_id")),
        sa.ForeignKeyConstraint(["deal_id"], ["deal.id"], name=op.f("fk_deal_message_deal_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deal_message")),
    )
    op.create_index(op.f("ix_deal_message_author_id"), "deal_message", ["author_id"], unique=False)
    op.create_index("ix_deal_message_deal_id_id", "deal_message", ["deal_id", "id"], unique=False)
    op.create_table(
        "deal_offer",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("deal_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.SmallInteger(), nullable=False),
        sa.Column(
            "status",
            enumeration("open", "accepted", "declined", "withdrawn", "superseded", "expired", name="status"),
            nullable=False,
        ),
        sa.Column("made_by", enumeration("giver", "taker", name="made_by"), nullable=False),
        sa.Column("made_by_id", sa.BigInteger(), nullable=False),
        sa.Column("is_suggestion", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("mass_t", sa.Numeric(precision=14, scale=3), nullable=False),
        sa.Column("entered_value", sa.Numeric(precision=14, scale=3), nullable=False),
        sa.Column(
            "entered_unit", enumeration("t", "m3_bank", "m3_loose", "m3_placed", name="entered_unit"), nullable=False
        ),
        sa.Column("density_t_m3", sa.Numeric(precision=6, scale=3), nullable=True),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=False),
        sa.Column("price_kind", enumeration("free", "taker_pays", "giver_pays", name="price_kind"), nullable=False),
        sa.Column("price_nok_per_t", sa.Numeric(precision=10, scale=2), nullable=True),
        sa.Column("loading", enumeration("giver", "taker", "by_agreement", name="loading"), nullable=False),
        sa.Column("haulage", enumeration("giver", "taker", "by_agreement", name="haulage"), nullable=False),
        sa.Column("haulier", sa.String(length=200), server_default="", nullable=False),
        sa.Column("access", sa.Text(), server_default="", nullable=False),
        sa.Column("opening_hours", sa.String(length=200), server_default="", nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answered_by_id", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("(entered_unit = 't') = (density_t_m3 IS NULL)", name=op.f("ck_deal_offer_density_t_m3")),
        sa.CheckConstraint(
            "(price_kind = 'free') = (price_nok_per_t IS NULL) AND price_nok_per_t > 0",
            name=op.f("ck_deal_offer_price_nok_per_t"),
        ),
        sa.CheckConstraint("(status = 'open') = (answered_at IS NULL)", name=op.f("ck_deal_offer_answered_at")),
        sa.CheckConstraint("ends_on >= starts_on", name=op.f("ck_deal_offer_period")),
        sa.CheckConstraint("entered_value > 0", name=op.f("ck_deal_offer_entered_value")),
        sa.CheckConstraint("mass_t > 0", name=op.f("ck_deal_offer_mass_t")),
        sa.ForeignKeyConstraint(["answered_by_id"], ["app_user.id"], name=op.f("fk_deal_offer_answered_by_id")),
        sa.ForeignKeyConstraint(["deal_id"], ["deal.id"], name=op.f("fk_deal_offer_deal_id")),
        sa.ForeignKeyConstraint(["made_by_id"], ["app_user.id"], name=op.f("fk_deal_offer_made_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deal_offer")),
    )
    op.create_index(op.f("ix_deal_offer_answered_by_id"), "deal_offer", ["answered_by_id"], unique=False)
    op.create_index(
        "ix_deal_offer_expires_at",
        "deal_offer",
        ["expires_at"],
        unique=False,
        postgresql_where=sa.text("status = 'open'"),
    )
    op.create_index(op.f("ix_deal_offer_made_by_id"), "deal_offer", ["made_by_id"], unique=False)
    op.create_index(
        "uq_deal_offer_accepted",
        "deal_offer",
        ["deal_id"],
        unique=True,
        postgresql_where=sa.text("status = 'accepted'"),
    )
    op.create_index("uq_deal_offer_deal_id_number", "deal_offer", ["deal_id", "number"], unique=True)
    op.create_index(
        "uq_deal_offer_open", "deal_offer", ["deal_id"], unique=True, postgresql_where=sa.text("status = 'open'")
    )
    op.create_table(
        "deal_reading",
        sa.Column("deal_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["deal_id"], ["deal.id"], name=op.f("fk_deal_reading_deal_id")),
        sa.ForeignKeyConstraint(["user_id"], ["app_user.id"], name=op.f("fk_deal_reading_user_id")),
        sa.PrimaryKeyConstraint("deal_id", "user_id", name=op.f("pk_deal_reading")),
    )
    op.create_index(op.f("ix_deal_reading_user_id"), "deal_reading", ["user_id"], unique=False)
    op.create_table(
        "deal_statement",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("deal_id", sa.BigInteger(), nullable=False),
        sa.Column("delivered_t", sa.Numeric(precision=14, scale=3), nullable=False),
        sa.Column("ticket_count", sa.Integer(), nullable=False),
        sa.Column("tickets_sha256", sa.String(length=64), nullable=False),
        sa.Column("deviation", sa.Text(), server_default="", nullable=False),
        sa.Column("content", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_by_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("giver_signed_by_id", sa.BigInteger(), nullable=True),
        sa.Column("giver_signed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("taker_signed_by_id", sa.BigInteger(), nullable=True),
        sa.Column("taker_signed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("voided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("voided_by_id", sa.BigInteger(), nullable=True),
        sa.Column("void_reason", sa.Text(), server_default="", nullable=False),
        sa.CheckConstraint(
            "(giver_signed_by_id IS NULL) = (giver_signed_at IS NULL)", name=op.f("ck_deal_statement_giver_signed")
        ),
        sa.CheckConstraint(
            "(taker_signed_by_id IS NULL) = (taker_signed_at IS NULL)", name=op.f("ck_deal_statement_taker_signed")
        ),
        sa.CheckConstraint("delivered_t >= 0 AND ticket_count >= 0", name=op.f("ck_deal_statement_delivered_t")),
        sa.CheckConstraint(
            "voided_at IS NULL OR num_nulls(giver_signed_at, taker_signed_at) > 0",
            name=op.f("ck_deal_statement_voided_at"),
        ),
        sa.ForeignKeyConstraint(["created_by_id"], ["app_user.id"], name=op.f("fk_deal_statement_created_by_id")),
        sa.ForeignKeyConstraint(["deal_id"], ["deal.id"], name=op.f("fk_deal_statement_deal_id")),
        sa.ForeignKeyConstraint(
            ["giver_signed_by_id"], ["app_user.id"], name=op.f("fk_deal_statement_giver_signed_by_id")
        ),
        sa.ForeignKeyConstraint(
            ["taker_signed_by_id"], ["app_user.id"], name=op.f("fk_deal_statement_taker_signed_by_id")
        ),
        sa.ForeignKeyConstraint(["voided_by_id"], ["app_user.id"], name=op.f("fk_deal_statement_voided_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deal_statement")),
    )
    op.create_index(op.f("ix_deal_statement_created_by_id"), "deal_statement", ["created_by_id"], unique=False)
    op.create_index("ix_deal_statement_deal_id", "deal_statement", ["deal_id"], unique=False)
    op.create_index(
        op.f("ix_deal_statement_giver_signed_by_id"), "deal_statement", ["giver_signed_by_id"], unique=False
    )
    op.create_index(
        op.f("ix_deal_statement_taker_signed_by_id"), "deal_statement", ["taker_signed_by_id"], unique=False
    )
    op.create_index(op.f("ix_deal_statement_voided_by_id"), "deal_statement", ["voided_by_id"], unique=False)
    op.create_index(
        "uq_deal_statement_deal_id",
        "deal_statement",
        ["deal_id"],
        unique=True,
        postgresql_where=sa.text("voided_at IS NULL"),
    )
    op.create_table(
        "gate_link",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("deal_id", sa.BigInteger(), nullable=False),
        sa.Column("side", enumeration("giver", "taker", name="side"), nullable=False),
        sa.Column("valid_on", sa.Date(), nullable=False),
        sa.Column("label", sa.String(length=200), server_default="", nullable=False),
        sa.Column("created_by_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_by_id", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["created_by_id"], ["app_user.id"], name=op.f("fk_gate_link_created_by_id")),
        sa.ForeignKeyConstraint(["deal_id"], ["deal.id"], name=op.f("fk_gate_link_deal_id")),
        sa.ForeignKeyConstraint(["revoked_by_id"], ["app_user.id"], name=op.f("fk_gate_link_revoked_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gate_link")),
    )
    op.create_index(op.f("ix_gate_link_created_by_id"), "gate_link", ["created_by_id"], unique=False)
    op.create_index("ix_gate_link_deal_id_valid_on", "gate_link", ["deal_id", "valid_on"], unique=False)
    op.create_index(op.f("ix_gate_link_revoked_by_id"), "gate_link", ["revoked_by_id"], unique=False)
    op.create_table(
        "recovery_answer",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("deal_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "test",
            enumeration("carried_out_regardless", "quantity_matches_need", "suitable", name="test"),
            nullable=False,
        ),
        sa.Column("holds", sa.Boolean(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("document_id", sa.BigInteger(), nullable=True),
        sa.Column("answered_by_id", sa.BigInteger(), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["answered_by_id"], ["app_user.id"], name=op.f("fk_recovery_answer_answered_by_id")),
        sa.ForeignKeyConstraint(["deal_id"], ["deal.id"], name=op.f("fk_recovery_answer_deal_id")),
        sa.ForeignKeyConstraint(["document_id"], ["document.id"], name=op.f("fk_recovery_answer_document_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recovery_answer")),
    )
    op.create_index(op.f("ix_recovery_answer_answered_by_id"), "recovery_answer", ["answered_by_id"], unique=False)
    op.create_index(op.f("ix_recovery_answer_document_id"), "recovery_answer", ["document_id"], unique=False)
    op.create_index("uq_recovery_answer_deal_id_test", "recovery_answer", ["deal_id", "test"], unique=True)
    op.create_table(
        "ticket",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("deal_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.String(length=60), nullable=False),
        sa.Column("status", enumeration("reported", "confirmed", "disputed", "voided", name="status"), nullable=False),
        sa.Column("source", enumeration("typed", "gate", "file", "api", name="source"), nullable=False),
        sa.Column("side", enumeration("giver", "taker", name="side"), nullable=False),
        sa.Column("loaded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("vehicle_registration", sa.String(length=20), nullable=False),
        sa.Column("mass_t", sa.Numeric(precision=14, scale=3), nullable=False),
        sa.Column("is_weighed", sa.Boolean(), nullable=False),
        sa.Column("carrier", sa.String(length=200), server_default="", nullable=False),
        sa.Column("origin_name", sa.String(length=200), nullable=False),
        sa.Column("destination_name", sa.String(length=200), nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("slip_sha256", sa.String(length=64), nullable=True),
        sa.Column("slip_media_type", sa.String(length=80), nullable=True),
        sa.Column("slip_size_bytes", sa.BigInteger(), nullable=True),
        sa.Column("client_key", sa.Uuid(), nullable=True),
        sa.Column("gate_link_id", sa.BigInteger(), nullable=True),
        sa.Column("reported_by_id", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("confirmed_by_id", sa.BigInteger(), nullable=True),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("disputed_by_id", sa.BigInteger(), nullable=True),
        sa.Column("disputed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("dispute_reason", sa.Text(), server_default="", nullable=False),
        sa.Column("corrects_id", sa.BigInteger(), nullable=True),
        sa.Column("correction_reason", sa.Text(), server_default="", nullable=False),
        sa.Column("is_current", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column(
            "counted_t",
            sa.Numeric(precision=14, scale=3),
            sa.Computed("CASE WHEN is_current AND status <> 'voided' THEN mass_t ELSE 0 END", persisted=True),
            nullable=False,
        ),
        sa.CheckConstraint("(source = 'gate') = (gate_link_id IS NOT NULL)", name=op.f("ck_ticket_gate_link_id")),
        sa.CheckConstraint("(status = 'confirmed') = (confirmed_at IS NOT NULL)", name=op.f("ck_ticket_confirmed_at")),
        sa.CheckConstraint("(status = 'disputed') = (disputed_at IS NOT NULL)", name=op.f("ck_ticket_disputed_at")),
        sa.CheckConstraint("source = 'gate' OR reported_by_id IS NOT NULL", name=op.f("ck_ticket_reported_by_id")),
        sa.CheckConstraint("(slip_sha256 IS NULL) = (slip_size_bytes IS NULL)", name=op.f("ck_ticket_slip")),
        sa.CheckConstraint("mass_t > 0 AND mass_t <= 200", name=op.f("ck_ticket_mass_t")),
        sa.ForeignKeyConstraint(["confirmed_by_id"], ["app_user.id"], name=op.f("fk_ticket_confirmed_by_id")),
        sa.ForeignKeyConstraint(["corrects_id"], ["ticket.id"], name=op.f("fk_ticket_corrects_id")),
        sa.ForeignKeyConstraint(["deal_id"], ["deal.id"], name=op.f("fk_ticket_deal_id")),
        sa.ForeignKeyConstraint(["disputed_by_id"], ["app_user.id"], name=op.f("fk_ticket_disputed_by_id")),
        sa.ForeignKeyConstraint(["gate_link_id"], ["gate_link.id"], name=op.f("fk_ticket_gate_link_id")),
        sa.ForeignKeyConstraint(["reported_by_id"], ["app_user.id"], name=op.f("fk_ticket_reported_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket")),
    )
    op.create_index(op.f("ix_ticket_confirmed_by_id"), "ticket", ["confirmed_by_id"], unique=False)
    op.create_index("ix_ticket_deal_id_number", "ticket", ["deal_id", sa.literal_column("lower(number)")], unique=False)
    op.create_index("ix_ticket_deal_id_loaded_at", "ticket", ["deal_id", "loaded_at"], unique=False)
    op.create_index(op.f("ix_ticket_disputed_by_id"), "ticket", ["disputed_by_id"], unique=False)
    op.create_index(op.f("ix_ticket_gate_link_id"), "ticket", ["gate_link_id"], unique=False)
    op.create_index(op.f("ix_ticket_reported_by_id"), "ticket", ["reported_by_id"], unique=False)
    op.create_index(
        "ix_ticket_waiting",
        "ticket",
        ["deal_id"],
        unique=False,
        postgresql_where=sa.text("is_current AND status IN ('reported', 'disputed')"),
    )
    op.create_index("ix_ticket_slip_sha256", "ticket", ["slip_sha256"], unique=False)
    op.create_index("uq_ticket_corrects_id", "ticket", ["corrects_id"], unique=True)
    op.create_index("uq_ticket_deal_id_client_key", "ticket", ["deal_id", "client_key"], unique=True)
    op.create_index(
        "uq_ticket_deal_id_number",
        "ticket",
        ["deal_id", sa.literal_column("lower(number)")],
        unique=True,
        postgresql_where=sa.text("is_current"),
    )
    op.add_column(
        "facility", sa.Column("booked_peak_t", sa.Numeric(precision=14, scale=3), server_default="0", nullable=False)
    )
    op.add_column(
        "listing", sa.Column("committed_t", sa.Numeric(precision=14, scale=3), server_default="0", nullable=False)
    )
    op.add_column(
        "listing", sa.Column("tolerance_percent", sa.Numeric(precision=4, scale=1), server_default="5", nullable=False)
    )
    op.add_column(
        "listing",
        sa.Column(
            "left_t",
            sa.Numeric(precision=14, scale=3),
            sa.Computed("greatest(mass_t - committed_t, 0)", persisted=True),
            nullable=False,
        ),
    )
    op.drop_index(
        op.f("ix_listing_mass_t_id"), table_name="listing", postgresql_where="((status)::text = 'published'::text)"
    )
    op.create_index(
        "ix_listing_left_t_id",
        "listing",
        ["left_t", "id"],
        unique=False,
        postgresql_where=sa.text("status = 'published'"),
    )
    op.create_check_constraint(op.f("ck_listing_tolerance_percent"), "listing", "tolerance_percent BETWEEN 0 AND 20")
    op.create_check_constraint(
        op.f("ck_listing_committed_t"),
        "listing",
        "committed_t >= 0 AND committed_t <= mass_t * (1 + tolerance_percent / 100)",
    )
    op.create_check_constraint(
        op.f("ck_facility_booked"),
        "facility",
        "booked_peak_t >= 0 AND booked_peak_t <= coalesce(capacity_left_t, capacity_t)",
    )
    op.execute(FUNCTIONS)
    op.execute(QUANTITY_IS_NEWS)
    _log()


def _log() -> None:
    """Members of both sides read all that befalls a deal. Sums that triggers keep follow from what is logged, and the
    exact positions open to the other side only once the deal is agreed."""
    parties = ("giver_organisation_id", "taker_organisation_id")
    sums = ("delivered_t", "onward_t", "committed_t")
    places = ("origin_position_25833", "destination_position_25833")
    op.execute(audited("deal", organisations=parties, without=(*sums, *places, "touched_at", "chased_at")))
    masked = {"deal_message": ("body",)}
    without = {"ticket": ("counted_t", "client_key")}
    for table in PARTS_OF_A_DEAL:
        op.execute(
            audited(
                table,
                subject={"deal": "deal_id"},
                organisations=through("deal", "deal_id", *parties),
                without=without.get(table, ()),
                masked=masked.get(table, ()),
            )
        )


def downgrade() -> None:
    for table in ("deal", *PARTS_OF_A_DEAL):
        op.execute(unaudited(table))
    op.drop_table("ticket")
    op.drop_table("recovery_answer")
    op.drop_table("gate_link")
    op.drop_table("deal_statement")
    op.drop_table("deal_reading")
    op.execute("DROP TABLE deal_offer CASCADE")
    op.drop_table("deal_message")
    op.execute("DROP TABLE deal CASCADE")
    op.execute("DROP TRIGGER keep_facility_booked ON facility")
    for function in (
        "keep_facility_booked",
        "keep_committed",
        "keep_delivered",
        "keep_delivered_by_new",
        "keep_as_it_was",
        "keep_signed_statement",
    ):
        op.execute(f"DROP FUNCTION {function}()")
    op.execute("DROP FUNCTION facility_booked_peak_t(bigint, timestamptz)")
    op.execute("DROP FUNCTION facility_stock(bigint, timestamptz, bigint)")
    op.execute("DROP TRIGGER listing_has_another_quantity ON listing")
    op.drop_column("facility", "booked_peak_t")
    op.drop_column("listing", "left_t")
    op.drop_column("listing", "tolerance_percent")
    op.drop_column("listing", "committed_t")
    op.create_index(
        "ix_listing_mass_t_id", "listing", ["mass_t", "id"], postgresql_where=sa.text("status = 'published'")
    )
