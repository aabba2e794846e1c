"""What the card macros of components/cards.html show of a listing, in the visitor's language."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from geo.materials import MaterialGroup, taxonomy
from marketplace import clock
from marketplace.labels import material_name
from marketplace.models import Listing
from marketplace.services.freshness import unconfirmed_since
from marketplace.types import Documentation, ListingKind, ListingStatus, PriceKind


@dataclass(frozen=True, slots=True, kw_only=True)
class ListingCard:
    """`mass_t` is what can be had or is needed still, and `whole_t` what it was before anything was agreed, None where
    nothing is. `documentation` is that of a surplus, None for what takes. `unconfirmed_since` is the day when its
    owner last said that it stands, where that has been asked since without an answer.
    """

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
    facility_name: str | None = None
    documentation: Documentation | None = None
    unconfirmed_since: date | None = None
    whole_t: Decimal | None = None
    is_verified: bool | None = None
    """Whether its organisation is; None where that is not named."""
    hides_position: bool = False
    """Whether distances to it are not told to the metre."""


def card_of(listing: Listing, *, with_organisation: bool = False, with_project: bool = False) -> ListingCard:
    """The card of a listing; its municipality is loaded, and its organisation or project where the card names them."""
    return ListingCard(
        id=listing.id,
        kind=listing.kind,
        status=listing.status,
        material_group=taxonomy().material(listing.material_key).group,
        material_name=material_name(listing.material_key),
        fraction_mm=listing.fraction_mm,
        mass_t=listing.left_t,
        whole_t=whole_t(listing.mass_t, left_t=listing.left_t),
        period=listing.period,
        price_kind=listing.price_kind,
        price_nok_per_t=listing.price_nok_per_t,
        municipality_name=listing.municipality.name,
        is_example=listing.is_example,
        organisation_name=listing.organisation.name if with_organisation else None,
        project_name=listing.project.name if with_project and listing.project else None,
        documentation=shown_documentation(listing.kind, listing.documentation),
        unconfirmed_since=unconfirmed_since(listing, now=clock.now()),
        is_verified=listing.organisation.is_verified if with_organisation else None,
        hides_position=listing.hides_position,
    )


def whole_t(mass_t: Decimal, *, left_t: Decimal) -> Decimal | None:
    """What a listing was before some of it was agreed; None where nothing is."""
    return None if mass_t == left_t else mass_t


def shown_documentation(kind: ListingKind, documentation: Documentation) -> Documentation | None:
    """What of it a card shows: nothing of what takes masses, nor of what is still kept to itself."""
    is_told = kind is ListingKind.SURPLUS and documentation is not Documentation.NONE
    return documentation if is_told else None
