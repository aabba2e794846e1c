"""The demo region: real projects and facilities around Bærum and Oslo; invented organisations, people and listings.

It is read from `seed/demo/` and goes through the ordinary services, so it obeys the rules that all data obeys. Days in
the files count from the day of loading, so a demo is as fresh as the day it was loaded or reset.

A demo database holds nothing else: log-ins with a published password must never stand beside real people's data.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from sqlalchemy import exists, func, or_, select, text
from sqlalchemy.orm import Session

from geo.materials import read_fraction
from geo.units import EnteredUnit
from marketplace.actor import Actor
from marketplace.clock import local_date
from marketplace.errors import Conflict
from marketplace.i18n_marker import N_
from marketplace.models import Facility, Installation, Listing, Membership, Organisation, Project, User
from marketplace.queries.accounts import account_for_session
from marketplace.services.audit import begin_anew
from marketplace.services.demo_deals import add_deals
from marketplace.services.demo_enquiries import add_enquiries
from marketplace.services.demo_facilities import add_facilities, add_receiver
from marketplace.services.demo_moderation import add_moderation
from marketplace.services.demo_past import add_past_deals, add_past_listings, past_rows
from marketplace.services.demo_plans import add_plans
from marketplace.services.demo_proof import add_proof
from marketplace.services.demo_rows import Row, listing_rows, number_of, position_of, read_rows, site_of
from marketplace.services.factor_sets import load_factor_sets
from marketplace.services.freshness import ASKED_AFTER, SHOWN_AFTER
from marketplace.services.listings import (
    ListingDetails,
    close_listing,
    create_listing,
    pause_listing,
    publish_listing,
)
from marketplace.services.passwords import hash_password
from marketplace.services.projects import ProjectDetails, create_project
from marketplace.services.reference import INSTALLATION_ID
from marketplace.types import (
    Haulage,
    ListingKind,
    ListingStatus,
    Loading,
    OrganisationKind,
    PriceKind,
    ProjectKind,
    Role,
)

DEMO_PASSWORD: Final = "masseflyt-demo"  # noqa: S105 - published on purpose, and good in a demo database only
DEMO_LOCK: Final = 8_274_002
"""Two programs that start at once on one database load one after the other."""
LOCK_TIMEOUT: Final = "10s"


class NotADemo(Conflict):
    """Somebody's own data is in the database."""

    message = N_("This database holds data of its own and is no demo, so the demo is neither loaded into it nor reset.")


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoLoaded:
    """How many rows the demo came to."""

    organisations: int
    accounts: int
    facilities: int
    projects: int
    listings: int


def is_empty(session: Session) -> bool:
    """Whether nobody has put anything into the database yet; reference data does not count."""
    tables = (User, Organisation, Project, Facility, Listing)
    return not session.scalar(select(or_(*(exists(select(table.id)) for table in tables))))


def is_demo(session: Session) -> bool:
    installation = session.get(Installation, INSTALLATION_ID)
    return installation is not None and installation.is_demo


def require_demo_or_empty(session: Session) -> None:
    """Wait for whoever is loading the demo, then make sure that example data harms nobody here.

    Raises:
        NotADemo: the database holds somebody's own data.
    """
    session.execute(select(func.pg_advisory_xact_lock(DEMO_LOCK)))
    if not (is_demo(session) or is_empty(session)):
        raise NotADemo


def mark_as_demo(session: Session) -> Installation:
    """From now on every page says that this database is a demo."""
    installation = session.get(Installation, INSTALLATION_ID) or Installation(id=INSTALLATION_ID)
    installation.is_demo = True
    session.add(installation)
    session.flush()
    return installation


LONGEST_SILENCE = SHOWN_AFTER + timedelta(days=2)
"""The oldest listings have been asked about, and show what comes of no answer; what is invented is never paused."""


