"""The demo region: true to its files, obedient to every rule, and only ever in a database of its own."""

from collections import Counter
from datetime import timedelta
from itertools import product

import pytest
from geoalchemy2.shape import to_shape
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session, joinedload

from geo.assessment import Assessment, LotKind, LowerSmallestLot, RaiseDistanceLimit, ShiftPeriod, Timing, Verdict
from geo.crs import distance_m, from_stored
from geo.matching import Lot, assess
from geo.materials import Fraction, Treatment, taxonomy
from marketplace.clock import local_date
from marketplace.db import make_sessions
from marketplace.models import Facility, Listing, Organisation, Project, User
from marketplace.queries.accounts import example_accounts
from marketplace.registers.orgnr import parse_org_number
from marketplace.services.accounts import authenticate
from marketplace.services.demo import (
    DEMO_PASSWORD,
    listing_rows,
    load_demo,
    read_rows,
    reset_demo,
)
from marketplace.services.demo_past import past_listing_count
from marketplace.services.example_numbers import REAL_SERIES
from marketplace.types import ListingKind, ListingStatus, OrganisationKind, Role
from tests.conftest import NOW
from tests.factories import Factory

TODAY = local_date(NOW)


def listings_by_key(session: Session) -> dict[str, Listing]:
    """Those of `listings.csv`: what the past deals were about was written before them."""
    posted = select(Listing).where(Listing.facility_id.is_(None)).options(joinedload(Listing.project))
    listings = session.scalars(posted.order_by(Listing.id).offset(past_listing_count())).all()
    return dict(zip((row["key"] for row in listing_rows()), listings, strict=True))


def contents(session: Session) -> list[tuple[object, ...]]:
    """Everything a visitor sees of the demo."""
    listings = select(Listing).options(joinedload(Listing.organisation), joinedload(Listing.project))
    return [
        (
            listing.id,
            listing.organisation.name,
            listing.project.name if listing.project else None,
            listing.material_key,
            listing.status,
            listing.mass_t,
            listing.period,
            listing.municipality_number,
            listing.description,
        )
        for listing in session.scalars(listings.order_by(Listing.id))
    ]


# True to its files ------------------------------------------------------------------------------------------------


def test_every_place_lies_in_the_municipality_its_row_names(demo: Session) -> None:
    listings = {key: listing.municipality_number for key, listing in listings_by_key(demo).items()}
    projects = dict(map(tuple, demo.execute(select(Project.name, Project.municipality_number))))
    facilities = dict(map(tuple, demo.execute(select(Facility.key, Facility.municipality_number))))

    assert listings == {row["key"]: row["municipality_number"] for row in listing_rows()}
    assert projects == {row["name"]: row["municipality_number"] for row in read_rows("projects.csv")}
    rows = [*read_rows("facilities.csv"), *read_rows("receivers.csv")]
    assert facilities == {row["key"]: row["municipality_number"] for row in rows}


@pytest.mark.parametrize(
    "name",
    [
        "projects.csv",
        "facilities.csv",
        "receivers.csv",
        "organisations.csv",
        "users.csv",
        "listings.csv",
        "past_deals.csv",
        "listing_reports.csv",
        "verification_requests.csv",
    ],
)
def test_every_row_says_where_it_comes_from(name: str) -> None:
    rows = read_rows(name)

    assert all(row["source"] and row["verified"] in {"yes", "no"} for row in rows)
    assert all(None not in row and None not in row.values() for row in rows), "a row has too many or too few cells"


def test_everything_is_marked_as_an_example(demo: Session) -> None:
    for table in (User, Organisation, Project, Facility, Listing):
        assert demo.scalar(select(func.count()).where(~table.is_example)) == 0


def test_organisation_numbers_are_valid_and_can_never_be_a_real_enterprises(demo: Session) -> None:
    numbers = demo.scalars(select(Organisation.org_number)).all()

    assert all(parse_org_number(number) == number for number in numbers)
    assert not any(number.startswith(REAL_SERIES) for number in numbers)


