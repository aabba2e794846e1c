"""What pages show of matches: rows in words, and lines on a map."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from itertools import groupby
from typing import Any

from flask import url_for
from flask_babel import gettext as _

from geo.assessment import Assessment, LotKind, Verdict
from geo.geometry import Position
from geo.matching import CLEAN_CLASS, counterparts
from geo.materials import MaterialGroup, taxonomy
from marketplace import db
from marketplace.filters import period, tonnes
from marketplace.impact_wording import in_short
from marketplace.labels import material_name
from marketplace.match_wording import Fractions, Reason, changes_in_words, coverage, reasons, surplus_used
from marketplace.models import Listing
from marketplace.queries.matches import Match, MatchedListing, Matches, fraction_of
from marketplace.queries.search_filters import SearchFilters
from marketplace.services.impact_expected import Pair, expected_of
from marketplace.types import ListingKind, ListingStatus
from marketplace.web.access import current_actor
from marketplace.web.cards import ListingCard, shown_documentation, whole_t
from marketplace.web.places import Feature, rounded_line
from marketplace.web.road_words import LegWords, in_words
from marketplace.web.search_state import Origin, OriginKind, SearchState, address

WIDER_KM = Decimal(100)
"""Twice the default reach."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchRow:
    """A counterpart in a list: the card, the figures, why it fits, and what would have to change.

    `coverage` tells how much of the need is covered, and `surplus_used` how much of the surplus goes; of a facility,
    whose room is nobody's need, `coverage` tells what goes. Both are empty where the smallest lots allow no deal.
    """

    card: ListingCard
    distance_m: float
    way: LegWords | None
    """How far it is by road; None where only the straight line is told of."""
    coverage: str
    coverage_share: float
    surplus_used: str
    reasons: tuple[Reason, ...]
    changes: tuple[str, ...]
    is_own: bool
    deal_url: str | None
    """Where the deal with it is begun; None for whoever may not."""
    impact: "MatchImpact | None" = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchImpact:
    """What a match would avoid, in a line, and where that is worked out; not `is_plausible` where it wants a look."""

    words: str
    is_plausible: bool
    url: str | None
    """None where nothing is compared yet: what waits in a hub counts where it is used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchSection:
    """The matches of one listing on a page.

    `wider_search` is the address of what is offered, or needed, farther away; None where nothing is looked for.
    """

    listing: Listing
    material_group: MaterialGroup
    fits: tuple[MatchRow, ...]
    near_misses: tuple[MatchRow, ...]
    has_more: bool
    wider_search: str | None

    @property
    def is_empty(self) -> bool:
        return not (self.fits or self.near_misses)

    @property
    def is_kept_inside(self) -> bool:
        """Whether its class lets only those have it who may lawfully take it in."""
        return (self.listing.quality_class or CLEAN_CLASS) > CLEAN_CLASS


def looks_for_matches(listing: Listing, *, today: date) -> bool:
    """Whether a page about the listing speaks of matches at all; whoever sees it unpublished is one of its own."""
    return listing.status is not ListingStatus.CLOSED and listing.available_to >= today


def best_row(listing: Listing, found: Matches) -> MatchRow | None:
    """The best counterpart, else the nearest miss, for a line under the listing in a list."""
    best = next(iter((*found.fits, *found.near_misses)), None)
    return _row(listing, best) if best else None


def match_section(
    listing: Listing, found: Matches, *, impacts: Mapping[int, MatchImpact] | None = None
) -> MatchSection:
    """`impacts` are what the matches would avoid, by the counterpart's id."""
    told = impacts or {}
    return MatchSection(
        listing=listing,
        material_group=taxonomy().material(listing.material_key).group,
        fits=tuple(
            replace(row, impact=told.get(row.card.id))
            for row in _each_note_once([_row(listing, match) for match in found.fits])
        ),
        near_misses=tuple(_row(listing, match) for match in found.near_misses),
        has_more=found.has_more_fits or found.has_more_near_misses,
        wider_search=_wider_search(listing),
    )


