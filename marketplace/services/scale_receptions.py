"""The facilities of a generated set, and what they take in."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import numpy as np
from psycopg import Cursor

from geo.units import EnteredUnit
from marketplace.clock import local_date
from marketplace.services.scale_draws import Rng, choose, material_draws, weighted
from marketplace.services.scale_rows import Organisations, Sites, copy_rows, next_ids, points_of
from marketplace.services.search_text import compose_search_text
from marketplace.types import FacilityKind, Haulage, ListingKind, ListingStatus, Loading, PriceKind

SHARE: Final = 0.05
"""Of all listings: a country has a few hundred places that take masses in, and each names some materials."""
MATERIALS_EACH: Final = (2, 7)
KINDS: Final = {
    FacilityKind.LANDFILL: (0.4, "Eksempel deponi {}"),
    FacilityKind.INTERIM_STORAGE: (0.35, "Eksempel mellomlager {}"),
    FacilityKind.RECYCLING: (0.25, "Eksempel gjenvinning {}"),
}
CLASS_SHARES: Final = {1: 0.7, 2: 0.1, 3: 0.12, 4: 0.04, 5: 0.04}
"""Most take clean masses only; those of higher classes need a permit that few have."""
TESTED_ONLY_SHARE: Final = 0.4
CAPACITY_T: Final = (2_000, 400_000)
PRICES_NOK: Final = (0, 40, 55, 70, 90, 120, 180, 350)
DAYS_OPEN: Final = 365
PERMIT: Final = "Eksempel-tillatelse {}"

FACILITY_COLUMNS: Final = (
    "id", "key", "name", "kind", "accepts", "accepts_class_max", "accepts_declared", "capacity_t", "capacity_left_t",
    "capacity_reported_at", "reception_price_nok_per_t", "permit_reference", "position_25833", "municipality_number",
    "organisation_id", "is_verified", "is_example", "source", "created_by_id", "created_at",
)  # fmt: skip
LISTING_COLUMNS: Final = (
    "kind", "status", "organisation_id", "facility_id", "material_key", "mass_t", "entered_value", "entered_unit",
    "available_from", "available_to", "price_kind", "price_nok_per_t", "loading", "haulage", "position_25833",
    "has_own_position", "municipality_number", "search_text", "accepts_declared", "accepts_class_max", "is_example",
    "created_by_id", "created_at", "published_at", "renewed_at",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnFacility:
    """What one facility is."""

    kind: FacilityKind
    materials: tuple[str, ...]
    class_max: int
    takes_declared: bool
    left_t: int
    capacity_t: int
    price_nok: int


def receptions_among(listings: int) -> int:
    """How many of a set's listings are receptions."""
    return int(listings * SHARE)


def draw_facilities(rng: Rng, *, receptions: int) -> list[DrawnFacility]:
    """Facilities that together take in `receptions` materials."""
    facilities: list[DrawnFacility] = []
    weights = [draw.surplus_weight for draw in material_draws()]
    while receptions:
        wanted = min(int(rng.integers(*MATERIALS_EACH)), receptions)
        chosen = dict.fromkeys(weighted(rng, weights, count=wanted).tolist())
        capacity_t = _rounded(np.exp(rng.uniform(*np.log(CAPACITY_T))))
        facilities.append(
            DrawnFacility(
                kind=choose(rng, {kind: share for kind, (share, _) in KINDS.items()}, count=1)[0],
                materials=tuple(material_draws()[n].material.key for n in chosen),
                class_max=choose(rng, CLASS_SHARES, count=1)[0],
                takes_declared=bool(rng.random() >= TESTED_ONLY_SHARE),
                left_t=_rounded(capacity_t * rng.uniform(0.05, 1.0)),
                capacity_t=capacity_t,
                price_nok=int(rng.choice(PRICES_NOK)),
            )
        )
        receptions -= len(chosen)
    return facilities


def _rounded(mass_t: float) -> int:
    """To two significant digits, as people say it."""
    step = 10 ** max(int(np.floor(np.log10(mass_t))) - 1, 0)
    return int(round(mass_t / step) * step)


def copy_receptions(
    cursor: Cursor[Any],
    rng: Rng,
    facilities: list[DrawnFacility],
    sites: Sites,
    organisations: Organisations,
    *,
    municipality_names: Mapping[str, str],
    owner_id: int,
    now: datetime,
) -> None:
    """Load the facilities, one a site, and a listing for each of their materials."""
    ids = next_ids(cursor, "facility", len(facilities)).tolist()
    holder = rng.integers(len(organisations.ids), size=len(facilities))
    points, numbers = points_of(sites), sites.municipality.tolist()
    today, written = local_date(now), (now - timedelta(days=2)).isoformat()
    names = [KINDS[each.kind][1].format(identity) for each, identity in zip(facilities, ids, strict=True)]
    copy_rows(
        cursor,
        "facility",
        FACILITY_COLUMNS,
        (
            (
                str(identity), f"skala-{identity}", name, each.kind.value, f"{{{','.join(each.materials)}}}",
                str(each.class_max), "t" if each.takes_declared else "f", str(each.capacity_t), str(each.left_t),
                written, str(each.price_nok), PERMIT.format(identity), point, number, str(organisations.ids[firm]),
                "t", "t", "Generert", str(owner_id), written,
            )
            for each, identity, name, point, number, firm in zip(
                facilities, ids, names, points, numbers, holder.tolist(), strict=True
            )
        ),
    )  # fmt: skip
    taxonomy_of = {draw.material.key: draw.material for draw in material_draws()}
    copy_rows(
        cursor,
        "listing",
        LISTING_COLUMNS,
        (
            (
                ListingKind.RECEPTION.value, ListingStatus.PUBLISHED.value, str(organisations.ids[firm]),
                str(identity), key, str(each.left_t), str(each.left_t), EnteredUnit.TONNE.value,
                (today - timedelta(days=30)).isoformat(), (today + timedelta(days=DAYS_OPEN)).isoformat(),
                (PriceKind.GIVER_PAYS if each.price_nok else PriceKind.FREE).value,
                str(each.price_nok) if each.price_nok else None, Loading.GIVER.value, Haulage.GIVER.value,
                point, "t", number,
                compose_search_text(
                    material=taxonomy_of[key], fraction=None, description="", project_name=None, builder=None,
                    organisation_name=organisations.names[firm], municipality_name=municipality_names[number],
                    facility_name=name,
                ),
                "t" if each.takes_declared else "f", str(each.class_max), "t", str(owner_id), written, written, written,
            )
            for each, identity, name, point, number, firm in zip(
                facilities, ids, names, points, numbers, holder.tolist(), strict=True
            )
            for key in each.materials
        ),
    )  # fmt: skip
