"""The demo region's last year: deals that are over, or run without anybody having to do anything.

They come from `seed/demo/past_deals.csv` as rows, and not by the services that lead a deal through its life: nobody is
sent a notice or a mail today of what is said to have happened last winter. All that those services would have left
behind is there, and the database holds it to the same bounds.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from geo.materials import read_fraction
from geo.units import EnteredUnit
from marketplace.actor import Actor
from marketplace.clock import local_date
from marketplace.models import Deal, DealOffer, Facility, Listing, Project, RecoveryAnswer
from marketplace.services.deal_places import End, end_of_facility, end_of_listing, end_of_project, place
from marketplace.services.declarations import write_statements
from marketplace.services.demo_past_loads import HAULIER, PastDeal, deliver
from marketplace.services.demo_proof import add_proof, statements_of
from marketplace.services.demo_rows import Row, number_of, read_rows
from marketplace.services.quality import refresh_qualities
from marketplace.services.search_text import refresh_search_text
from marketplace.types import (
    ClosedReason,
    DealStatus,
    Haulage,
    ListingKind,
    ListingStatus,
    Loading,
    OfferStatus,
    PriceKind,
    RecoveryTest,
    Side,
)

FILE: Final = "past_deals.csv"
WRITTEN_BEFORE: Final = timedelta(days=9)
"""How long before they agreed the giver wrote the listing, and the taker asked."""
ASKED_BEFORE: Final = timedelta(days=3)
OFFER_STANDS: Final = timedelta(days=14)
DRIVEN_AFTER: Final = timedelta(days=10)
"""How much longer than the last load the agreed period goes on."""
STILL_TO_DRIVE: Final = timedelta(days=45)
LABORATORY: Final = "Eksempellab AS"
SAMPLED_BEFORE: Final = "12"


@dataclass(frozen=True, slots=True, kw_only=True)
class PastListings:
    """What a deal is about: the lot, and the listing that it was taken for, where there was one."""

    surplus: Listing
    demand: Listing | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Places:
    """Who acts at each place, and the place itself, by their keys."""

    projects: Mapping[str, Project]
    people: Mapping[str, Actor]
    facilities: Mapping[str, Facility]


def past_rows() -> list[dict[str, str]]:
    """The deals in the order they were agreed in, so that numbers grow with time."""
    return sorted(read_rows(FILE), key=lambda row: -int(row["agreed_days"]))


def past_listing_count() -> int:
    """How many listings they are about: what goes on from a hub is of the lot that came there."""
    rows = past_rows()
    return sum(_source_of(row) is None for row in rows) + sum(bool(row["needed"]) for row in rows)


# Listings ---------------------------------------------------------------------------------------------------------


def add_past_listings(
    session: Session,
    rows: list[dict[str, str]],
    *,
    actors: Mapping[str, Actor],
    projects: Mapping[str, Project],
    now: datetime,
) -> dict[str, PastListings]:
    """The listings that the past deals are about, all of them closed; by the keys of the deals."""
    people = {row["key"]: actors[row["posted_by"]] for row in read_rows("projects.csv")}
    baselines = {row.key: row.id for row in session.execute(select(Facility.key, Facility.id))}
    found: dict[str, PastListings] = {}
    for row in rows:
        source = _source_of(row)
        if source is not None:
            found[row["key"]] = PastListings(surplus=found[source].surplus, demand=None)
            continue
        surplus = _listing(
            row, ListingKind.SURPLUS, actor=people[row["giver"]], project=projects[row["giver"]], now=now
        )
        surplus.baseline_facility_id = baselines[row["baseline"]] if row["baseline"] else None
        demand, taker = None, _key(row["taker"])
        if row["needed"]:
            demand = _listing(row, ListingKind.DEMAND, actor=people[taker], project=projects[taker], now=now)
        session.add_all(each for each in (surplus, demand) if each is not None)
        found[row["key"]] = PastListings(surplus=surplus, demand=demand)
    session.flush()
    for row in rows:
        if _source_of(row) is None:
            _prove(session, row, found[row["key"]].surplus, actor=people[row["giver"]], now=now)
    _finish(session, found.values(), now=now)
    return found


def _listing(row: Row, kind: ListingKind, *, actor: Actor, project: Project, now: datetime) -> Listing:
    """A draft of the day that it was written on, at the project's place."""
    is_surplus = kind is ListingKind.SURPLUS
    fraction = read_fraction(row["fraction"]) if row["fraction"] and is_surplus else None
    return Listing(
        kind=kind,
        status=ListingStatus.DRAFT,
        organisation_id=project.organisation_id,
        project_id=project.id,
        material_key=row["material_key"] if is_surplus else row["needed"],
        fraction_min_mm=fraction.lower_mm if fraction else None,
        fraction_max_mm=fraction.upper_mm if fraction else None,
        mass_t=Decimal(row["agreed_t"]),
        entered_value=Decimal(row["agreed_t"]),
        entered_unit=EnteredUnit.TONNE,
        available_from=_day(row, "first_days", now=now),
        available_to=_agreed_to(row, now=now),
        price_kind=PriceKind(row["price_kind"]),
        price_nok_per_t=number_of(row["price_nok_per_t"]),
        loading=Loading.GIVER,
        haulage=Haulage(row["haulage"]),
        description=row["description"],
        position_25833=project.position_25833,
        municipality_number=project.municipality_number,
        is_example=True,
        created_by_id=_id(actor),
        created_at=_written_at(row, now=now),
        published_at=_written_at(row, now=now),
        renewed_at=_written_at(row, now=now),
    )


