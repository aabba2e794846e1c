"""Reports of listings, what moderators did, and which organisations are verified.

Nothing of a banned organisation is published, whatever way it takes: a trigger looks when a listing comes into sight.
It shares an advisory lock that a ban takes alone, so that a ban and a publication at the same moment take turns.

Revision ID: 0010
Revises: 0009
"""

import sqlalchemy as sa
from alembic import op

from marketplace.audit_triggers import audited, unaudited

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

PAUSED_BEFORE = "paused_reason IN ('owner', 'quality', 'unanswered', 'full')"
PAUSED_REASONS = ("owner", "quality", "unanswered", "full", "moderator", "banned")
REPORT_REASONS = ("wrong_material", "not_clean", "misleading", "not_available", "spam", "other")
OWN_TABLES = ("verification_request", "appeal", "listing_report")

BANS = """
CREATE FUNCTION refuse_banned_organisation() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(1835430510, (NEW.organisation_id % 1024)::int);
    IF EXISTS (SELECT FROM organisation WHERE id = NEW.organisation_id AND banned_at IS NOT NULL) THEN
        RAISE EXCEPTION 'organisation % is banned, so nothing of it is published', NEW.organisation_id
            USING ERRCODE = 'check_violation', TABLE = 'listing', CONSTRAINT = 'ck_listing_organisation_banned';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER refuse_banned_organisation BEFORE INSERT OR UPDATE OF status, organisation_id ON listing
    FOR EACH ROW WHEN (NEW.status = 'published') EXECUTE FUNCTION refuse_banned_organisation();
"""


def enumeration(*values: str, name: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, length=32, create_constraint=True)


def moment(name: str, *, is_now: bool = False) -> sa.Column[object]:
    if is_now:
        return sa.Column(name, sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False)
    return sa.Column(name, sa.DateTime(timezone=True), nullable=True)


def number() -> sa.Column[int]:
    return sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False)


def link(table: str, column: str, to: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [to], name=op.f(f"fk_{table}_{column}"))


def indexes(table: str, *columns: str) -> None:
    for column in columns:
        op.create_index(op.f(f"ix_{table}_{column}"), table, [column], unique=False)


def upgrade() -> None:
    _bans_of_people_and_organisations()
    _hidden_listings()
    _reports()
    _appeals()
    _verification_requests()
    op.execute(BANS)
    own = ("organisation_id",)
    # Whose listing it is learns from the log nothing of who reported it.
    op.execute(audited("listing_report", subject={"listing": "listing_id"}, masked=("reporter_email",)))
    op.execute(
        audited("appeal", organisations=own, subject={"listing": "listing_id", "organisation": "organisation_id"})
    )
    of_organisation = {"organisation": "organisation_id"}
    op.execute(audited("verification_request", organisations=own, subject=of_organisation, masked=("text",)))
    op.execute(_audited_documents(of_organisation))


def _audited_documents(others: dict[str, str]) -> str:
    """Documents are known as part of what they belong to; `others` where that is none of the three."""
    beside = {"listing": "listing_id", "facility": "facility_id", "project": "project_id"}
    return audited("document", organisations=("organisation_id",), subject=beside | others, without=("upload_id",))


def _bans_of_people_and_organisations() -> None:
    for table in ("app_user", "organisation"):
        op.add_column(table, moment("banned_at"))
        op.add_column(table, sa.Column("ban_reason", sa.Text(), nullable=True))
        op.create_check_constraint(op.f(f"ck_{table}_ban"), table, "(banned_at IS NULL) = (ban_reason IS NULL)")
    op.add_column("organisation", moment("verified_at"))
    op.add_column("organisation", sa.Column("verified_by_id", sa.BigInteger(), nullable=True))
    op.add_column("organisation", sa.Column("verification_note", sa.Text(), nullable=True))
    op.create_foreign_key(
        op.f("fk_organisation_verified_by_id"), "organisation", "app_user", ["verified_by_id"], ["id"]
    )
    indexes("organisation", "verified_by_id")
    op.create_check_constraint(
        op.f("ck_organisation_verified"),
        "organisation",
        "(verified_at IS NULL) = (verified_by_id IS NULL) AND (verified_at IS NULL) = (verification_note IS NULL)",
    )


