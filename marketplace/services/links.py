"""Mailed links that open something: signed, timed, and bound to what they were made for.

A link names an account and carries a fingerprint of its password hash and session epoch, so that it dies with the first
change of either: a new password makes every older link useless, and a reset link works once.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from itsdangerous import BadData, URLSafeSerializer

from marketplace.errors import NotFound
from marketplace.i18n_marker import N_
from marketplace.models import User

FINGERPRINT_LENGTH = 16
LONGEST_TOKEN = 1000


class Purpose(StrEnum):
    CONFIRM_ADDRESS = "confirm-address"
    RESET_PASSWORD = "reset-password"  # noqa: S105 - the name of a purpose
    CONFIRM_LISTINGS = "confirm-listings"
    ENQUIRY = "enquiry"
    UNSUBSCRIBE = "unsubscribe"
    """Never runs out, whatever becomes of the password: who wants no more mail must not have to log in."""


LASTS: dict[Purpose, timedelta] = {
    Purpose.CONFIRM_ADDRESS: timedelta(days=3),
    Purpose.RESET_PASSWORD: timedelta(hours=2),
    Purpose.CONFIRM_LISTINGS: timedelta(days=30),
}


class DeadLink(NotFound):
    message = N_("This link is not whole. Open it from the mail once more, or copy all of it.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """What a link of ours says: the account, the state it was in, and the browser that asked for it (hashed)."""

    user_id: int
    fingerprint: str
    browser: str


class LinkSigner:
    def __init__(self, secret_key: str) -> None:
        self._serializers = {
            purpose: URLSafeSerializer(
                secret_key, salt=f"masseflyt.{purpose}", signer_kwargs={"digest_method": hashlib.sha256}
            )
            for purpose in Purpose
        }

    def sign(self, purpose: Purpose, user: User, *, now: datetime, browser_key: str = "") -> str:
        ends = int((now + LASTS[purpose]).timestamp())
        return self.seal(purpose, [user.id, fingerprint_of(user), shortened_hash(browser_key), ends])

    def read(self, purpose: Purpose, token: str, *, now: datetime) -> Link:
        """What a token says.

        Raises:
            DeadLink: it was not made by us for this purpose, or its time has run out.
        """
        user_id, fingerprint, browser, ends = self.open(purpose, token)
        if now.timestamp() > ends:
            raise DeadLink(N_("This link has run out. Ask for a new one."))
        return Link(user_id=user_id, fingerprint=fingerprint, browser=browser)

    def seal(self, purpose: Purpose, fields: list[Any]) -> str:
        """A token that says these fields, for good."""
        return str(self._serializers[purpose].dumps(fields))

    def open(self, purpose: Purpose, token: str) -> list[Any]:
        """The fields of a token.

        Raises:
            DeadLink: it was not made by us for this purpose.
        """
        try:
            fields: list[Any] = self._serializers[purpose].loads(token[:LONGEST_TOKEN])
        except BadData:
            raise DeadLink from None
        return fields


def fingerprint_of(user: User) -> str:
    return shortened_hash(f"{user.id}:{user.email}:{user.session_epoch}:{user.password_hash}")


def shortened_hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:FINGERPRINT_LENGTH]
