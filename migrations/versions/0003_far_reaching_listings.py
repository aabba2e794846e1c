"""An index of the listings that say they may be hauled farther than the default reach.

Matching looks for them far around a listing that states no limit of its own; among all listings of that area they are
few and were found by reading the others.

Revision ID: 0003
Revises: 0002
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_listing_far_reaching",
        "listing",
        ["kind", "material_key", "position_25833"],
        unique=False,
        postgresql_using="gist",
        postgresql_where=sa.text("status = 'published' AND max_distance_km > 50"),
    )


def downgrade() -> None:
    op.drop_index("ix_listing_far_reaching", table_name="listing")