def _hidden_listings() -> None:
    op.drop_constraint(op.f("ck_listing_paused_reason"), "listing", type_="check")
    among = ", ".join(f"'{reason}'" for reason in PAUSED_REASONS)
    op.create_check_constraint(op.f("ck_listing_paused_reason"), "listing", f"paused_reason IN ({among})")
    op.add_column("listing", moment("hidden_at"))
    op.add_column("listing", sa.Column("hidden_reason", sa.Text(), nullable=True))
    op.add_column(
        "listing",
        sa.Column("reason_before_hidden", enumeration(*PAUSED_REASONS, name="reason_before_hidden"), nullable=True),
    )
    op.create_check_constraint(
        op.f("ck_listing_hidden"),
        "listing",
        "(hidden_at IS NULL) = (hidden_reason IS NULL) AND (hidden_at IS NULL OR status = 'closed'"
        " OR coalesce(paused_reason, '') = 'moderator') AND (paused_reason <> 'moderator' OR hidden_at IS NOT NULL)"
        " AND (reason_before_hidden IS NULL OR hidden_at IS NOT NULL)",
    )


def _reports() -> None:
    table = "listing_report"
    op.create_table(
        table,
        number(),
        sa.Column("listing_id", sa.BigInteger(), nullable=False),
        sa.Column("reason", enumeration(*REPORT_REASONS, name="reason"), nullable=False),
        sa.Column("text", sa.Text(), server_default="", nullable=False),
        sa.Column("reporter_id", sa.BigInteger(), nullable=True),
        sa.Column("reporter_email", sa.String(length=320), nullable=True),
        sa.Column("locale", sa.String(length=5), server_default="nb", nullable=False),
        moment("created_at", is_now=True),
        moment("decided_at"),
        sa.Column("decided_by_id", sa.BigInteger(), nullable=True),
        sa.Column("outcome", enumeration("hidden", "dismissed", name="outcome"), nullable=True),
        sa.CheckConstraint(
            "(decided_at IS NULL) = (decided_by_id IS NULL) AND (decided_at IS NULL) = (outcome IS NULL)",
            name=op.f("ck_listing_report_decided"),
        ),
        sa.CheckConstraint("reporter_id IS NULL OR reporter_email IS NULL", name=op.f("ck_listing_report_reporter")),
        sa.CheckConstraint("reason <> 'other' OR text <> ''", name=op.f("ck_listing_report_text")),
        link(table, "listing_id", "listing.id"),
        link(table, "reporter_id", "app_user.id"),
        link(table, "decided_by_id", "app_user.id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_listing_report")),
    )
    indexes(table, "listing_id", "reporter_id", "decided_by_id")
    op.create_index(
        "uq_listing_report_open_by_person",
        table,
        ["listing_id", "reporter_id"],
        unique=True,
        postgresql_where=sa.text("decided_at IS NULL AND reporter_id IS NOT NULL"),
    )
    op.create_index(
        "uq_listing_report_open_by_address",
        table,
        ["listing_id", sa.text("lower(reporter_email)")],
        unique=True,
        postgresql_where=sa.text("decided_at IS NULL AND reporter_email IS NOT NULL"),
    )
    op.create_index(
        "ix_listing_report_open", table, ["listing_id", "id"], postgresql_where=sa.text("decided_at IS NULL")
    )


def _appeals() -> None:
    table = "appeal"
    op.create_table(
        table,
        number(),
        sa.Column("organisation_id", sa.BigInteger(), nullable=False),
        sa.Column("listing_id", sa.BigInteger(), nullable=True),
        *_asked_and_answered(table),
        link(table, "organisation_id", "organisation.id"),
        link(table, "listing_id", "listing.id"),
    )
    indexes(table, "organisation_id", "listing_id", "made_by_id", "decided_by_id")
    op.create_index(
        "uq_appeal_open_listing",
        table,
        ["listing_id"],
        unique=True,
        postgresql_where=sa.text("decided_at IS NULL AND listing_id IS NOT NULL"),
    )
    op.create_index(
        "uq_appeal_open_organisation",
        table,
        ["organisation_id"],
        unique=True,
        postgresql_where=sa.text("decided_at IS NULL AND listing_id IS NULL"),
    )
    op.create_index("ix_appeal_open", table, ["id"], postgresql_where=sa.text("decided_at IS NULL"))


