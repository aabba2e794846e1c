"""Reading what moderators have to decide, and the organisations and people they decide about."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum, auto

from sqlalchemy import ColumnElement, Select, exists, false, func, or_, select, true
from sqlalchemy.orm import Session, joinedload, selectinload

from marketplace.models import (
    Appeal,
    Document,
    Listing,
    ListingReport,
    Membership,
    Organisation,
    User,
    VerificationRequest,
)
from marketplace.queries.open_listings import is_open
from marketplace.queries.paging import Cursor, IdPage, page_by_id
from marketplace.types import ReportReason

MOST_SHOWN = 50
"""Of what was said about one thing, the newest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskCounts:
    """How much waits for a moderator. `listings` are those with open reports."""

    listings: int
    appeals: int
    requests: int


def desk_counts(session: Session) -> DeskCounts:
    reported = select(func.count(ListingReport.listing_id.distinct())).where(ListingReport.decided_at.is_(None))
    return DeskCounts(
        listings=session.scalar(reported) or 0,
        appeals=_count(session, select(Appeal.id).where(Appeal.decided_at.is_(None))),
        requests=_count(session, select(VerificationRequest.id).where(VerificationRequest.decided_at.is_(None))),
    )


def _count(session: Session, rows: Select[int]) -> int:
    return session.scalar(select(func.count()).select_from(rows.subquery())) or 0


# Reports, appeals and requests ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportedListing:
    """A listing with open reports; `newest_id` is that of the newest of them."""

    listing: Listing
    newest_id: int
    count: int
    first_at: datetime
    reasons: tuple[ReportReason, ...]


def reported_listings(session: Session, *, cursor: Cursor) -> IdPage[ReportedListing]:
    """Listings with open reports, those reported last first, with organisation and municipality."""
    of_each = (
        select(
            ListingReport.listing_id,
            func.max(ListingReport.id).label("newest_id"),
            func.count().label("how_many"),
            func.min(ListingReport.created_at).label("first_at"),
            func.array_agg(ListingReport.reason.distinct()).label("reasons"),
        )
        .where(ListingReport.decided_at.is_(None))
        .group_by(ListingReport.listing_id)
        .subquery()
    )
    return page_by_id(
        session,
        select(Listing, of_each.c.newest_id, of_each.c.how_many, of_each.c.first_at, of_each.c.reasons)
        .join(of_each, of_each.c.listing_id == Listing.id)
        .options(joinedload(Listing.organisation), joinedload(Listing.municipality)),
        key=of_each.c.newest_id,
        make=lambda row: ReportedListing(
            listing=row.Listing,
            newest_id=row.newest_id,
            count=row.how_many,
            first_at=row.first_at,
            reasons=tuple(sorted(ReportReason(each) for each in row.reasons)),
        ),
        id_of=lambda reported: reported.newest_id,
        cursor=cursor,
    )


def reports_of(session: Session, *, listing_id: int) -> Sequence[ListingReport]:
    """All that was reported of a listing, the newest first, with who reported it."""
    query = select(ListingReport).where(ListingReport.listing_id == listing_id).order_by(ListingReport.id.desc())
    return session.scalars(query.options(joinedload(ListingReport.reporter)).limit(MOST_SHOWN)).all()


def open_appeals(session: Session, *, cursor: Cursor) -> IdPage[Appeal]:
    """Appeals that wait for an answer, the newest first, with what they are about."""
    return page_by_id(
        session,
        select(Appeal)
        .where(Appeal.decided_at.is_(None))
        .options(joinedload(Appeal.organisation), joinedload(Appeal.listing), joinedload(Appeal.made_by)),
        key=Appeal.id,
        make=lambda row: row.Appeal,
        id_of=lambda appeal: appeal.id,
        cursor=cursor,
    )


def appeal_by_id(session: Session, *, appeal_id: int) -> Appeal | None:
    return session.get(Appeal, appeal_id)


def appeals_about(
    session: Session, *, listing_id: int | None = None, organisation_id: int | None = None
) -> Sequence[Appeal]:
    """What an organisation has answered about a hidden listing, or about its ban; the newest first."""
    about = (
        Appeal.listing_id == listing_id
        if listing_id is not None
        else (Appeal.organisation_id == organisation_id) & Appeal.listing_id.is_(None)
    )
    query = select(Appeal).where(about).order_by(Appeal.id.desc()).options(joinedload(Appeal.made_by))
    return session.scalars(query.limit(MOST_SHOWN)).all()


