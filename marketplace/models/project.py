"""Projects: the places masses come from and go to."""

from datetime import date
from typing import TYPE_CHECKING

from geoalchemy2 import WKBElement
from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace.models.account import Organisation
from marketplace.models.base import Base, geometry_column_type
from marketplace.models.municipality import Municipality
from marketplace.types import CreatedAt, Day, Id, LongText, Moment, ProjectKind, ShortText, enum_column

if TYPE_CHECKING:
    from marketplace.models.listing import Listing


class Project(Base):
    """A building or civil-engineering project.

    `site_25833` is the point or polygon that was drawn; `position_25833` a point on it, which listings start from.
    `position_accuracy_m` says how far off a position from a published source may be, None where a person drew it.

    There may be thousands of listings: what they say of the project is read by `has_open_listings` and `shows_site`.
    The site is shown unless a published listing hides its position, and even then by one on it that does not.
    """

    __tablename__ = "project"
    __table_args__ = (
        CheckConstraint("ends_on >= starts_on", name="period"),
        Index("ix_project_site_25833", "site_25833", postgresql_using="gist"),
        Index("ix_project_position_25833", "position_25833", postgresql_using="gist"),
    )

    id: Mapped[Id]
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    name: Mapped[ShortText]
    kind: Mapped[ProjectKind] = mapped_column(enum_column(ProjectKind, "kind"))
    builder: Mapped[ShortText]
    description: Mapped[LongText] = mapped_column(server_default="")
    site_25833: Mapped[WKBElement] = mapped_column(geometry_column_type("GEOMETRY"))
    position_25833: Mapped[WKBElement] = mapped_column(geometry_column_type("POINT"))
    position_accuracy_m: Mapped[int | None]
    municipality_number: Mapped[str] = mapped_column(ForeignKey("municipality.number"), index=True)
    starts_on: Mapped[Day]
    ends_on: Mapped[Day]
    source: Mapped[LongText | None]
    is_example: Mapped[bool] = mapped_column(server_default=text("false"))
    created_by_id: Mapped[int] = mapped_column(ForeignKey("app_user.id"), index=True)
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[Moment | None]

    organisation: Mapped[Organisation] = relationship()
    municipality: Mapped[Municipality] = relationship()
    listings: Mapped[list["Listing"]] = relationship(back_populates="project", lazy="raise")

    if TYPE_CHECKING:  # mapped in models.listing, whose columns they are read from
        has_open_listings: Mapped[bool]
        shows_site: Mapped[bool]

    @property
    def period(self) -> tuple[date, date]:
        return self.starts_on, self.ends_on
