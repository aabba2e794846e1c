"""Whom a mail about a listing goes to, and what every such mail says of it."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from geo.materials import taxonomy
from marketplace.models import Listing, Membership, User
from marketplace.types import Role


def recipients(session: Session, *, listing: Listing) -> Sequence[User]:
    """Whoever posted the listing, while they may still change it; else the owners of its organisation."""
    members = (
        select(User)
        .join(User.memberships)
        .where(Membership.organisation_id == listing.organisation_id)
        .where(User.email_confirmed_at.is_not(None), User.banned_at.is_(None))
        .order_by(User.id)
    )
    poster = members.where(User.id == listing.created_by_id, Membership.role.in_((Role.OWNER, Role.EDITOR)))
    return session.scalars(poster).all() or session.scalars(members.where(Membership.role == Role.OWNER)).all()


def listing_context(listing: Listing, user: User) -> dict[str, str | int]:
    """The listing in words and numbers that a mail template can format, with the recipient's name."""
    return {"name": user.name, **listing_words(listing, locale=user.locale)}


def listing_words(listing: Listing, *, locale: str) -> dict[str, str | int]:
    """The listing in words and numbers that a mail template can format, in a language."""
    material = taxonomy().material(listing.material_key)
    return {
        "listing_id": listing.id,
        "kind": listing.kind.value,
        "material": material.name_en if locale == "en" else material.name_no,
        "mass_t": f"{listing.mass_t.normalize():f}",
        "available_to": listing.available_to.isoformat(),
    }
