"""What the card macros of components/cards.html show of a listing, in the visitor's language."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from geo.materials import MaterialGroup, taxonomy
from marketplace.labels import material_name
from marketplace.models import Listing
from marketplace.types import ListingKind, ListingStatus, PriceKind


@dataclass(frozen=True, slots=True, kw_only=True)
class ListingCard:
    id: int
    kind: ListingKind
    status: ListingStatus
    material_group: MaterialGroup
    material_name: str
    fraction_mm: tuple[Decimal, Decimal] | None
    mass_t: Decimal
    period: tuple[date, date]
    price_kind: PriceKind
    price_nok_per_t: Decimal | None
    municipality_name: str
    is_example: bool
    organisation_name: str | None
    project_name: str | None


def card_of(listing: Listing, *, with_organisation: bool = False, with_project: bool = False) -> ListingCard:
    """The card of a listing; its municipality is loaded, and its organisation or project where the card names them."""
    return ListingCard(
        id=listing.id,
        kind=listing.kind,
        status=listing.status,
        material_group=taxonomy().material(listing.material_key).group,
        material_name=material_name(listing.material_key),
        fraction_mm=listing.fraction_mm,
        mass_t=listing.mass_t,
        period=listing.period,
        price_kind=listing.price_kind,
        price_nok_per_t=listing.price_nok_per_t,
        municipality_name=listing.municipality.name,
        is_example=listing.is_example,
        organisation_name=listing.organisation.name if with_organisation else None,
        project_name=listing.project.name if with_project and listing.project else None,
    )
