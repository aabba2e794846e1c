"""Verifying organisations: an administrator has seen that those who act for one may.

Its owner asks, with what shows it. An organisation that is not verified may do all that others do, and says so wherever
it is named.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.actor import Actor
from marketplace.errors import Conflict, Forbidden, NotFound, field_error
from marketplace.i18n_marker import N_
from marketplace.models import Organisation, User, VerificationRequest
from marketplace.services.documents import add_proof_of_organisation
from marketplace.services.moderation_mail import owners_of, require_administrator, tell, text_from
from marketplace.storage import Storage

SAY_WHO = N_("Say who you are in the organisation, and what shows it.")
SAY_HOW = N_("Say what shows it, for whoever asks later.")
SAY_WHY_NOT = N_("Say what is missing. The owner reads this, and can ask again.")
ASKED_ALREADY = N_("Your organisation has asked already, and is answered by mail.")
VERIFIED_ALREADY = N_("The organisation is verified already.")
NOT_VERIFIED = N_("The organisation is not verified.")
DECIDED_ALREADY = N_("Somebody else has decided this already.")


@dataclass(frozen=True, slots=True, kw_only=True)
class SentFile:
    """A file that came with a request; `upload_id` is the sender's own name for it."""

    name: str
    content: bytes
    upload_id: UUID


def request_verification(
    session: Session,
    actor: Actor,
    *,
    organisation_id: int,
    text: str,
    file: SentFile | None = None,
    storage: Storage,
    now: datetime,
) -> VerificationRequest:
    """Ask that an organisation be verified, saying in `text` what shows that the actor may act for it.

    Raises:
        NotFound, Forbidden: there is no such organisation, the actor does not own it, or it is banned.
        Conflict: it is verified.
        InvalidInput: no text, a text that is too long, a file that cannot be taken (field "file"), or asked already.
    """
    organisation = _locked(session, organisation_id)
    if actor.user_id is None or not actor.owns(organisation_id) or organisation.is_banned:
        raise Forbidden
    if organisation.is_verified:
        raise Conflict(VERIFIED_ALREADY)
    text = text_from(text, field="text", missing=SAY_WHO)
    if open_request(session, organisation_id=organisation_id) is not None:
        raise field_error("", ASKED_ALREADY)
    request = VerificationRequest(organisation_id=organisation_id, text=text, made_by_id=actor.user_id, created_at=now)
    session.add(request)
    session.flush()
    if file is not None:
        add_proof_of_organisation(
            session,
            actor,
            request=request,
            file_name=file.name,
            content=file.content,
            upload_id=file.upload_id,
            storage=storage,
            now=now,
        )
    return request


def verify_organisation(
    session: Session, actor: Actor, *, organisation_id: int, note: str, now: datetime
) -> Organisation:
    """The organisation, verified; whoever asked for it is told, or else its owners. `note` says what showed it.

    Raises:
        Forbidden: the actor is no administrator.
        NotFound: there is no such organisation.
        Conflict: it is verified already.
        InvalidInput: no note, or one that is too long.
    """
    require_administrator(actor)
    organisation = _locked(session, organisation_id)
    if organisation.is_verified:
        raise Conflict(VERIFIED_ALREADY)
    note = text_from(note, field="note", missing=SAY_HOW)
    organisation.verified_at, organisation.verified_by_id = now, actor.user_id
    organisation.verification_note = note
    request = open_request(session, organisation_id=organisation_id)
    if request is not None:
        _decide(request, actor, is_granted=True, answer="", now=now)
    session.flush()
    _tell(session, organisation, request, template="verification_granted")
    return organisation


def refuse_verification(
    session: Session, actor: Actor, *, organisation_id: int, answer: str, now: datetime
) -> VerificationRequest:
    """The open request of an organisation, refused; whoever asked is told what is missing.

    Raises:
        Forbidden: the actor is no administrator.
        NotFound: there is no such organisation.
        Conflict: no request is open any more.
        InvalidInput: no answer, or one that is too long.
    """
    require_administrator(actor)
    organisation = _locked(session, organisation_id)
    request = open_request(session, organisation_id=organisation_id)
    if request is None:
        raise Conflict(DECIDED_ALREADY)
    answer = text_from(answer, field="answer", missing=SAY_WHY_NOT)
    _decide(request, actor, is_granted=False, answer=answer, now=now)
    session.flush()
    _tell(session, organisation, request, template="verification_refused", answer=answer)
    return request


def withdraw_verification(session: Session, actor: Actor, *, organisation_id: int, reason: str) -> Organisation:
    """The organisation, no longer verified; its owners are told why.

    Raises:
        Forbidden: the actor is no administrator.
        NotFound: there is no such organisation.
        Conflict: it is not verified.
        InvalidInput: no reason, or one that is too long.
    """
    require_administrator(actor)
    organisation = _locked(session, organisation_id)
    if not organisation.is_verified:
        raise Conflict(NOT_VERIFIED)
    reason = text_from(reason, field="reason", missing=SAY_WHY_NOT)
    organisation.verified_at = organisation.verified_by_id = organisation.verification_note = None
    session.flush()
    _tell(session, organisation, None, template="verification_withdrawn", reason=reason)
    return organisation


def open_request(session: Session, *, organisation_id: int) -> VerificationRequest | None:
    """The request that waits for an answer."""
    return session.scalars(
        select(VerificationRequest).where(
            VerificationRequest.organisation_id == organisation_id, VerificationRequest.decided_at.is_(None)
        )
    ).one_or_none()


def _locked(session: Session, organisation_id: int) -> Organisation:
    organisation = session.get(
        Organisation, organisation_id, with_for_update={"key_share": True}, populate_existing=True
    )
    if organisation is None:
        raise NotFound
    return organisation


def _decide(request: VerificationRequest, actor: Actor, *, is_granted: bool, answer: str, now: datetime) -> None:
    request.is_granted, request.answer = is_granted, answer
    request.decided_at, request.decided_by_id = now, actor.user_id


def _tell(
    session: Session, organisation: Organisation, request: VerificationRequest | None, *, template: str, **said: str
) -> None:
    asker = session.get(User, request.made_by_id) if request else None
    is_there = asker is not None and asker.banned_at is None and asker.email_confirmed_at is not None
    people = [asker] if asker and is_there else owners_of(session, organisation_id=organisation.id)
    tell(session, people, template=template, organisation=organisation, **said)
