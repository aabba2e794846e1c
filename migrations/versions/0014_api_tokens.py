"""Tokens by which other systems act for an organisation, and weighbridge files on their way in.

Revision ID: 0014
Revises: 0013
"""

import sqlalchemy as sa
from alembic import op

from marketplace.audit_triggers import audited, unaudited

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "api_token",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("organisation_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("created_by_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_by_id", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["created_by_id"], ["app_user.id"], name=op.f("fk_api_token_created_by_id")),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_api_token_organisation_id")),
        sa.ForeignKeyConstraint(["revoked_by_id"], ["app_user.id"], name=op.f("fk_api_token_revoked_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_token")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_api_token_token_hash")),
    )
    op.create_index("ix_api_token_organisation_id", "api_token", ["organisation_id"])
    op.create_index(op.f("ix_api_token_created_by_id"), "api_token", ["created_by_id"])
    op.create_index(op.f("ix_api_token_revoked_by_id"), "api_token", ["revoked_by_id"])
    op.create_table(
        "ticket_file",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("deal_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "side",
            sa.Enum("giver", "taker", name="side", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("file_name", sa.String(length=200), nullable=True),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("created_by_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["created_by_id"], ["app_user.id"], name=op.f("fk_ticket_file_created_by_id")),
        sa.ForeignKeyConstraint(["deal_id"], ["deal.id"], name=op.f("fk_ticket_file_deal_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket_file")),
    )
    op.create_index(op.f("ix_ticket_file_created_by_id"), "ticket_file", ["created_by_id"])
    op.create_index(op.f("ix_ticket_file_deal_id"), "ticket_file", ["deal_id"])
    op.execute(
        audited(
            "api_token",
            organisations=("organisation_id",),
            subject={"organisation": "organisation_id"},
            without=("token_hash", "last_used_at"),
        )
    )


def downgrade() -> None:
    op.execute(unaudited("api_token"))
    op.drop_table("ticket_file")
    op.drop_table("api_token")
