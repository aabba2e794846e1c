"""No surplus gets out that is not documented as clean, whichever way it is tried."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from geo.proof import DeclarationKind, Outcome
from geo.units import EnteredUnit
from marketplace.actor import Actor
from marketplace.errors import CONSTRAINT_ERRORS, InvalidInput
from marketplace.models import Listing, OutboxMail, Project
from marketplace.services.declarations import Statement, declare, withdraw
from marketplace.services.lab_results import remove_report
from marketplace.services.listings import (
    ListingDetails,
    create_listing,
    duplicate_listing,
    publish_listing,
    update_listing,
)
from marketplace.services.quality import quality_of, refresh_quality
from marketplace.types import Documentation, ListingKind, ListingStatus, PausedReason, Role
from tests.conftest import NOW, Client
from tests.factories import Factory

TODAY = date(2027, 3, 1)


@pytest.fixture
def actor(make: Factory) -> Actor:
    return make.actor()


@pytest.fixture
def project(make: Factory, actor: Actor, session: Session) -> Project:
    from marketplace.models import Organisation

    return make.project(session.get_one(Organisation, actor.memberships[0].organisation_id))


@pytest.fixture
def details(project: Project) -> ListingDetails:
    return ListingDetails(
        kind=ListingKind.SURPLUS,
        material_key="moraine",
        entered_value=Decimal(1000),
        entered_unit=EnteredUnit.TONNE,
        available_from=TODAY,
        available_to=date(2027, 9, 1),
        project_id=project.id,
    )


@pytest.fixture
def draft(session: Session, actor: Actor, details: ListingDetails) -> Listing:
    return create_listing(
        session, actor, organisation_id=actor.memberships[0].organisation_id, details=details, now=NOW
    )


def statement(kind: DeclarationKind, *, is_confirmed: bool = True, basis: str = "Urørt grunn") -> Statement:
    return Statement(kind=kind, is_confirmed=is_confirmed, basis=basis, stated_by="Kari Nordmann", stated_on=TODAY)


def state(session: Session, actor: Actor, listing: Listing, *statements: Statement) -> None:
    declare(session, actor, listing_id=listing.id, statements=statements, now=NOW)


def refused(session: Session, actor: Actor, listing: Listing) -> set[str]:
    """The fields that publishing is refused beside."""
    with pytest.raises(InvalidInput) as caught:
        publish_listing(session, actor, listing_id=listing.id, now=NOW)
    assert listing.status is ListingStatus.DRAFT
    return {error.field for error in caught.value.errors}


# The service ------------------------------------------------------------------------------------------------------


def test_an_undocumented_surplus_is_not_published(session: Session, actor: Actor, draft: Listing) -> None:
    assert refused(session, actor, draft) == {"clean_by"}


def test_a_clean_report_lets_it_out_as_tested(session: Session, actor: Actor, draft: Listing, make: Factory) -> None:
    make.report(draft)
    publish_listing(session, actor, listing_id=draft.id, now=NOW)
    assert (draft.status, draft.documentation) == (ListingStatus.PUBLISHED, Documentation.TESTED)
    assert (draft.quality_outcome, draft.quality_class) == (Outcome.CLEAN, 1)
    assert draft.limits_version


def test_one_dirty_sample_among_clean_ones_keeps_it_inside(
    session: Session, actor: Actor, draft: Listing, make: Factory
) -> None:
    make.report(draft)
    make.report(draft, sample="P2", PAH16="4.2")
    assert refused(session, actor, draft) == {"clean_by"}
    assert (draft.quality_outcome, draft.quality_class) == (Outcome.CONTAMINATED, 2)
    assert draft.documentation is Documentation.NONE


def test_a_declared_origin_lets_it_out_as_declared(session: Session, actor: Actor, draft: Listing) -> None:
    state(session, actor, draft, statement(DeclarationKind.VIRGIN_AREA))
    publish_listing(session, actor, listing_id=draft.id, now=NOW)
    assert (draft.status, draft.documentation) == (ListingStatus.PUBLISHED, Documentation.DECLARED)


def test_nobody_declares_away_what_a_laboratory_found(
    session: Session, actor: Actor, draft: Listing, make: Factory
) -> None:
    state(session, actor, draft, statement(DeclarationKind.VIRGIN_AREA))
    make.report(draft, Pb="5000")
    assert refused(session, actor, draft) == {"clean_by"}
    assert (draft.quality_outcome, draft.quality_class) == (Outcome.HAZARDOUS, 6)


def test_what_the_material_requires_is_asked_for(
    session: Session, actor: Actor, details: ListingDetails, draft: Listing
) -> None:
    update_listing(session, actor, listing_id=draft.id, details=replace(details, material_key="topsoil"), now=NOW)
    state(session, actor, draft, statement(DeclarationKind.VIRGIN_AREA), statement(DeclarationKind.NO_PLANT_WASTE))
    assert refused(session, actor, draft) == {"alien_species", "farmland_pests"}
    state(session, actor, draft, statement(DeclarationKind.FARMLAND_PESTS))
    state(session, actor, draft, statement(DeclarationKind.ALIEN_SPECIES, is_confirmed=False))
    assert refused(session, actor, draft) == {"alien_species"}
    state(session, actor, draft, statement(DeclarationKind.ALIEN_SPECIES))
    assert publish_listing(session, actor, listing_id=draft.id, now=NOW).status is ListingStatus.PUBLISHED


def test_concrete_cannot_be_declared(
    session: Session, actor: Actor, details: ListingDetails, draft: Listing, make: Factory
) -> None:
    update_listing(session, actor, listing_id=draft.id, details=replace(details, material_key="concrete"), now=NOW)
    kinds = (DeclarationKind.VIRGIN_AREA, DeclarationKind.NO_FOREIGN_PARTS, DeclarationKind.NO_COATING)
    state(session, actor, draft, *(statement(kind) for kind in kinds))
    assert refused(session, actor, draft) == {"clean_by"}
    make.report(draft)
    assert publish_listing(session, actor, listing_id=draft.id, now=NOW).documentation is Documentation.TESTED


@pytest.mark.parametrize("kind", [ListingKind.DEMAND])
def test_what_offers_nothing_is_not_gated(
    session: Session, actor: Actor, details: ListingDetails, draft: Listing, kind: ListingKind
) -> None:
    update_listing(session, actor, listing_id=draft.id, details=replace(details, kind=kind), now=NOW)
    assert publish_listing(session, actor, listing_id=draft.id, now=NOW).documentation is Documentation.NONE


# What is in sight already -----------------------------------------------------------------------------------------


@pytest.fixture
def published(session: Session, actor: Actor, draft: Listing, make: Factory) -> Listing:
    report = make.report(draft)
    publish_listing(session, actor, listing_id=draft.id, now=NOW)
    assert report.listing_id == draft.id
    return draft


def test_a_published_one_is_paused_as_soon_as_its_proof_is_gone(
    session: Session, actor: Actor, published: Listing
) -> None:
    report = quality_of(session, published).reports[0]
    remove_report(session, actor, listing_id=published.id, report_id=report.id, now=NOW)
    assert (published.status, published.paused_reason) == (ListingStatus.PAUSED, PausedReason.QUALITY)
    mail = session.scalars(select(OutboxMail)).one()
    assert (mail.recipient, mail.template) == (actor.email, "listing_paused_quality")


def test_a_bad_sample_pauses_a_published_one(session: Session, published: Listing, make: Factory) -> None:
    make.report(published, sample="P9", Cd="40")
    refresh_quality(session, published, now=NOW)
    assert (published.status, published.quality_class) == (ListingStatus.PAUSED, 5)


def test_a_changed_material_that_its_proof_does_not_cover_pauses_and_keeps_the_change(
    session: Session, actor: Actor, published: Listing, details: ListingDetails
) -> None:
    update_listing(session, actor, listing_id=published.id, details=replace(details, material_key="topsoil"), now=NOW)
    session.expire_all()
    assert (published.material_key, published.status) == ("topsoil", ListingStatus.PAUSED)
    with pytest.raises(InvalidInput):
        publish_listing(session, actor, listing_id=published.id, now=NOW)


def test_a_need_that_becomes_a_surplus_is_paused_until_it_is_documented(
    session: Session, actor: Actor, draft: Listing, details: ListingDetails
) -> None:
    update_listing(session, actor, listing_id=draft.id, details=replace(details, kind=ListingKind.DEMAND), now=NOW)
    publish_listing(session, actor, listing_id=draft.id, now=NOW)
    update_listing(session, actor, listing_id=draft.id, details=details, now=NOW)
    session.expire_all()
    assert (draft.kind, draft.status) == (ListingKind.SURPLUS, ListingStatus.PAUSED)


def test_a_withdrawn_origin_pauses(session: Session, actor: Actor, draft: Listing) -> None:
    state(session, actor, draft, statement(DeclarationKind.VIRGIN_AREA))
    publish_listing(session, actor, listing_id=draft.id, now=NOW)
    withdraw(session, actor, listing_id=draft.id, kind=DeclarationKind.VIRGIN_AREA, now=NOW)
    assert (draft.status, draft.paused_reason) == (ListingStatus.PAUSED, PausedReason.QUALITY)


def test_a_copy_has_to_be_documented_anew(session: Session, actor: Actor, published: Listing) -> None:
    copy = duplicate_listing(session, actor, listing_id=published.id, now=NOW)
    assert refused(session, actor, copy) == {"clean_by"}


# Other ways -------------------------------------------------------------------------------------------------------


def test_the_web_does_not_publish_it(client: Client, make: Factory) -> None:
    user = make.member(role=Role.EDITOR)
    listing = make.listing(
        user.memberships[0].organisation, status=ListingStatus.DRAFT, is_proven=False, documentation=Documentation.NONE
    )
    answer = client.log_in_as(user).post(f"/listings/{listing.id}/publish")
    assert answer.location == f"/listings/{listing.id}/quality"
    assert listing.status is ListingStatus.DRAFT


def test_the_demo_lets_out_what_is_clean_and_keeps_the_rest(demo: Session) -> None:
    surpluses = demo.scalars(select(Listing).where(Listing.kind == ListingKind.SURPLUS)).all()
    for listing in surpluses:
        if listing.status is ListingStatus.PUBLISHED:
            assert quality_of(demo, listing, today=TODAY).verdict.may_be_published
    assert any(listing.quality_class == 2 and listing.status is ListingStatus.DRAFT for listing in surpluses)
    assert {Documentation.TESTED, Documentation.DECLARED} <= {listing.documentation for listing in surpluses}


@pytest.mark.parametrize(
    "values",
    [
        {"documentation": Documentation.NONE},
        {"documentation": Documentation.TESTED, "quality_class": 2},
        {"documentation": Documentation.DECLARED, "quality_outcome": Outcome.CONTAMINATED},
        {"documentation": Documentation.TESTED, "quality_outcome": Outcome.HAZARDOUS},
    ],
)
def test_not_even_the_database_takes_it(
    session: Session, draft: Listing, values: dict[str, object], make: Factory
) -> None:
    del make
    session.execute(update(Listing).where(Listing.id == draft.id).values(values))
    raw = text("UPDATE listing SET status = 'published', published_at = now(), renewed_at = now() WHERE id = :id")
    with pytest.raises(IntegrityError) as caught, session.begin_nested():
        session.execute(raw, {"id": draft.id})
    name = caught.value.orig.diag.constraint_name  # type: ignore[union-attr] - psycopg's error
    assert name == "ck_listing_clean"
    assert name in CONSTRAINT_ERRORS


def test_every_service_that_publishes_asks_the_gate() -> None:
    """`status = PUBLISHED` is written in one place, behind the gate; whatever publishes goes through it."""
    from marketplace.config import ROOT

    writers = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "marketplace").rglob("*.py")
        if "status = ListingStatus.PUBLISHED" in path.read_text(encoding="utf-8").replace(".status, ", ".status = ")
    }
    assert writers <= {"marketplace/services/listings.py"}