def _prove(session: Session, row: Row, listing: Listing, *, actor: Actor, now: datetime) -> None:
    """What shows that it is clean, as of the day that it was written on."""
    written_at = _written_at(row, now=now)
    proof = {
        "lab_file": row["lab_file"],
        "laboratory": LABORATORY,
        "report_number": f"EX-{1000 + int(row['agreed_days'])}",
        "sampled_days": SAMPLED_BEFORE,
        "origin": "" if row["lab_file"] else row["basis"],
        "basis": row["basis"],
        "stored_days": "",
        "stated_by": actor.name,
    }
    if row["lab_file"]:
        add_proof(session, actor, listing=listing, row=proof, now=written_at)
    else:
        statements = statements_of(listing, proof, today=local_date(written_at))
        write_statements(session, listing, statements, kept=(), user_id=_id(actor), now=written_at)


def _finish(session: Session, past: Collection[PastListings], *, now: datetime) -> None:
    """All of each was agreed, so it was closed; nobody is told today that it was published long ago."""
    listings = {each.id: each for of in past for each in (of.surplus, of.demand) if each is not None}
    session.flush()
    refresh_qualities(session, list(listings.values()), now=now)
    for each in listings.values():
        each.status, each.closed_reason = ListingStatus.CLOSED, ClosedReason.OWNER
        each.closed_at = each.created_at + WRITTEN_BEFORE
    session.flush()
    refresh_search_text(session, listing_ids=tuple(listings))


# Deals ------------------------------------------------------------------------------------------------------------


def add_past_deals(
    session: Session,
    rows: list[dict[str, str]],
    *,
    actors: Mapping[str, Actor],
    projects: Mapping[str, Project],
    listings: Mapping[str, PastListings],
    now: datetime,
) -> int:
    """The deals with all that was delivered; returns how many there are."""
    people = {row["key"]: actors[row["posted_by"]] for row in (*read_rows("projects.csv"), *read_rows("receivers.csv"))}
    named = select(Facility).where(Facility.key.is_not(None))
    facilities = {str(each.key): each for each in session.scalars(named)}
    places = _Places(projects=projects, people=people, facilities=facilities)
    made: dict[str, PastDeal] = {}
    for row in rows:
        source = _source_of(row)
        made[row["key"]] = _add_deal(
            session,
            row,
            places=places,
            listings=listings[row["key"]],
            source=None if source is None else made[source],
            now=now,
        )
    session.flush()
    deliver(session, list(made.values()), now=now)
    return len(made)


