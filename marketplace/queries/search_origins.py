"""One's own listings as places to search from; projects are in `queries.projects`."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.models import Listing, Project
from marketplace.queries.open_listings import is_open
from marketplace.types import ListingKind

OPTIONS_AT_MOST = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class ListingOption:
    id: int
    kind: ListingKind
    material_key: str
    mass_t: Decimal
    project_name: str | None


def listing_options(session: Session, *, organisation_ids: tuple[int, ...], today: date) -> tuple[ListingOption, ...]:
    """The open listings of some organisations, the newest first."""
    if not organisation_ids:
        return ()
    rows = session.execute(
        select(Listing.id, Listing.kind, Listing.material_key, Listing.mass_t, Project.name.label("project_name"))
        .outerjoin(Listing.project)
        .where(Listing.organisation_id.in_(organisation_ids), is_open(today))
        .order_by(Listing.id.desc())
        .limit(OPTIONS_AT_MOST)
    )
    return tuple(
        ListingOption(
            id=row.id,
            kind=row.kind,
            material_key=row.material_key,
            mass_t=row.mass_t,
            project_name=row.project_name,
        )
        for row in rows
    )
