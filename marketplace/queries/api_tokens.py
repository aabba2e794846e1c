"""Reading the tokens of an organisation."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from marketplace.models import ApiToken


def tokens_of(session: Session, *, organisation_id: int) -> Sequence[ApiToken]:
    """All there ever were, the newest first, with who made them."""
    query = (
        select(ApiToken)
        .where(ApiToken.organisation_id == organisation_id)
        .options(joinedload(ApiToken.created_by))
        .order_by(ApiToken.id.desc())
    )
    return session.scalars(query).all()
