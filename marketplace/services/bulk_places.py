"""What the rows of a chunk refer to, looked up for all of them at once."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import shapely
from geoalchemy2.shape import to_shape
from shapely import Point
from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from geo.crs import to_stored
from geo.geometry import Position
from marketplace.models import Facility, Municipality, Project
from marketplace.queries.municipalities import locate_municipalities_25833


@dataclass(slots=True)
class NamedProjects:
    """The projects of an organisation that some rows name, by their ids and by their names in small letters."""

    by_id: dict[int, Project]
    by_name: dict[str, list[Project]]

    @classmethod
    def of(cls, session: Session, names: Iterable[str], *, organisation_id: int) -> "NamedProjects":
        wanted = {name.casefold() for name in names if name}
        if not wanted:
            return cls({}, {})
        numbers = [int(name) for name in wanted if is_project_number(name)]
        query = (
            select(Project)
            .where(Project.organisation_id == organisation_id)
            .where(or_(func.lower(Project.name).in_(wanted), Project.id.in_(numbers)))
            .order_by(Project.id)
        )
        by_id: dict[int, Project] = {}
        by_name: dict[str, list[Project]] = {}
        for project in session.scalars(query):
            by_id[project.id] = project
            by_name.setdefault(project.name.casefold(), []).append(project)
        return cls(by_id, by_name)

    def found(self, name: str) -> Sequence[Project]:
        """The projects that a cell may mean: by its name, else by the number in its address."""
        named = self.by_name.get(name.casefold(), [])
        if named or not is_project_number(name):
            return named
        numbered = self.by_id.get(int(name))
        return [numbered] if numbered is not None else []


@dataclass(slots=True)
class NamedFacilities:
    """The facilities that some rows name, by their ids and by their names in small letters."""

    by_id: dict[int, Facility]
    by_name: dict[str, list[Facility]]

    @classmethod
    def of(cls, session: Session, names: Iterable[str]) -> "NamedFacilities":
        wanted = {name.casefold() for name in names if name}
        if not wanted:
            return cls({}, {})
        numbers = [int(name) for name in wanted if is_project_number(name)]
        query = (
            select(Facility)
            .where(or_(func.lower(Facility.name).in_(wanted), Facility.id.in_(numbers)))
            .order_by(Facility.id)
        )
        by_id: dict[int, Facility] = {}
        by_name: dict[str, list[Facility]] = {}
        for facility in session.scalars(query):
            by_id[facility.id] = facility
            by_name.setdefault(facility.name.casefold(), []).append(facility)
        return cls(by_id, by_name)

    def found(self, name: str) -> Sequence[Facility]:
        """The facilities that a cell may mean: by its name, else by the number in its address."""
        named = self.by_name.get(name.casefold(), [])
        if named or not is_project_number(name):
            return named
        numbered = self.by_id.get(int(name))
        return [numbered] if numbered is not None else []


def is_project_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and 0 < len(text) < 19


@dataclass(slots=True)
class ManyPlaces:
    """`services.listing_details.Places` for many listings: the municipalities are found with one statement."""

    projects: Mapping[int, Project]
    facilities: Mapping[int, Facility] = field(default_factory=dict)
    points: dict[Position, Point] = field(default_factory=dict)
    municipalities: dict[bytes, Municipality] = field(default_factory=dict)
    """By the well-known binary of the point."""

    @classmethod
    def of(
        cls,
        session: Session,
        positions: Iterable[Position],
        *,
        projects: Mapping[int, Project],
        used: Iterable[int],
        facilities: Mapping[int, Facility] | None = None,
    ) -> "ManyPlaces":
        """`used` are the ids of the projects whose own place a listing takes."""
        distinct = list(dict.fromkeys(positions))
        points = dict(zip(distinct, _stored(distinct), strict=True))
        at_projects = [_point_of(projects[each]) for each in set(used)]
        found = locate_municipalities_25833(session, [*points.values(), *at_projects])
        return cls(
            projects=projects,
            facilities=facilities or {},
            points=points,
            municipalities={point.wkb: found[point] for point in found},
        )

    def project(self, project_id: int) -> Project | None:
        return self.projects.get(project_id)

    def stored(self, position: Position) -> Point:
        return self.points[position]

    def municipality_at(self, point_25833: Point) -> Municipality | None:
        return self.municipalities.get(point_25833.wkb)

    def facility(self, facility_id: int) -> Facility | None:
        return self.facilities.get(facility_id)


def _point_of(project: Project) -> Point:
    point = to_shape(project.position_25833)
    assert isinstance(point, Point)
    return point


def _stored(positions: Sequence[Position]) -> list[Point]:
    """All points are moved at once: calling PROJ is what takes time."""
    together = to_stored(shapely.MultiPoint([(each.lon, each.lat) for each in positions]))
    return list(together.geoms)
