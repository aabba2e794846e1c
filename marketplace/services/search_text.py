"""What free text search sees of a listing: one text, composed in one place, rewritten when any part of it changes."""

from decimal import Decimal

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import Session

from geo.materials import Fraction, Material, taxonomy
from marketplace.models import Facility, Listing, Municipality, Organisation, Project


def compose_search_text(
    *,
    material: Material,
    fraction: Fraction | None,
    description: str,
    project_name: str | None,
    builder: str | None,
    organisation_name: str,
    municipality_name: str,
    facility_name: str | None = None,
) -> str:
    """The words a listing is found by: both names of its material, and everything else that names it."""
    parts = (
        material.name_no,
        material.name_en,
        str(fraction) if fraction else None,
        project_name,
        builder,
        facility_name,
        organisation_name,
        municipality_name,
        description,
    )
    return "\n".join(part for part in parts if part)


def refresh_search_text(
    session: Session,
    *,
    listing_ids: tuple[int, ...] | None = None,
    project_id: int | None = None,
    organisation_id: int | None = None,
) -> int:
    """Rewrite the search text of the listings named, or of a project's, or of an organisation's; returns how many.

    To be called by whatever changes a part of it: the listing, the name of its project, its facility or its
    organisation, or the division of Norway.
    """
    scope: list[ColumnElement[bool]] = []
    if listing_ids is not None:
        scope.append(Listing.id.in_(listing_ids))
    if project_id is not None:
        scope.append(Listing.project_id == project_id)
    if organisation_id is not None:
        scope.append(Listing.organisation_id == organisation_id)
    if not scope:
        raise TypeError("say whose search text: listing_ids, project_id or organisation_id")
    session.flush()
    parts = (
        select(
            Listing.id,
            Listing.material_key,
            Listing.fraction_min_mm,
            Listing.fraction_max_mm,
            Listing.description,
            Project.name,
            Project.builder,
            Facility.name,
            Organisation.name,
            Municipality.name,
        )
        .join(Listing.organisation)
        .join(Listing.municipality)
        .outerjoin(Listing.project)
        .outerjoin(Listing.facility)
        .where(*scope)
        .order_by(Listing.id)
    )
    changes = [
        {
            "id": listing_id,
            "search_text": compose_search_text(
                material=taxonomy().material(material_key),
                fraction=_fraction(least, most),
                description=description,
                project_name=project_name,
                builder=builder,
                facility_name=facility_name,
                organisation_name=organisation_name,
                municipality_name=municipality_name,
            ),
        }
        for (
            listing_id,
            material_key,
            least,
            most,
            description,
            project_name,
            builder,
            facility_name,
            organisation_name,
            municipality_name,
        ) in session.execute(parts)
    ]
    if changes:
        session.execute(update(Listing), changes)
    return len(changes)


def _fraction(lower_mm: Decimal | None, upper_mm: Decimal | None) -> Fraction | None:
    return None if lower_mm is None or upper_mm is None else Fraction(lower_mm=lower_mm, upper_mm=upper_mm)