def _verification_requests() -> None:
    table = "verification_request"
    op.create_table(
        table,
        number(),
        sa.Column("organisation_id", sa.BigInteger(), nullable=False),
        *_asked_and_answered(table),
        link(table, "organisation_id", "organisation.id"),
    )
    indexes(table, "organisation_id", "made_by_id", "decided_by_id")
    is_open = sa.text("decided_at IS NULL")
    op.create_index("uq_verification_request_open", table, ["organisation_id"], unique=True, postgresql_where=is_open)
    op.create_index("ix_verification_request_open", table, ["id"], postgresql_where=is_open)
    op.add_column("document", sa.Column("verification_request_id", sa.BigInteger(), nullable=True))
    indexes("document", "verification_request_id")
    op.create_foreign_key(
        op.f("fk_document_verification_request_id"), "document", table, ["verification_request_id"], ["id"]
    )
    op.drop_constraint(op.f("ck_document_belongs_to_one"), "document", type_="check")
    op.create_check_constraint(
        op.f("ck_document_belongs_to_one"),
        "document",
        "num_nonnulls(listing_id, facility_id, project_id, verification_request_id) = 1",
    )
    op.create_check_constraint(
        op.f("ck_document_private_proof"), "document", "verification_request_id IS NULL OR NOT is_shared"
    )


def _asked_and_answered(table: str) -> tuple[sa.schema.SchemaItem, ...]:
    """What an appeal and a request have in common."""
    return (
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("made_by_id", sa.BigInteger(), nullable=False),
        moment("created_at", is_now=True),
        moment("decided_at"),
        sa.Column("decided_by_id", sa.BigInteger(), nullable=True),
        sa.Column("is_granted", sa.Boolean(), nullable=True),
        sa.Column("answer", sa.Text(), server_default="", nullable=False),
        sa.CheckConstraint(
            "(decided_at IS NULL) = (decided_by_id IS NULL) AND (decided_at IS NULL) = (is_granted IS NULL)",
            name=op.f(f"ck_{table}_decided"),
        ),
        link(table, "made_by_id", "app_user.id"),
        link(table, "decided_by_id", "app_user.id"),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
    )


def downgrade() -> None:
    op.execute(_audited_documents({}))
    for table in OWN_TABLES:
        op.execute(unaudited(table))
    op.execute("DROP TRIGGER refuse_banned_organisation ON listing")
    op.execute("DROP FUNCTION refuse_banned_organisation")
    op.drop_constraint(op.f("ck_document_private_proof"), "document", type_="check")
    op.execute("DELETE FROM document WHERE verification_request_id IS NOT NULL")
    op.drop_constraint(op.f("ck_document_belongs_to_one"), "document", type_="check")
    op.drop_column("document", "verification_request_id")
    op.create_check_constraint(
        op.f("ck_document_belongs_to_one"), "document", "num_nonnulls(listing_id, facility_id, project_id) = 1"
    )
    for table in OWN_TABLES:
        op.drop_table(table)
    op.drop_constraint(op.f("ck_listing_hidden"), "listing", type_="check")
    for column in ("reason_before_hidden", "hidden_reason", "hidden_at"):
        op.drop_column("listing", column)
    op.drop_constraint(op.f("ck_listing_paused_reason"), "listing", type_="check")
    op.execute("UPDATE listing SET paused_reason = 'owner' WHERE paused_reason IN ('moderator', 'banned')")
    op.create_check_constraint(op.f("ck_listing_paused_reason"), "listing", PAUSED_BEFORE)
    for column in ("verification_note", "verified_by_id", "verified_at"):
        op.drop_column("organisation", column)
    for table in ("app_user", "organisation"):
        op.drop_column(table, "ban_reason")
        op.drop_column(table, "banned_at")
