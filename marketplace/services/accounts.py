"""Accounts: signing up, logging in, and what people change about themselves.

Nobody learns from these services whether an address has an account. Signing up and asking for a new password always
answer the same, take as long, and say the rest in a mail; logging in gives one answer to a wrong password, an unknown
address and an address that has not been confirmed.

An account is usable once its address is confirmed, so log-in comes after confirmation. Confirming takes the mailed link
together with the browser that signed up, or else the password: whoever signs up with somebody else's address cannot
have its owner open an account with a password that is not theirs.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from marketplace.actor import Actor
from marketplace.errors import field_error
from marketplace.i18n_marker import N_
from marketplace.models import User
from marketplace.queries.accounts import user_by_email
from marketplace.services.links import DeadLink, Link, LinkSigner, Purpose, fingerprint_of, shortened_hash
from marketplace.services.mail import send_mail
from marketplace.services.passwords import (
    hash_password,
    is_outdated,
    is_password,
    require_good_password,
    spend_as_long,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingConfirmation:
    """What the page behind a confirmation link needs to know before anything is confirmed."""

    email: str
    name: str
    needs_password: bool


def sign_up(
    session: Session,
    *,
    name: str,
    email: str,
    password: str,
    locale: str,
    browser_key: str,
    signer: LinkSigner,
    now: datetime,
) -> None:
    """Make an account that waits for its address to be confirmed, and mail the address how.

    An address that waits already takes what was entered last, and older links die. The owner of an account in use gets
    a note instead, and nothing of the account changes.

    Raises:
        InvalidInput: the password is refused.
    """
    require_good_password(password, email=email)
    fields = {"name": name, "password_hash": hash_password(password), "locale": locale}
    # A second sign-up at the same moment must not fail on the index, and so tell that the address is taken.
    session.execute(insert(User).values(email=email, **fields).on_conflict_do_nothing())
    user = _account_of(session, email)
    if user.email_confirmed_at is not None:
        _mail_already_signed_up(session, user)
        return
    user.name, user.password_hash, user.locale = name, fields["password_hash"], locale
    _mail_confirmation(session, user, browser_key=browser_key, signer=signer, now=now)


def resend_confirmation(
    session: Session, *, email: str, browser_key: str, locale: str, signer: LinkSigner, now: datetime
) -> None:
    """Mail a new confirmation link to an address that waits for one; any other address is told how it stands."""
    user = user_by_email(session, email=email)
    if user is None:
        _mail_no_account(session, email=email, locale=locale)
    elif user.email_confirmed_at is not None:
        _mail_already_signed_up(session, user)
    else:
        _mail_confirmation(session, user, browser_key=browser_key, signer=signer, now=now)


def pending_confirmation(
    session: Session, *, token: str, browser_key: str, signer: LinkSigner, now: datetime
) -> PendingConfirmation:
    """
    Raises:
        DeadLink: forged, run out, replaced by a newer one, or used.
    """
    link = signer.read(Purpose.CONFIRM_ADDRESS, token, now=now)
    user = _waiting_account(session, link)
    return PendingConfirmation(email=user.email, name=user.name, needs_password=not _is_same_browser(link, browser_key))


def confirm_address(
    session: Session, *, token: str, password: str | None, browser_key: str, signer: LinkSigner, now: datetime
) -> User:
    """The account, its address now confirmed.

    Raises:
        DeadLink: as `pending_confirmation`.
        InvalidInput: the link was opened in another browser, and the password is wrong.
    """
    link = signer.read(Purpose.CONFIRM_ADDRESS, token, now=now)
    user = _waiting_account(session, link, lock=True)
    if not _is_same_browser(link, browser_key) and not is_password(password or "", hashed=user.password_hash):
        raise field_error("password", N_("This is not the password that was chosen at sign-up."))
    user.email_confirmed_at = now
    session.flush()
    return user


def authenticate(session: Session, *, email: str, password: str) -> User | None:
    """The account that the address and the password open, or None, after the same time in every case.

    Raises:
        InvalidInput: they would, were it not banned.
    """
    user = user_by_email(session, email=email)
    if user is None:
        spend_as_long(password)
        return None
    if not is_password(password, hashed=user.password_hash) or user.email_confirmed_at is None:
        return None
    if user.banned_at is not None:
        raise field_error("", N_("This account is banned. The mail you got when it was says why."))
    if is_outdated(user.password_hash):
        user.password_hash = hash_password(password)
        session.flush()
    return user


def ask_for_reset(session: Session, *, email: str, locale: str, signer: LinkSigner, now: datetime) -> None:
    """Mail a link to choose a new password; an address without an account is told so by mail, and only there."""
    user = user_by_email(session, email=email)
    if user is None:
        _mail_no_account(session, email=email, locale=locale)
    elif user.banned_at is not None:
        _mail_banned(session, user)
    else:
        _mail_reset(session, user, signer=signer, now=now)


def account_to_reset(session: Session, *, token: str, signer: LinkSigner, now: datetime) -> User:
    """
    Raises:
        DeadLink: forged, run out, or used.
    """
    return _account_behind(session, signer.read(Purpose.RESET_PASSWORD, token, now=now))


def reset_password(session: Session, *, token: str, password: str, signer: LinkSigner, now: datetime) -> User:
    """The account with its new password; every session and link of it has ended.

    The link came by mail, so it also confirms the address.

    Raises:
        DeadLink: as `account_to_reset`.
        InvalidInput: the password is refused.
    """
    user = _account_behind(session, signer.read(Purpose.RESET_PASSWORD, token, now=now), lock=True)
    _set_password(session, user, password, field="password")
    if user.email_confirmed_at is None:
        user.email_confirmed_at = now
    session.flush()
    return user


def change_password(session: Session, actor: Actor, *, current: str, new: str) -> User:
    """The account with its new password; its sessions elsewhere have ended.

    Raises:
        InvalidInput: the present password is wrong, or the new one is refused.
    """
    user = session.get_one(User, actor.user_id, with_for_update=True)
    if not is_password(current, hashed=user.password_hash):
        raise field_error("current", N_("This is not your present password."))
    _set_password(session, user, new, field="new")
    session.flush()
    return user


def change_profile(session: Session, actor: Actor, *, name: str, locale: str) -> None:
    user = session.get_one(User, actor.user_id)
    user.name, user.locale = name, locale
    session.flush()


def choose_locale(session: Session, actor: Actor, *, locale: str) -> None:
    """Remember the language a person chose, for pages on other devices and for mail."""
    user = session.get_one(User, actor.user_id)
    user.locale = locale
    session.flush()


def create_admin(session: Session, *, email: str, name: str, password: str, now: datetime) -> User:
    """An administrator's account, its address taken as confirmed.

    An account that exists becomes one: it keeps its name, gets the password, and its sessions end. A ban is lifted.

    Raises:
        InvalidInput: the password is refused.
    """
    require_good_password(password, email=email)
    user = user_by_email(session, email=email)
    if user is None:
        user = User(email=email, name=name, password_hash=hash_password(password), session_epoch=1)
        session.add(user)
    else:
        user.password_hash = hash_password(password)
        user.session_epoch += 1
    user.is_admin = True
    user.banned_at = user.ban_reason = None
    user.email_confirmed_at = user.email_confirmed_at or now
    session.flush()
    return user


def _account_of(session: Session, email: str) -> User:
    user = user_by_email(session, email=email)
    assert user is not None, "it was inserted, or was there before"
    session.refresh(user, with_for_update=True)  # two sign-ups of one address take turns
    return user


def _set_password(session: Session, user: User, password: str, *, field: str) -> None:
    if user.is_example:
        raise field_error(field, N_("This is an example account, so its password stays as it is for others to try."))
    require_good_password(password, email=user.email, field=field)
    user.password_hash = hash_password(password)
    user.session_epoch += 1
    send_mail(session, to=user.email, template="password_changed", locale=user.locale, context={"name": user.name})


def _waiting_account(session: Session, link: Link, *, lock: bool = False) -> User:
    user = _account_behind(session, link, lock=lock)
    if user.email_confirmed_at is not None:
        raise DeadLink(N_("This address is confirmed already. You can log in."))
    return user


def _account_behind(session: Session, link: Link, *, lock: bool = False) -> User:
    user = session.get(User, link.user_id, with_for_update=lock, populate_existing=lock)
    if user is None or user.banned_at is not None or fingerprint_of(user) != link.fingerprint:
        raise DeadLink(N_("This link has been used, or a newer one has taken its place."))
    return user


def _is_same_browser(link: Link, browser_key: str) -> bool:
    return bool(browser_key) and link.browser == shortened_hash(browser_key)


def _mail_confirmation(session: Session, user: User, *, browser_key: str, signer: LinkSigner, now: datetime) -> None:
    token = signer.sign(Purpose.CONFIRM_ADDRESS, user, now=now, browser_key=browser_key)
    context: dict[str, str | int] = {"name": user.name, "token": token}
    send_mail(session, to=user.email, template="confirm_address", locale=user.locale, context=context)


def _mail_reset(session: Session, user: User, *, signer: LinkSigner, now: datetime) -> None:
    token = signer.sign(Purpose.RESET_PASSWORD, user, now=now)
    context: dict[str, str | int] = {"name": user.name, "token": token}
    send_mail(session, to=user.email, template="reset_password", locale=user.locale, context=context)


def _mail_already_signed_up(session: Session, user: User) -> None:
    context: dict[str, str | int] = {"name": user.name, "email": user.email}
    send_mail(session, to=user.email, template="already_signed_up", locale=user.locale, context=context)


def _mail_banned(session: Session, user: User) -> None:
    context: dict[str, str | int] = {"name": user.name, "reason": user.ban_reason or ""}
    send_mail(session, to=user.email, template="account_banned", locale=user.locale, context=context)


def _mail_no_account(session: Session, *, email: str, locale: str) -> None:
    send_mail(session, to=email, template="no_account", locale=locale, context={"email": email})
