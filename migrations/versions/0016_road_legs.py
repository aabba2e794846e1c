"""What the network of roads has answered.

Revision ID: 0016
Revises: 0015
"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "road_leg",
        sa.Column("network_version", sa.String(length=16), nullable=False),
        sa.Column("profile", sa.String(length=40), nullable=False),
        sa.Column("origin_lon_e5", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("origin_lat_e5", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("destination_lon_e5", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("destination_lat_e5", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "found",
                "estimated",
                "off_network",
                "no_route",
                name="status",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("road_m", sa.Double(), nullable=True),
        sa.Column("road_s", sa.Double(), nullable=True),
        sa.Column("line", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("status <> 'estimated'", name=op.f("ck_road_leg_answered")),
        sa.CheckConstraint("(status = 'found') = (road_m IS NOT NULL)", name=op.f("ck_road_leg_road_m")),
        sa.CheckConstraint("(status = 'found') = (road_s IS NOT NULL)", name=op.f("ck_road_leg_road_s")),
        sa.CheckConstraint("line IS NULL OR status = 'found'", name=op.f("ck_road_leg_line")),
        sa.PrimaryKeyConstraint(
            "network_version",
            "profile",
            "origin_lon_e5",
            "origin_lat_e5",
            "destination_lon_e5",
            "destination_lat_e5",
            name=op.f("pk_road_leg"),
        ),
    )
    op.create_index("ix_road_leg_created_at", "road_leg", ["created_at"])


def downgrade() -> None:
    op.drop_table("road_leg")