def impacts_of(listing: Listing, found: Matches, *, today: date) -> Mapping[int, MatchImpact]:
    """What each of those that fit would avoid, by the counterpart's id."""
    is_surplus = listing.kind is ListingKind.SURPLUS
    pairs = {
        Pair(
            surplus_id=listing.id if is_surplus else match.listing.id,
            taking_id=match.listing.id if is_surplus else listing.id,
            mass_t=match.assessment.quantity.usable_t,
        ): match.listing.id
        for match in found.fits
    }
    return {
        pairs[pair]: MatchImpact(
            words=in_short(expected.ledger, comparison=expected.comparison)
            if expected.comparison
            else _("Counted where it is used in the end"),
            is_plausible=expected.is_plausible,
            url=url_for("deal_impact.of_match", listing_id=listing.id, other_id=pairs[pair])
            if expected.comparison
            else None,
        )
        for pair, expected in expected_of(db.session, list(pairs), today=today).items()
    }


def _row(listing: Listing, match: Match) -> MatchRow:
    covered, used, share = _how_much(listing, match)
    is_hidden = listing.hides_position or match.listing.hides_position
    return MatchRow(
        card=_card(match.listing, is_hidden=is_hidden),
        distance_m=match.distance_m,
        way=None if match.leg is None else in_words(match.leg, is_approximate=is_hidden),
        coverage=covered,
        coverage_share=share,
        surplus_used=used,
        reasons=reasons(
            match.assessment,
            fractions=_fractions(listing, match.listing),
            road_m=None if match.leg is None else match.leg.road_m,
        ),
        changes=changes_in_words(match.assessment),
        is_own=match.is_own,
        deal_url=_deal_url(listing, match),
    )


def _deal_url(listing: Listing, match: Match) -> str | None:
    actor = current_actor()
    is_offered = listing.status is ListingStatus.PUBLISHED and not match.is_own
    if not is_offered or not (actor.is_confirmed and actor.can_edit(listing.organisation_id)):
        return None
    return url_for("deal_requests.new", listing_id=match.listing.id, own=listing.id)


def _how_much(listing: Listing, match: Match) -> tuple[str, str, float]:
    """What is said of the need and of the surplus, and the share that is drawn."""
    assessment: Assessment = match.assessment
    is_reception = ListingKind.RECEPTION in (listing.kind, match.listing.kind)
    if assessment.quantity.verdict is Verdict.MISS:
        return "", "", assessment.coverage
    if is_reception:
        return surplus_used(assessment), "", assessment.share_used
    return coverage(assessment), surplus_used(assessment), assessment.coverage


def _each_note_once(rows: Iterable[MatchRow]) -> Iterator[MatchRow]:
    """What is to be known of a substitution is said in the first row that it is about."""
    told: set[str] = set()
    for row in rows:
        known = {reason.title for reason in row.reasons if reason.text} & told
        told |= {reason.title for reason in row.reasons}
        shortened = (replace(reason, text="", caveat="") if reason.title in known else reason for reason in row.reasons)
        yield replace(row, reasons=tuple(shortened))


def _card(listing: MatchedListing, *, is_hidden: bool) -> ListingCard:
    return ListingCard(
        id=listing.id,
        kind=listing.kind,
        status=ListingStatus.PUBLISHED,
        material_group=listing.material_group,
        material_name=material_name(listing.material_key),
        fraction_mm=listing.fraction_mm,
        mass_t=listing.left_t,
        whole_t=whole_t(listing.mass_t, left_t=listing.left_t),
        period=listing.period,
        price_kind=listing.price_kind,
        price_nok_per_t=listing.price_nok_per_t,
        municipality_name=listing.municipality_name,
        is_example=listing.is_example,
        organisation_name=listing.organisation_name,
        is_verified=listing.is_verified,
        project_name=listing.project_name,
        facility_name=listing.facility_name,
        documentation=shown_documentation(listing.kind, listing.documentation),
        hides_position=is_hidden,
    )


