"""What a page of photos and documents says of the listing, project or facility that they belong to."""

from dataclasses import dataclass

from flask import url_for

from marketplace.filters import tonnes
from marketplace.labels import material_name
from marketplace.models import Facility, Listing, Project


@dataclass(frozen=True, slots=True, kw_only=True)
class SubjectHead:
    name: str
    note: str
    url: str
    crumbs: tuple[tuple[str, str], ...]
    """The pages above it, and its own."""


def head_of(subject: Listing | Project | Facility) -> SubjectHead:
    match subject:
        case Listing():
            name = material_name(subject.material_key)
            url = url_for("listings.show", listing_id=subject.id)
            above = (
                ((subject.project.name, url_for("projects.show", project_id=subject.project_id)),)
                if subject.project
                else ()
            )
            return SubjectHead(
                name=name,
                note=f"{tonnes(subject.mass_t)}, {subject.municipality.name}",
                url=url,
                crumbs=(*above, (name, url)),
            )
        case Project():
            url = url_for("projects.show", project_id=subject.id)
            return SubjectHead(
                name=subject.name, note=subject.municipality.name, url=url, crumbs=((subject.name, url),)
            )
        case Facility():
            url = url_for("facilities.show", facility_id=subject.id)
            return SubjectHead(
                name=subject.name, note=subject.municipality.name, url=url, crumbs=((subject.name, url),)
            )
