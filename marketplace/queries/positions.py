"""Where things are, for those who may know it exactly and for everybody else.

A listing that hides its position stands, in `position_25833`, up to `geo.geometry.BLUR_RADIUS_M` from where it is:
what searches, measures and draws reads that column and cannot give the place away. A project's own place is hidden with
them (`permissions.shows_position`), and moved the same way.
"""

from functools import cached_property
from uuid import UUID

import shapely
from geoalchemy2 import WKBElement
from geoalchemy2.shape import to_shape
from sqlalchemy import select
from sqlalchemy.orm import Session

from geo.crs import from_stored, to_stored
from geo.geometry import Position, blur_position
from marketplace.models import Installation, Listing, Project


class Blur:
    """Moves hidden places of an organisation, each in the same way every time.

    The key names the organisation: its projects and listings at one place are moved to one place, so that several do
    not average to the true one, while nobody else learns by trying where a place of theirs would be moved to.
    """

    def __init__(self, session: Session, *, organisation_id: int) -> None:
        self._session, self._organisation_id = session, organisation_id

    @cached_property
    def _key(self) -> bytes:
        secret: UUID = self._session.scalars(select(Installation.position_secret)).one()
        return secret.bytes + f"organisation:{self._organisation_id}".encode()

    def position(self, position: Position) -> Position:
        """The place that stands for a hidden one."""
        return blur_position(position, key=self._key)

    def point_25833(self, point_25833: shapely.Point) -> shapely.Point:
        """The same, as the database keeps it."""
        blurred = self.position(_degrees(point_25833))
        return to_stored(shapely.Point(blurred.lon, blurred.lat))


def blurred_position_of_project(session: Session, project: Project) -> Position:
    """The place that stands for a project's own: the one its listings show that hide it."""
    return Blur(session, organisation_id=project.organisation_id).position(_read(project.position_25833))


def exact_position_of(listing: Listing) -> Position:
    """Where a listing really is, for those who may know it."""
    exact = listing.exact_position_25833 if listing.hides_position else None
    return _read(listing.position_25833 if exact is None else exact)


def _read(point_25833: WKBElement) -> Position:
    point = to_shape(point_25833)
    assert isinstance(point, shapely.Point)
    return _degrees(point)


def _degrees(point_25833: shapely.Point) -> Position:
    point = from_stored(point_25833)
    return Position(lon=point.x, lat=point.y)
