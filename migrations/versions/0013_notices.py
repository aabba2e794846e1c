"""What people are told of in a deal, at once or once a day, and enquiries of visitors.

Revision ID: 0013
Revises: 0012
"""

import sqlalchemy as sa
from alembic import op

from marketplace.audit_triggers import audited, unaudited

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

EVENTS = (
    "requested",
    "offered",
    "countered",
    "accepted",
    "declined",
    "withdrawn",
    "expired",
    "cancelled",
    "amendment_proposed",
    "amended",
    "amendment_declined",
    "amendment_withdrawn",
    "amendment_expired",
    "message",
    "recovery_answered",
    "ticket_added",
    "ticket_confirmed",
    "ticket_disputed",
    "ticket_corrected",
    "ticket_voided",
    "statement_drawn_up",
    "statement_voided",
    "completed",
    "enquiry",
)


def enumeration(*values: str, name: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=32)


def upgrade() -> None:
    op.add_column(
        "app_user",
        sa.Column(
            "deal_notices",
            enumeration("immediate", "daily", "never", name="deal_notices"),
            server_default="immediate",
            nullable=False,
        ),
    )
    op.create_table(
        "enquiry",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("listing_id", sa.BigInteger(), nullable=False),
        sa.Column("organisation_id", sa.BigInteger(), nullable=False),
        sa.Column("status", enumeration("unconfirmed", "open", "closed", "refused", name="status"), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("firm", sa.String(length=200), server_default="", nullable=False),
        sa.Column("email", sa.String(length=320), nullable=False),
        sa.Column("locale", sa.String(length=5), nullable=False),
        sa.Column("key", sa.String(length=32), nullable=False),
        sa.Column("is_answered", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("touched_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("invited_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_by_id", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("(status = 'unconfirmed') = (confirmed_at IS NULL)", name=op.f("ck_enquiry_confirmed_at")),
        sa.CheckConstraint(
            "(status IN ('closed', 'refused')) = (closed_at IS NOT NULL)", name=op.f("ck_enquiry_closed_at")
        ),
        sa.ForeignKeyConstraint(["closed_by_id"], ["app_user.id"], name=op.f("fk_enquiry_closed_by_id")),
        sa.ForeignKeyConstraint(["listing_id"], ["listing.id"], name=op.f("fk_enquiry_listing_id")),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_enquiry_organisation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_enquiry")),
    )
    op.create_index("ix_enquiry_closed_by_id", "enquiry", ["closed_by_id"])
    op.create_index("ix_enquiry_listing_id", "enquiry", ["listing_id"])
    op.create_index("ix_enquiry_organisation_id_id", "enquiry", ["organisation_id", "id"])
    op.create_index("ix_enquiry_email", "enquiry", [sa.literal_column("lower(email)"), "id"])
    op.create_index("ix_enquiry_touched_at", "enquiry", ["touched_at"])
    op.create_index(
        "uq_enquiry_unconfirmed",
        "enquiry",
        ["listing_id", sa.literal_column("lower(email)")],
        unique=True,
        postgresql_where=sa.text("status = 'unconfirmed'"),
    )
    op.create_table(
        "enquiry_message",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("enquiry_id", sa.BigInteger(), nullable=False),
        sa.Column("author_id", sa.BigInteger(), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["author_id"], ["app_user.id"], name=op.f("fk_enquiry_message_author_id")),
        sa.ForeignKeyConstraint(
            ["enquiry_id"], ["enquiry.id"], name=op.f("fk_enquiry_message_enquiry_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_enquiry_message")),
    )
    op.create_index("ix_enquiry_message_author_id", "enquiry_message", ["author_id"])
    op.create_index("ix_enquiry_message_enquiry_id_id", "enquiry_message", ["enquiry_id", "id"])
    op.create_table(
        "notice",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("deal_id", sa.BigInteger(), nullable=True),
        sa.Column("enquiry_id", sa.BigInteger(), nullable=True),
        sa.Column("event", enumeration(*EVENTS, name="event"), nullable=False),
        sa.Column("by", enumeration("giver", "taker", name="by"), nullable=True),
        sa.Column("about_id", sa.BigInteger(), nullable=True),
        sa.Column("times", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("first_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("mail_id", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("times > 0", name=op.f("ck_notice_times")),
        sa.CheckConstraint("num_nonnulls(deal_id, enquiry_id) = 1", name=op.f("ck_notice_subject")),
        sa.CheckConstraint("(event = 'enquiry') = (enquiry_id IS NOT NULL)", name=op.f("ck_notice_enquiry")),
        sa.CheckConstraint("enquiry_id IS NULL OR about_id IS NOT NULL", name=op.f("ck_notice_about_id")),
        sa.ForeignKeyConstraint(["enquiry_id"], ["enquiry.id"], name=op.f("fk_notice_enquiry_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["deal_id"], ["deal.id"], name=op.f("fk_notice_deal_id")),
        sa.ForeignKeyConstraint(["mail_id"], ["outbox_mail.id"], name=op.f("fk_notice_mail_id")),
        sa.ForeignKeyConstraint(["user_id"], ["app_user.id"], name=op.f("fk_notice_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice")),
    )
    op.create_index("ix_notice_deal_id", "notice", ["deal_id"])
    op.create_index("ix_notice_enquiry_id", "notice", ["enquiry_id"])
    op.create_index("ix_notice_mail_id", "notice", ["mail_id"])
    op.create_index("ix_notice_user_id_id", "notice", ["user_id", "id"])
    op.create_index("ix_notice_unread", "notice", ["user_id", "deal_id"], postgresql_where=sa.text("read_at IS NULL"))
    op.create_index(
        "ix_notice_unmailed", "notice", ["user_id"], postgresql_where=sa.text("mail_id IS NULL AND read_at IS NULL")
    )
    op.create_index(
        "uq_notice_about_id",
        "notice",
        ["user_id", "deal_id", "event", "about_id"],
        unique=True,
        postgresql_where=sa.text("about_id IS NOT NULL"),
    )
    op.create_index(
        "uq_notice_enquiry",
        "notice",
        ["user_id", "enquiry_id", "about_id"],
        unique=True,
        postgresql_where=sa.text("enquiry_id IS NOT NULL"),
    )
    op.create_index(
        "uq_notice_waiting",
        "notice",
        ["user_id", "deal_id", "event"],
        unique=True,
        postgresql_where=sa.text("about_id IS NULL AND mail_id IS NULL AND read_at IS NULL"),
    )
    op.create_table(
        "notice_digest",
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("mail_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["mail_id"], ["outbox_mail.id"], name=op.f("fk_notice_digest_mail_id")),
        sa.ForeignKeyConstraint(["user_id"], ["app_user.id"], name=op.f("fk_notice_digest_user_id")),
        sa.PrimaryKeyConstraint("user_id", "day", name=op.f("pk_notice_digest")),
    )
    op.create_index("ix_notice_digest_mail_id", "notice_digest", ["mail_id"])
    op.create_table(
        "deal_follow",
        sa.Column("deal_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("is_following", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["deal_id"], ["deal.id"], name=op.f("fk_deal_follow_deal_id")),
        sa.ForeignKeyConstraint(["user_id"], ["app_user.id"], name=op.f("fk_deal_follow_user_id")),
        sa.PrimaryKeyConstraint("deal_id", "user_id", name=op.f("pk_deal_follow")),
    )
    op.create_index("ix_deal_follow_user_id", "deal_follow", ["user_id"])
    # Who wrote and from where is the visitor's; the log keeps what the owner did about it.
    op.execute(
        audited(
            "enquiry",
            organisations=("organisation_id",),
            subject={"listing": "listing_id"},
            without=("name", "firm", "email", "locale", "key", "touched_at", "is_answered"),
        )
    )


def downgrade() -> None:
    op.execute(unaudited("enquiry"))
    for table in ("deal_follow", "notice_digest", "notice", "enquiry_message", "enquiry"):
        op.drop_table(table)
    op.drop_column("app_user", "deal_notices")
