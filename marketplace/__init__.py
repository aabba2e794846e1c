"""Masseflyt: a marketplace for clean surplus masses."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask
    from sqlalchemy import Connection, Engine

    from marketplace.config import Settings

__all__ = ["create_app"]


def create_app(
    settings: "Settings | None" = None, *, bind: "Engine | Connection | None" = None, testing: bool = False
) -> "Flask":
    """The web application on `settings` (the environment's where None) and `bind` (a new engine where None)."""
    from marketplace.app import build_app

    return build_app(settings, bind=bind, testing=testing)