def open_requests(session: Session, *, cursor: Cursor) -> IdPage[VerificationRequest]:
    """Requests to be verified that wait for an answer, the newest first."""
    return page_by_id(
        session,
        select(VerificationRequest)
        .where(VerificationRequest.decided_at.is_(None))
        .options(joinedload(VerificationRequest.organisation), joinedload(VerificationRequest.made_by)),
        key=VerificationRequest.id,
        make=lambda row: row.VerificationRequest,
        id_of=lambda request: request.id,
        cursor=cursor,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedVerification:
    """A request to be verified, with the documents that came with it."""

    request: VerificationRequest
    documents: tuple[Document, ...]


def requests_of(session: Session, *, organisation_id: int) -> list[AskedVerification]:
    """All requests of an organisation, the newest first."""
    requests = session.scalars(
        select(VerificationRequest)
        .where(VerificationRequest.organisation_id == organisation_id)
        .order_by(VerificationRequest.id.desc())
        .options(joinedload(VerificationRequest.made_by))
        .limit(MOST_SHOWN)
    ).all()
    documents = session.scalars(
        select(Document)
        .where(
            Document.verification_request_id.in_([request.id for request in requests]), Document.removed_at.is_(None)
        )
        .order_by(Document.id)
    ).all()
    return [
        AskedVerification(
            request=request,
            documents=tuple(each for each in documents if each.verification_request_id == request.id),
        )
        for request in requests
    ]


# Organisations and people -----------------------------------------------------------------------------------------


class OrganisationState(StrEnum):
    """Which organisations an overview shows."""

    UNVERIFIED = auto()
    VERIFIED = auto()
    BANNED = auto()


class PersonState(StrEnum):
    """Which people an overview shows."""

    UNCONFIRMED = auto()
    BANNED = auto()
    ADMINISTRATORS = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganisationRow:
    organisation: Organisation
    members: int
    open_listings: int
    is_asking: bool
    """Whether it has asked to be verified and waits for an answer."""


def organisations_page(
    session: Session, *, text: str = "", state: OrganisationState | None = None, today: date, cursor: Cursor
) -> IdPage[OrganisationRow]:
    """Organisations with `text` in their name or number, those that came last first."""
    digits = "".join(text.split())
    wanted = {
        OrganisationState.UNVERIFIED: Organisation.verified_at.is_(None),
        OrganisationState.VERIFIED: Organisation.verified_at.is_not(None),
        OrganisationState.BANNED: Organisation.banned_at.is_not(None),
    }
    members = select(func.count()).where(Membership.organisation_id == Organisation.id).scalar_subquery()
    listings = select(func.count()).where(Listing.organisation_id == Organisation.id, is_open(today)).scalar_subquery()
    is_asking = exists().where(
        VerificationRequest.organisation_id == Organisation.id, VerificationRequest.decided_at.is_(None)
    )
    return page_by_id(
        session,
        select(Organisation, members.label("members"), listings.label("listings"), is_asking.label("is_asking")).where(
            wanted[state] if state else true(),
            or_(
                Organisation.name.icontains(text, autoescape=True),
                Organisation.org_number == digits if digits.isdecimal() else false(),
            ),
        ),
        key=Organisation.id,
        make=lambda row: OrganisationRow(
            organisation=row.Organisation,
            members=row.members,
            open_listings=row.listings,
            is_asking=row.is_asking,
        ),
        id_of=lambda row: row.organisation.id,
        cursor=cursor,
    )


def people_page(session: Session, *, text: str = "", state: PersonState | None = None, cursor: Cursor) -> IdPage[User]:
    """People with `text` in their name or address, with their organisations; those that came last first."""
    wanted: dict[PersonState, ColumnElement[bool]] = {
        PersonState.UNCONFIRMED: User.email_confirmed_at.is_(None),
        PersonState.BANNED: User.banned_at.is_not(None),
        PersonState.ADMINISTRATORS: User.is_admin.is_(True),
    }
    return page_by_id(
        session,
        select(User)
        .where(
            wanted[state] if state else true(),
            or_(User.name.icontains(text, autoescape=True), User.email.icontains(text, autoescape=True)),
        )
        .options(selectinload(User.memberships).joinedload(Membership.organisation)),
        key=User.id,
        make=lambda row: row.User,
        id_of=lambda user: user.id,
        cursor=cursor,
    )


def person_for_page(session: Session, *, user_id: int) -> User | None:
    """The person, with the organisations they are members of."""
    query = select(User).where(User.id == user_id)
    return session.scalars(
        query.options(selectinload(User.memberships).joinedload(Membership.organisation))
    ).one_or_none()


def name_of_person(session: Session, *, user_id: int | None) -> str | None:
    return session.scalar(select(User.name).where(User.id == user_id)) if user_id else None