def _fractions(listing: Listing, other: MatchedListing) -> Fractions:
    own, theirs = fraction_of(listing.fraction_mm), fraction_of(other.fraction_mm)
    if listing.kind is ListingKind.SURPLUS:
        return Fractions(offered=own, demanded=theirs)
    return Fractions(offered=theirs, demanded=own)


def _wider_search(listing: Listing) -> str | None:
    if listing.status is ListingStatus.CLOSED:
        return None
    serving = counterparts(LotKind(listing.kind.value), material=listing.material_key, taxonomy=taxonomy())
    is_kept_inside = (listing.quality_class or CLEAN_CLASS) > CLEAN_CLASS
    sought = LotKind.RECEPTION if is_kept_inside else next(iter(serving))
    filters = SearchFilters(kind=ListingKind(sought.value), materials=serving[sought], within_km=WIDER_KM)
    return address(SearchState(filters=filters, origin=Origin(kind=OriginKind.LISTING, id=listing.id)))


# On the map -------------------------------------------------------------------------------------------------------


def match_features(found: Matches, *, here: Position) -> list[Feature]:
    """The counterparts as pins, several on one spot as one, and a line to each from `here`; dashed to near misses."""
    shown = [(match, False) for match in found.fits] + [(match, True) for match in found.near_misses]
    lines = [_line(here, match, is_near=is_near) for match, is_near in shown]
    return [*lines, *_pins([match.listing for match, _ in shown])]


def _line(here: Position, match: Match, *, is_near: bool) -> Feature:
    """Along the road where that is known, with what lies between it and the ends; else straight."""
    other = match.listing
    road = match.leg.line if match.leg is not None and match.leg.line else ()
    if other.kind is ListingKind.SURPLUS:  # the way begins there
        road = road[::-1]
    return {
        "type": "Feature",
        "geometry": {
            "type": "LineString",
            "coordinates": [_lonlat(here), *rounded_line(road), _lonlat(other.position)],
        },
        "properties": {"role": "link", "id": other.id, "is_near": is_near},
    }


def _pins(listings: Iterable[MatchedListing]) -> Iterator[Feature]:
    def spot(listing: MatchedListing) -> tuple[float, float]:
        lon, lat = _lonlat(listing.position)
        return lon, lat

    for place, group in groupby(sorted(listings, key=spot), key=spot):
        there = list(group)
        properties = _facts(there[0]) if len(there) == 1 else _several(there)
        yield {"type": "Feature", "geometry": {"type": "Point", "coordinates": place}, "properties": properties}


def _facts(listing: MatchedListing) -> Mapping[str, Any]:
    return {
        "id": listing.id,
        "kind": listing.kind.value,
        "group": listing.material_group.value,
        "title": material_name(listing.material_key),
        "quantity": tonnes(listing.left_t),
        "details": [each for each in (period(listing.period), listing.facility_name or listing.project_name) if each],
        "is_example": listing.is_example,
        "url": url_for("listings.show", listing_id=listing.id),
    }


def _several(listings: Sequence[MatchedListing]) -> Mapping[str, Any]:
    kinds = [listing.kind for listing in listings]
    groups = [listing.material_group.value for listing in listings]
    return {
        "count": len(listings),
        "quantity": tonnes(sum(listing.left_t for listing in listings)),
        "groups": {group: groups.count(group) for group in groups},
        "surplus": kinds.count(ListingKind.SURPLUS),
        "demand": kinds.count(ListingKind.DEMAND),
        "reception": kinds.count(ListingKind.RECEPTION),
        "listings": [_facts(listing) for listing in listings],
    }


def _lonlat(position: Position) -> list[float]:
    return [round(position.lon, 6), round(position.lat, 6)]