def load_demo(session: Session, *, now: datetime) -> DemoLoaded | None:
    """Fill the database with the demo region and mark it as a demo; None where that has been done already.

    Raises:
        NotADemo: the database holds somebody's own data.
    """
    require_demo_or_empty(session)
    installation = mark_as_demo(session)
    if installation.demo_loaded_at is not None:
        return None
    organisations = _add_organisations(session)
    actors = _add_accounts(session, organisations, now=now)
    facilities = add_facilities(session)
    projects = {
        row["key"]: _add_project(session, row, actors=actors, organisations=organisations, now=now)
        for row in read_rows("projects.csv")
    }
    facility_ids = {row.key: row.id for row in session.execute(select(Facility.key, Facility.id))}
    past = past_rows()
    past_listings = add_past_listings(session, past, actors=actors, projects=projects, now=now)
    proofs = {row["listing"]: row for row in read_rows("proofs.csv")}
    listings = {
        row["key"]: _add_listing(
            session,
            row,
            actors=actors,
            projects=projects,
            facility_ids=facility_ids,
            proof=proofs.get(row["key"]),
            now=now,
        )
        for row in listing_rows()
    }
    receivers = [
        add_receiver(session, row, actors=actors, organisations=organisations, now=now)
        for row in read_rows("receivers.csv")
    ]
    add_plans(
        session,
        read_rows("mass_plan.csv"),
        read_rows("reduction_targets.csv"),
        actors=actors,
        projects=projects,
        now=now,
    )
    add_moderation(
        session,
        reports=read_rows("listing_reports.csv"),
        requests=read_rows("verification_requests.csv"),
        organisations=organisations,
        actors=actors,
        listings=listings,
        now=now,
    )
    add_past_deals(session, past, actors=actors, projects=projects, listings=past_listings, now=now)
    add_deals(
        session,
        read_rows("deals.csv"),
        read_rows("deal_steps.csv"),
        actors=actors,
        listings=listings,
        projects=projects,
        now=now,
    )
    add_enquiries(session, read_rows("enquiries.csv"), actors=actors, listings=listings, now=now)
    installation.demo_loaded_at = now
    session.flush()
    return DemoLoaded(
        organisations=len(organisations),
        accounts=len(actors),
        facilities=facilities + len(receivers),
        projects=len(projects),
        listings=len(listings),
    )