def _add_deal(
    session: Session,
    row: Row,
    *,
    places: _Places,
    listings: PastListings,
    source: PastDeal | None,
    now: datetime,
) -> PastDeal:
    giver, giver_organisation_id, origin = _giver(row, places=places, listings=listings, source=source)
    taker, taker_organisation_id, destination = _taker(row, places=places, listings=listings)
    agreed_at = _moment(row, "agreed_days", now=now)
    deal = Deal(
        status=DealStatus.AGREED,
        opened_by=Side.TAKER,
        giver_organisation_id=giver_organisation_id,
        taker_organisation_id=taker_organisation_id,
        surplus_id=listings.surplus.id,
        taking_listing_id=None if listings.demand is None else listings.demand.id,
        source_deal_id=None if source is None else source.deal.id,
        material_key=row["material_key"],
        origin_facility_id=origin.facility_id,
        destination_project_id=destination.project_id,
        destination_facility_id=destination.facility_id,
        agreed_t=Decimal(row["agreed_t"]),
        agreed_from=_day(row, "first_days", now=now),
        agreed_to=_agreed_to(row, now=now),
        agreed_at=agreed_at,
        touched_at=_moment(row, "ended_days" if row["ended_days"] else "last_days", now=now),
        is_example=True,
        created_by_id=_id(taker),
        created_at=agreed_at - ASKED_BEFORE,
    )
    place(deal, origin=origin, destination=destination)
    deal.offers = [_offer(deal, row, giver=giver, taker=taker)]
    deal.recovery_answers = _answers(row, taker=taker, at=_moment(row, "first_days", now=now))
    session.add(deal)
    session.flush()
    return PastDeal(deal=deal, row=row, giver=giver, taker=taker)


def _giver(row: Row, *, places: _Places, listings: PastListings, source: PastDeal | None) -> tuple[Actor, int, End]:
    if source is None:
        return places.people[row["giver"]], listings.surplus.organisation_id, end_of_listing(listings.surplus)
    hub = places.facilities[_key(source.row["taker"])]
    return source.taker, source.deal.taker_organisation_id, end_of_facility(hub)


def _taker(row: Row, *, places: _Places, listings: PastListings) -> tuple[Actor, int, End]:
    key = _key(row["taker"])
    if key in places.projects:
        project = places.projects[key]
        end = end_of_project(project) if listings.demand is None else end_of_listing(listings.demand)
        return places.people[key], project.organisation_id, end
    facility = places.facilities[key]
    assert facility.organisation_id is not None
    return places.people[key], facility.organisation_id, end_of_facility(facility)


def _offer(deal: Deal, row: Row, *, giver: Actor, taker: Actor) -> DealOffer:
    """What the taker asked for, and the giver accepted."""
    return DealOffer(
        number=1,
        status=OfferStatus.ACCEPTED,
        made_by=Side.TAKER,
        made_by_id=_id(taker),
        mass_t=deal.agreed_t,
        entered_value=deal.agreed_t,
        entered_unit=EnteredUnit.TONNE,
        starts_on=deal.agreed_from,
        ends_on=deal.agreed_to,
        price_kind=PriceKind(row["price_kind"]),
        price_nok_per_t=number_of(row["price_nok_per_t"]),
        loading=Loading.GIVER,
        haulage=Haulage(row["haulage"]),
        haulier=HAULIER,
        created_at=deal.created_at,
        expires_at=deal.created_at + OFFER_STANDS,
        answered_at=deal.agreed_at,
        answered_by_id=_id(giver),
    )


def _answers(row: Row, *, taker: Actor, at: datetime) -> list[RecoveryAnswer]:
    answer, _, failing = row["recovery"].partition(":")
    if answer == "open":
        return []
    return [
        RecoveryAnswer(
            test=test,
            holds=answer == "yes" or bool(failing and test != failing),
            evidence=row["evidence"],
            answered_by_id=_id(taker),
            answered_at=at,
        )
        for test in RecoveryTest
    ]


# Reading a row ----------------------------------------------------------------------------------------------------


def _source_of(row: Row) -> str | None:
    """The deal that brought it to the hub that it goes on from."""
    return _key(row["giver"]) if row["giver"].startswith("deal:") else None


def _key(written: str) -> str:
    return written.rpartition(":")[2]


def _id(actor: Actor) -> int:
    assert actor.user_id is not None
    return actor.user_id


def _moment(row: Row, name: str, *, now: datetime) -> datetime:
    return now - timedelta(days=int(row[name]))


def _day(row: Row, name: str, *, now: datetime) -> date:
    return local_date(now) - timedelta(days=int(row[name]))


def _written_at(row: Row, *, now: datetime) -> datetime:
    return _moment(row, "agreed_days", now=now) - WRITTEN_BEFORE


def _agreed_to(row: Row, *, now: datetime) -> date:
    if row["ended_days"]:
        return _day(row, "last_days", now=now) + DRIVEN_AFTER
    return local_date(now) + STILL_TO_DRIVE
