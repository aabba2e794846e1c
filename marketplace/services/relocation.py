"""Working out again which municipality everything lies in, after the division changed."""

from geoalchemy2 import WKBElement
from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from marketplace.models import Deal, Facility, GazetteerPlace, Listing, Project
from marketplace.queries.municipalities import covering_number, nearest_number

type Located = type[Facility] | type[GazetteerPlace] | type[Listing] | type[Project]


def relocate(session: Session, table: Located) -> tuple[int, ...]:
    """Set the municipality of every row by its position; returns the ids of those that changed.

    A row that lies in no municipality, and near none, keeps the one it has. A listing that hides its position lies
    where it really is, not where it is shown.
    """
    position: ColumnElement[WKBElement] = table.position_25833.expression
    if table is Listing:
        position = func.coalesce(Listing.exact_position_25833, Listing.position_25833)
    return _relocate(session, table, position=position, number=table.municipality_number)


def relocate_deals(session: Session) -> tuple[int, ...]:
    """Set the municipalities of both ends of every deal, as `relocate`; the sums of its loads move along by trigger."""
    origins = _relocate(
        session, Deal, position=Deal.origin_position_25833.expression, number=Deal.origin_municipality_number
    )
    destinations = _relocate(
        session, Deal, position=Deal.destination_position_25833.expression, number=Deal.destination_municipality_number
    )
    return tuple(sorted({*origins, *destinations}))


def _relocate(
    session: Session,
    table: Located | type[Deal],
    *,
    position: ColumnElement[WKBElement],
    number: InstrumentedAttribute[str] | InstrumentedAttribute[str | None],
) -> tuple[int, ...]:
    lookup = (
        select(
            table.id,
            func.coalesce(
                covering_number(position).correlate(table).scalar_subquery(),
                nearest_number(position, of_table=table).scalar_subquery(),
            ).label("number"),
        )
        .select_from(table)
        .subquery()
    )
    moved = session.scalars(
        update(table)
        .values({number: lookup.c.number})
        .where(table.id == lookup.c.id, lookup.c.number.is_not(None))
        .where(number.is_distinct_from(lookup.c.number))
        .returning(table.id)
        .execution_options(synchronize_session=False)
    )
    return tuple(sorted(moved))
