"""What people are told of in a deal, at once or once a day, and enquiries of visitors.

Revision ID: 0013
Revises: 0012
"""

import sqlalchemy as sa
from alembic import op

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
    "statement_signed",
    "statement_voided",
    "completed",
    "offer_ends_soon",
    "silent",
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
        "notice",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("deal_id", sa.BigInteger(), nullable=False),
        sa.Column("event", enumeration(*EVENTS, name="event"), nullable=False),
        sa.Column("by", enumeration("giver", "taker", name="by"), nullable=True),
        sa.Column("about_id", sa.BigInteger(), nullable=True),
        sa.Column("times", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("first_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("mail_id", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("times > 0", name=op.f("ck_notice_times")),
        sa.ForeignKeyConstraint(["deal_id"], ["deal.id"], name=op.f("fk_notice_deal_id")),
        sa.ForeignKeyConstraint(["mail_id"], ["outbox_mail.id"], name=op.f("fk_notice_mail_id")),
        sa.ForeignKeyConstraint(["user_id"], ["app_user.id"], name=op.f("fk_notice_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice")),
    )
    op.create_index("ix_notice_deal_id", "notice", ["deal_id"])
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
        "uq_notice_waiting",
        "notice",
        ["user_id", "deal_id", "event"],
        unique=True,
        postgresql_where=sa.text("about_id IS NULL AND mail_id IS NULL AND read_at IS NULL"),
    )
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


def downgrade() -> None:
    op.drop_table("deal_follow")
    op.drop_table("notice")
    op.drop_column("app_user", "deal_notices")
