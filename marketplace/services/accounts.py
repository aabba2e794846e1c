"""Accounts: signing up, logging in, and what people change about themselves."""

from sqlalchemy.orm import Session

from marketplace.actor import Actor
from marketplace.models import User


def choose_locale(session: Session, actor: Actor, *, locale: str) -> None:
    """Remember the language a person chose, for pages on other devices and for mail."""
    user = session.get_one(User, actor.user_id)
    user.locale = locale
    session.flush()
