"""What a moderator's decisions keep out of sight: asked by the one function that publishes.

A listing that a moderator has hidden, and every listing of a banned organisation, stays unseen until a moderator says
otherwise. The database holds the same by itself: a CHECK (`ck_listing_hidden`) and a trigger that looks at the
organisation. Both take an advisory lock of the organisation, shared by publications and had alone by a ban, so that of
a ban and a publication at the same moment one sees the other.
"""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from marketplace.errors import FieldError
from marketplace.i18n_marker import N_
from marketplace.models import Listing, Organisation

LOCK_CLASS: Final = 1835430510
"""Stands in migration 0010 as well; the second key is the organisation's id modulo `LOCK_COUNT`."""
LOCK_COUNT: Final = 1024

HIDDEN = N_("A moderator has hidden this listing, so it cannot be published. Its page says why, and how to answer.")
BANNED = N_("%(name)s is banned, so nothing of it can be published. Its page says why, and how to answer.")


def moderation_problems(session: Session, listings: Sequence[Listing]) -> dict[int, tuple[FieldError, ...]]:
    """What moderators have against publishing listings, by their ids; those they have nothing against are left out.

    The caller holds the listings' rows, and until the transaction ends no ban of their organisations begins.
    """
    organisation_ids = sorted({listing.organisation_id for listing in listings})
    for key in sorted({each % LOCK_COUNT for each in organisation_ids}):
        session.execute(select(func.pg_advisory_xact_lock_shared(LOCK_CLASS, key)))
    query = select(Organisation.id, Organisation.name).where(
        Organisation.id.in_(organisation_ids), Organisation.banned_at.is_not(None)
    )
    banned = {row.id: row.name for row in session.execute(query)}
    problems: dict[int, tuple[FieldError, ...]] = {}
    for listing in listings:
        if listing.hidden_at is not None:
            problems[listing.id] = (FieldError(field="", message=HIDDEN),)
        elif listing.organisation_id in banned:
            params: dict[str, object] = {"name": banned[listing.organisation_id]}
            problems[listing.id] = (FieldError(field="", message=BANNED, params=params),)
    return problems


def while_nothing_is_published(session: Session, *, organisation_id: int) -> None:
    """Wait for publications of the organisation to end, and keep new ones waiting until the transaction ends."""
    session.execute(select(func.pg_advisory_xact_lock(LOCK_CLASS, organisation_id % LOCK_COUNT)))