def test_invented_organisations_and_projects_say_so(demo: Session) -> None:
    organisations = demo.scalars(select(Organisation.name)).all()
    projects = read_rows("projects.csv")
    invented = [row for row in projects if row["source"].startswith("oppdiktet")]

    assert all(name.startswith("Eksempel ") for name in organisations)
    assert invented
    assert all(row["name"].startswith("Eksempel: ") and row["builder"].startswith("Eksempel ") for row in invented)
    assert not {row["builder"] for row in projects if row not in invented} & set(organisations)


def test_positions_from_published_sources_say_how_far_off_they_may_be(demo: Session) -> None:
    assert demo.scalar(select(func.count()).where(Project.position_accuracy_m.is_(None))) == 0
    assert demo.scalar(select(func.count()).where(Facility.position_accuracy_m.is_(None))) == 0


# As fresh as the day it was loaded --------------------------------------------------------------------------------


def test_listings_grow_older_one_by_one(demo: Session) -> None:
    moments = demo.execute(select(Listing.created_at, Listing.published_at).order_by(Listing.id)).all()
    written = [created for created, _ in moments]

    for group in (written[: past_listing_count()], written[past_listing_count() :]):
        assert group == sorted(group)
    assert all(published is None or created <= published <= NOW for created, published in moments)


def test_there_are_listings_in_every_state(demo: Session) -> None:
    states = Counter(demo.scalars(select(Listing.status)))

    assert set(states) == set(ListingStatus)
    assert states[ListingStatus.PUBLISHED] >= 40


# Log-ins ----------------------------------------------------------------------------------------------------------


def test_there_is_a_log_in_for_each_role_and_kind_of_organisation(demo: Session) -> None:
    accounts = example_accounts(demo)
    owned = {account.kind for account in accounts if account.role is Role.OWNER}
    contractor_roles = {account.role for account in accounts if account.kind is OrganisationKind.CONTRACTOR}

    assert owned == set(OrganisationKind)
    assert contractor_roles == set(Role)
    assert sum(account.is_admin for account in accounts) == 1


def test_the_published_password_opens_every_log_in(demo: Session) -> None:
    for account in example_accounts(demo)[::4]:
        user = authenticate(demo, email=account.email, password=DEMO_PASSWORD)
        assert user is not None
        assert user.id == account.user_id


def test_mail_to_a_log_in_can_reach_nobody(demo: Session) -> None:
    assert all(email.endswith(".example") for email in demo.scalars(select(User.email)))


# Loaded once, and reset -------------------------------------------------------------------------------------------


def test_loading_twice_changes_nothing(demo: Session) -> None:
    before = contents(demo)

    assert load_demo(demo, now=NOW + timedelta(days=3)) is None
    assert contents(demo) == before


def test_a_reset_brings_everything_back_under_the_same_addresses(demo: Session) -> None:
    before, highest_user_id = contents(demo), demo.scalar(select(func.max(User.id)))
    changed = demo.scalars(select(Listing).order_by(Listing.id)).first()
    assert changed is not None
    changed.description = "Somebody has tried this out."
    Factory(demo, now=NOW).listing()

    reset_demo(demo, now=NOW)

    assert contents(demo) == before
    assert demo.scalar(select(func.min(User.id))) > highest_user_id, "an old session would name somebody else"


