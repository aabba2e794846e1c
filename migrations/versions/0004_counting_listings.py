"""An index that counts the open listings of each kind, material and municipality without reading them.

The counts beside the choices of a search are of all listings where nothing narrows it down; from the table that takes
five to ten times as long.

Revision ID: 0004
Revises: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_listing_counting",
        "listing",
        ["kind", "material_key", "municipality_number", "available_to"],
        unique=False,
        postgresql_where=sa.text("status = 'published'"),
    )


def downgrade() -> None:
    op.drop_index("ix_listing_counting", table_name="listing")
