"""Facts about this database itself."""

from uuid import UUID

from sqlalchemy import CheckConstraint, String, text
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.models.base import Base
from marketplace.types import Moment


class Installation(Base):
    """The one row that says what this database is; a demo database says so on every page.

    `position_secret` is what hidden positions are moved by (`queries.positions`): who knows it can move them back, and
    with another one the same place would be moved another way, so that the two together gave it away.
    """

    __tablename__ = "installation"
    __table_args__ = (CheckConstraint("id = 1", name="single_row"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    is_demo: Mapped[bool] = mapped_column(server_default=text("false"))
    demo_loaded_at: Mapped[Moment | None]
    reference_hash: Mapped[str | None] = mapped_column(String(64))
    position_secret: Mapped[UUID] = mapped_column(server_default=text("gen_random_uuid()"), deferred=True)


class Throttle(Base):
    """How often something was tried in a window of time, counted across all server processes."""

    __tablename__ = "throttle"

    key: Mapped[str] = mapped_column(String(200), primary_key=True)
    window_started_at: Mapped[Moment] = mapped_column(primary_key=True)
    hits: Mapped[int]
