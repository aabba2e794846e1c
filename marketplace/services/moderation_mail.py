"""Who is told of a moderator's decision, and what every moderator's text must be."""

from collections.abc import Iterable, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.actor import Actor
from marketplace.errors import Forbidden, InvalidInput
from marketplace.models import Membership, Organisation, User
from marketplace.services.editing import text_problems
from marketplace.services.mail import send_mail
from marketplace.text import clean_text
from marketplace.types import Role

LONGEST_TEXT = 2_000


def require_administrator(actor: Actor) -> int:
    """The id of the acting administrator.

    Raises:
        Forbidden: the actor is none.
    """
    if not actor.is_admin or actor.user_id is None:
        raise Forbidden
    return actor.user_id


def text_from(text: str, *, field: str, missing: str | None = None) -> str:
    """The text as it is kept.

    Raises:
        InvalidInput: it is too long, or empty where `missing` says that it must not be.
    """
    text = clean_text(text)
    problems = tuple(text_problems(text, field=field, limit=LONGEST_TEXT, missing=missing))
    if problems:
        raise InvalidInput(*problems)
    return text


def owners_of(session: Session, *, organisation_id: int) -> Sequence[User]:
    """The owners of an organisation who can read mail of ours."""
    return session.scalars(
        select(User)
        .join(User.memberships)
        .where(Membership.organisation_id == organisation_id, Membership.role == Role.OWNER)
        .where(User.email_confirmed_at.is_not(None), User.banned_at.is_(None))
        .order_by(User.id)
    ).all()


def tell(
    session: Session, people: Iterable[User], *, template: str, organisation: Organisation, **context: str | int
) -> None:
    """Mail each of the people something about an organisation of theirs."""
    for user in people:
        send_mail(
            session,
            to=user.email,
            template=template,
            locale=user.locale,
            context={
                "name": user.name,
                "organisation_id": organisation.id,
                "organisation": organisation.name,
                **context,
            },
        )