def reset_demo(session: Session, *, now: datetime) -> DemoLoaded:
    """Throw away everything in a demo database, what visitors made with it, and load the demo region anew.

    Raises:
        NotADemo: the database is not a demo.
    """
    require_demo_or_empty(session)
    session.execute(text(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'"))  # a page in use must not block all others
    # Addresses such as /listings/7 stay the same from reset to reset. Accounts get new numbers, or a visitor's old
    # session would open the account of whoever comes by their number next.
    session.execute(text("ALTER TABLE impact_report DISABLE TRIGGER append_only"))  # these are about the demo alone
    session.execute(text("TRUNCATE listing, project, facility RESTART IDENTITY CASCADE"))
    session.execute(text("TRUNCATE app_user, organisation, outbox_mail, throttle CONTINUE IDENTITY CASCADE"))
    session.execute(text("ALTER TABLE impact_report ENABLE TRIGGER append_only"))
    begin_anew(session)
    session.expunge_all()
    load_factor_sets(session)  # whoever made one is gone, so all of them are
    mark_as_demo(session).demo_loaded_at = None
    session.flush()
    loaded = load_demo(session, now=now)
    assert loaded is not None
    return loaded


# Adding the rows -------------------------------------------------------------------------------------------------


def _add_organisations(session: Session) -> dict[str, Organisation]:
    organisations = {
        row["key"]: Organisation(
            org_number=row["org_number"],
            name=row["name"],
            kind=OrganisationKind(row["kind"]),
            municipality_number=row["municipality_number"],
            address=row["address"],
            is_example=True,
        )
        for row in read_rows("organisations.csv")
    }
    session.add_all(organisations.values())
    session.flush()
    return organisations


def _add_accounts(session: Session, organisations: Mapping[str, Organisation], *, now: datetime) -> dict[str, Actor]:
    """The log-ins, ready to act."""
    password_hash = hash_password(DEMO_PASSWORD)  # one for all: everybody knows the password, so a salt hides nothing
    users: dict[str, User] = {}
    for row in read_rows("users.csv"):
        user = User(
            email=row["email"],
            name=row["name"],
            password_hash=password_hash,
            email_confirmed_at=now,
            is_admin=row["is_admin"] == "yes",
            is_example=True,
        )
        if row["organisation"]:
            Membership(user=user, organisation=organisations[row["organisation"]], role=Role(row["role"]))
        session.add(user)
        users[row["key"]] = user
    session.flush()
    return {key: _actor(session, user) for key, user in users.items()}


def _actor(session: Session, user: User) -> Actor:
    session.refresh(user)
    account = account_for_session(session, user_id=user.id, epoch=user.session_epoch)
    assert account is not None
    return account.actor


def _add_project(
    session: Session,
    row: Row,
    *,
    actors: Mapping[str, Actor],
    organisations: Mapping[str, Organisation],
    now: datetime,
) -> Project:
    today = local_date(now)
    details = ProjectDetails(
        name=row["name"],
        kind=ProjectKind(row["kind"]),
        builder=row["builder"],
        site=site_of(row),
        starts_on=today + timedelta(days=int(row["starts_days"])),
        ends_on=today + timedelta(days=int(row["ends_days"])),
        description=row["description"],
    )
    project = create_project(
        session,
        actors[row["posted_by"]],
        organisation_id=organisations[row["organisation"]].id,
        details=details,
        now=now,
        is_example=True,
    )
    project.position_accuracy_m = int(row["accuracy_m"])
    project.source = row["source"]
    return project


def _add_listing(
    session: Session,
    row: Row,
    *,
    actors: Mapping[str, Actor],
    projects: Mapping[str, Project],
    facility_ids: Mapping[str, int],
    proof: Row | None,
    now: datetime,
) -> Listing:
    """Write the listing on the day it is to have been written, with its proof, and lead it to its status."""
    actor, project = actors[row["posted_by"]], projects[row["project"]]
    written_at = now - timedelta(days=int(row["age_days"]))
    listing = create_listing(
        session,
        actor,
        organisation_id=project.organisation_id,
        details=_listing_details(row, project=project, facility_ids=facility_ids, now=now),
        now=written_at,
        is_example=True,
    )
    listing.created_at = written_at
    session.flush()  # what follows reads the row anew
    if proof is not None:
        add_proof(session, actor, listing=listing, row=proof, now=written_at)
    status = ListingStatus(row["status"])
    if status is not ListingStatus.DRAFT:
        publish_listing(session, actor, listing_id=listing.id, now=written_at)
    if status is ListingStatus.PAUSED:
        pause_listing(session, actor, listing_id=listing.id, now=now)
    if status is ListingStatus.CLOSED:
        close_listing(session, actor, listing_id=listing.id, now=now)
    if status is ListingStatus.PUBLISHED and written_at + ASKED_AFTER <= now:
        listing.asked_at = max(written_at + ASKED_AFTER, now - LONGEST_SILENCE)
    return listing


def _listing_details(row: Row, *, project: Project, facility_ids: Mapping[str, int], now: datetime) -> ListingDetails:
    today = local_date(now)
    return ListingDetails(
        kind=ListingKind(row["kind"]),
        material_key=row["material_key"],
        fraction=read_fraction(row["fraction"]) if row["fraction"] else None,
        entered_value=Decimal(row["quantity"]),
        entered_unit=EnteredUnit(row["unit"]),
        min_lot_t=number_of(row["min_lot_t"]),
        available_from=today + timedelta(days=int(row["from_days"])),
        available_to=today + timedelta(days=int(row["to_days"])),
        project_id=project.id,
        own_position=position_of(row) if row["lat"] else None,
        price_kind=PriceKind(row["price_kind"]),
        price_nok_per_t=number_of(row["price_nok_per_t"]),
        loading=Loading(row["loading"]),
        haulage=Haulage(row["haulage"]),
        max_distance_km=number_of(row["max_distance_km"]),
        baseline_facility_id=facility_ids[row["baseline"]] if row["baseline"] else None,
        description=row["description"],
    )