# What its matches tell --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def told(demo_engine: Engine) -> dict[tuple[str, str], Assessment]:
    """How each published surplus serves each published demand, by their keys."""
    with make_sessions(demo_engine)() as session:
        listings = listings_by_key(session)
    published = {key: each for key, each in listings.items() if each.status is ListingStatus.PUBLISHED}
    lots = {key: as_lot(listing) for key, listing in published.items()}
    places = {key: from_stored(to_shape(listing.position_25833)) for key, listing in published.items()}
    surpluses = [key for key, listing in published.items() if listing.kind is ListingKind.SURPLUS]
    demands = [key for key, listing in published.items() if listing.kind is ListingKind.DEMAND]
    return {
        (surplus, demand): assess(
            lots[surplus],
            lots[demand],
            distance_m=distance_m(places[surplus].x, places[surplus].y, places[demand].x, places[demand].y),
            taxonomy=taxonomy(),
        )
        for surplus, demand in product(surpluses, demands)
    }


def as_lot(listing: Listing) -> Lot:
    fraction = listing.fraction_mm
    return Lot(
        kind=LotKind(listing.kind.value),
        material=listing.material_key,
        fraction=Fraction(lower_mm=fraction[0], upper_mm=fraction[1]) if fraction else None,
        mass_t=listing.mass_t,
        min_lot_t=listing.min_lot_t,
        available_from=listing.available_from,
        available_to=listing.available_to,
        max_distance_km=listing.max_distance_km,
    )


def terms(assessment: Assessment) -> tuple[object, ...]:
    return (
        assessment.material,
        assessment.fraction,
        assessment.period,
        assessment.quantity,
        assessment.distance,
    )


def fits(assessment: Assessment) -> bool:
    return all(term.verdict is not Verdict.MISS for term in terms(assessment))  # type: ignore[attr-defined]


def test_topsoil_and_noise_barrier_fit_as_they_are(told: dict[tuple[str, str], Assessment]) -> None:
    assessment = told["strand_matjord", "stoyvoll_matjord"]

    assert {term.verdict for term in terms(assessment)} == {Verdict.FIT}  # type: ignore[attr-defined]


def test_tunnel_rock_makes_a_sub_base_once_crushed(told: dict[tuple[str, str], Assessment]) -> None:
    assessment = told["kattas_stein", "sykkelvei_forsterkning"]

    assert fits(assessment)
    assert assessment.material.verdict is Verdict.WITH_TREATMENT
    assert assessment.material.substitution is not None
    assert assessment.material.substitution.treatment is Treatment.CRUSHING


def test_topsoil_comes_three_weeks_too_late(told: dict[tuple[str, str], Assessment]) -> None:
    period = told["bjorum_matjord", "stoyvoll_matjord"].period

    assert period.changes == (ShiftPeriod(timing=Timing.SURPLUS_TOO_LATE, days=21),)


def test_a_park_wants_its_topsoil_from_nearer_by(told: dict[tuple[str, str], Assessment]) -> None:
    (change,) = told["strand_matjord", "bypark_matjord"].distance.changes

    assert isinstance(change, RaiseDistanceLimit)
    assert change.side is LotKind.DEMAND
    assert 10_000 < change.to_m < 12_000


def test_a_smallest_lot_is_larger_than_what_a_shore_needs(told: dict[tuple[str, str], Assessment]) -> None:
    (change,) = told["vaekero_kult", "strandpark_plastring"].quantity.changes

    assert isinstance(change, LowerSmallestLot)
    assert change.side is LotKind.SURPLUS


def test_crushed_concrete_would_have_to_be_sieved(told: dict[tuple[str, str], Assessment]) -> None:
    fraction = told["riving_knust", "sykkelvei_forsterkning"].fraction

    assert fraction.verdict is Verdict.MISS
    assert fraction.treatment is Treatment.SIEVING


def test_peat_finds_nobody(told: dict[tuple[str, str], Assessment]) -> None:
    assert not any(fits(each) for (surplus, _), each in told.items() if surplus == "skaret_torv")


def test_nearly_every_other_listing_finds_somebody(told: dict[tuple[str, str], Assessment]) -> None:
    matched = {key for pair, each in told.items() if fits(each) for key in pair}
    everybody = {key for pair in told for key in pair}

    assert len(matched) / len(everybody) > 0.9
