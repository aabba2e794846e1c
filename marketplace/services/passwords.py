"""Passwords: what may be one, and how it is kept (Argon2id).

Length is what counts; the only other demand is that it is not one of the first things anybody would try (NIST SP
800-63B, section 3.1.1.2: a list of what is commonly used, expected or compromised; no rules of composition).
"""

import string
import unicodedata
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from marketplace.errors import InvalidInput, field_error
from marketplace.i18n_marker import N_

SHORTEST = 12
LONGEST = 128
FEWEST_DIFFERENT = 5
COMMON_WORDS = frozenset(
    """
    abcdefghijkl admin administrator asdfghjkl asdfghjkløæ asfalt bygg default dragon entreprenør fotball football
    hemmelig hemmelighet iloveyou kommune kommunen letmein liverpool login manchester masse masseflyt masser monkey
    norge passord passordet password princess qwerty qwertyuiop qwertyuiopå secret sommer starwars sunshine superman
    test testing velkommen vinter welcome whatever zxcvbnm anlegg bergen oslo stavanger trondheim trustno1 changeme
    """.split()  # noqa: SIM905 - a list this long reads better as text
)
"""Words that the most used passwords are built on, here and in English, and what is near at hand in this trade."""
ROWS = ("01234567890123456789", "09876543210987654321", "abcdefghijklmnopqrstuvwxyz", "qwertyuiopasdfghjklzxcvbnm")
DECORATION = string.digits + string.punctuation + string.whitespace

_hasher = PasswordHasher()


def hash_password(password: str) -> str:
    return _hasher.hash(_composed(password))


def is_password(password: str, *, hashed: str) -> bool:
    try:
        return _hasher.verify(hashed, _composed(password))
    except (VerificationError, InvalidHashError):
        return False


def is_outdated(hashed: str) -> bool:
    """Whether the hash was made with weaker parameters than those of today."""
    return _hasher.check_needs_rehash(hashed)


@cache
def _hash_of_nothing() -> str:
    return hash_password("there is no such account")


def spend_as_long(password: str) -> None:
    """Take as long as checking a password would, for when there is no account to check it against."""
    is_password(password, hashed=_hash_of_nothing())


def require_good_password(password: str, *, email: str, field: str = "password") -> None:
    """
    Raises:
        InvalidInput: too short, too long, or among the first that anybody would try.
    """
    refusal = _refusal(password, email=email, field=field)
    if refusal is not None:
        raise refusal


def _refusal(password: str, *, email: str, field: str) -> InvalidInput | None:
    if len(password) < SHORTEST:
        return field_error(field, N_("Use at least %(minimum)s characters."), minimum=SHORTEST)
    if len(password) > LONGEST:
        return field_error(field, N_("Use at most %(maximum)s characters."), maximum=LONGEST)
    folded = password.casefold()
    local, _, domain = email.casefold().partition("@")
    near = {_core(part) for part in (email.casefold(), local, domain, domain.partition(".")[0])}
    if _core(folded) in near - {""}:
        return field_error(field, N_("This is too close to your e-mail address."))
    if is_easily_guessed(folded):
        return field_error(field, N_("Anybody would guess this among the first. Three or four words work well."))
    return None


def is_easily_guessed(folded: str) -> bool:
    """Few different characters, a row of keys, or a common word (or several) with decoration."""
    if len(set(folded)) < FEWEST_DIFFERENT or any(folded in row * 2 for row in ROWS):
        return True
    core = _core(folded)
    if core in COMMON_WORDS or not core:
        return True
    half, odd = divmod(len(core), 2)
    return not odd and core[:half] == core[half:] and core[:half] in COMMON_WORDS


def _composed(password: str) -> str:
    """One spelling for what keyboards compose differently: an å can be one sign, or an a and a ring."""
    return unicodedata.normalize("NFKC", password)


def _core(text: str) -> str:
    """The text without digits, punctuation and spaces around it."""
    return text.strip(DECORATION)
