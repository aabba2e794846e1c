"""A generated set of any size for trying scale: projects clustered as people are, each with some listings.

The same `seed` on the same gazetteer, taxonomy and day gives the same projects and listings. Everything is marked as
an example. Loaded with COPY into the tables as they are, so that every constraint holds and every index is kept.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from psycopg import Cursor, sql
from sqlalchemy import func, select
from sqlalchemy import text as sql_text
from sqlalchemy.orm import Session

from geo.units import SRID_STORED
from marketplace.clock import local_date
from marketplace.errors import DomainError
from marketplace.i18n_marker import N_
from marketplace.models import GazetteerPlace, Municipality, Organisation, User
from marketplace.services.audit import unlogged
from marketplace.services.example_numbers import SCALE_SERIES
from marketplace.services.gazetteer import GEONAMES
from marketplace.services.scale_draws import (
    Bools,
    Floats,
    Ints,
    Places,
    Rng,
    draw_listings,
    draw_project_sizes,
    scatter,
)
from marketplace.services.scale_receptions import copy_receptions, draw_facilities, receptions_among
from marketplace.services.scale_rows import Sites, copy_listings, copy_organisations, copy_projects

GENERATED_TABLES: Final = ("organisation", "project", "facility", "listing")
LISTINGS_PER_ORGANISATION: Final = 60
OWN_PIN_SHARE: Final = 0.2
OWN_PIN_REACH_M: Final = 700.0
MOST_ROUNDS: Final = 50
OWNER_EMAIL: Final = "skala@masseflyt.example"
UNUSABLE_PASSWORD: Final = "!"  # noqa: S105 - no hash looks like this, so nobody can log in with it


class NothingToSpreadOver(DomainError):
    """The reference data has not been loaded into this database."""

    message = N_("The gazetteer and the municipalities are not in the database yet. Run masseflyt migrate first.")


@dataclass(frozen=True, slots=True, kw_only=True)
class ScaleLoaded:
    """How many rows a generated set came to."""

    organisations: int
    projects: int
    listings: int


def load_scale(session: Session, *, listings: int, now: datetime, seed: int = 1) -> ScaleLoaded:
    """Add a generated set of `listings` listings, their projects, facilities and organisations.

    The audit log says that it was done, and not each row.

    Raises:
        NothingToSpreadOver: the gazetteer or the municipality polygons are missing.
    """
    session.execute(sql_text("SET LOCAL statement_timeout = 0"))  # a large load is slow, and no page waits for it
    rng = np.random.default_rng(seed)
    receptions = receptions_among(listings)
    places = _places(session)
    owner_id = _owner(session)
    last_number = _last_number(session)
    municipality_names = {
        row.number: row.name for row in session.execute(select(Municipality.number, Municipality.name))
    }
    driver_connection: Any = session.connection().connection.driver_connection
    what = f"generated: {listings} listings and what they belong to"
    with unlogged(session, *GENERATED_TABLES, reason=what), driver_connection.cursor() as cursor:
        organisations = copy_organisations(
            cursor, rng, count=2 + listings // LISTINGS_PER_ORGANISATION, after=last_number
        )
        _prepare_land(cursor)
        sizes = draw_project_sizes(rng, listings=listings - receptions)
        sites = _sites(cursor, rng, places, count=len(sizes))
        projects = copy_projects(cursor, rng, places, sites, organisations, owner_id=owner_id, now=now)
        of_project = np.repeat(np.arange(len(sizes)), sizes)
        pins, has_own = _pins(cursor, rng, sites, of_project=of_project)
        drawn = draw_listings(rng, today=local_date(now), count=listings - receptions)
        copy_listings(
            cursor,
            rng,
            drawn,
            pins,
            projects,
            of_project=of_project,
            has_own=has_own,
            municipality_names=municipality_names,
            owner_id=owner_id,
            now=now,
        )
        facilities = draw_facilities(rng, receptions=receptions)
        if facilities:
            copy_receptions(
                cursor,
                rng,
                facilities,
                _sites(cursor, rng, places, count=len(facilities)),
                organisations,
                municipality_names=municipality_names,
                owner_id=owner_id,
                now=now,
            )
        cursor.execute("DROP TABLE scale_land")
        _refresh_statistics(cursor)
    return ScaleLoaded(organisations=len(organisations.ids), projects=len(sizes), listings=listings)


# Where -----------------------------------------------------------------------------------------------------------


def _places(session: Session) -> Places:
    query = (
        select(
            GazetteerPlace.name,
            func.ST_X(GazetteerPlace.position_25833),
            func.ST_Y(GazetteerPlace.position_25833),
            func.coalesce(GazetteerPlace.population, 0),
        )
        # A place has one more row for each other name it goes by, told by a colon in the key.
        .where(GazetteerPlace.source == GEONAMES, ~GazetteerPlace.source_key.contains(":"))
        .order_by(GazetteerPlace.source_key)
    )
    rows = session.execute(query).all()
    if not rows:
        raise NothingToSpreadOver
    names, x, y, population = zip(*rows, strict=True)
    return Places(names=names, x=np.array(x), y=np.array(y), population=np.array(population, dtype=float))


def _prepare_land(cursor: Cursor[Any]) -> None:
    """Cut the municipalities into small pieces, so that a point is compared with dozens of vertices, not thousands."""
    cursor.execute(
        "CREATE TEMPORARY TABLE scale_land ON COMMIT DROP AS"
        " SELECT number, ST_Subdivide(area_25833, 64) AS area_25833 FROM municipality WHERE area_25833 IS NOT NULL"
    )
    cursor.execute("CREATE INDEX ON scale_land USING gist (area_25833)")
    cursor.execute("ANALYZE scale_land")


def _municipalities(cursor: Cursor[Any], x: Floats, y: Floats) -> NDArray[np.str_]:
    """The municipality number of each position; "" in the sea and abroad."""
    cursor.execute(
        "SELECT point.n - 1, min(land.number)"
        " FROM unnest(%s::float8[], %s::float8[]) WITH ORDINALITY AS point (x, y, n)"
        " JOIN scale_land AS land"
        " ON ST_Intersects(land.area_25833, ST_SetSRID(ST_MakePoint(point.x, point.y), %s)) GROUP BY point.n",
        (x.tolist(), y.tolist(), SRID_STORED),
    )
    found = np.full(len(x), "", dtype="<U4")
    for n, number in cursor:
        found[n] = number
    return found


def _sites(cursor: Cursor[Any], rng: Rng, places: Places, *, count: int) -> Sites:
    """`count` project sites on land, near places with people; half as many again are tried a round."""
    rounds: list[tuple[Floats, Floats, NDArray[np.str_], Ints]] = []
    missing = count
    for _ in range(MOST_ROUNDS):
        if not missing:
            break
        place, x, y = scatter(rng, places, count=missing + missing // 2 + 8)
        municipality = _municipalities(cursor, x, y)
        on_land = np.flatnonzero(municipality != "")[:missing]
        rounds.append((x[on_land], y[on_land], municipality[on_land], place[on_land]))
        missing -= len(on_land)
    if missing:
        raise NothingToSpreadOver
    x, y, municipality, place = (np.concatenate(parts) for parts in zip(*rounds, strict=True))
    return Sites(x=x, y=y, municipality=municipality, place=place)


def _pins(cursor: Cursor[Any], rng: Rng, sites: Sites, *, of_project: Ints) -> tuple[Sites, Bools]:
    """Each listing's position: its project's, or a pin of its own nearby where that is on land."""
    has_own = rng.random(len(of_project)) < OWN_PIN_SHARE
    x, y, municipality = sites.x[of_project], sites.y[of_project], sites.municipality[of_project]
    moved = np.flatnonzero(has_own)
    new_x = np.round(x[moved] + rng.uniform(-OWN_PIN_REACH_M, OWN_PIN_REACH_M, size=len(moved)), 1)
    new_y = np.round(y[moved] + rng.uniform(-OWN_PIN_REACH_M, OWN_PIN_REACH_M, size=len(moved)), 1)
    found = _municipalities(cursor, new_x, new_y)
    on_land = found != ""
    x[moved[on_land]], y[moved[on_land]] = new_x[on_land], new_y[on_land]
    municipality[moved[on_land]] = found[on_land]
    has_own[moved[~on_land]] = False
    return Sites(x=x, y=y, municipality=municipality, place=sites.place[of_project]), has_own


# Who -------------------------------------------------------------------------------------------------------------


def _owner(session: Session) -> int:
    """The account that stands as the author of generated rows; never confirmed, so that it opens nothing."""
    user = session.scalar(select(User).where(func.lower(User.email) == OWNER_EMAIL))
    if user is None:
        user = User(
            email=OWNER_EMAIL,
            name="Generert eksempel",
            password_hash=UNUSABLE_PASSWORD,
            is_example=True,
        )
        session.add(user)
        session.flush()
    return user.id


def _last_number(session: Session) -> str | None:
    """The highest number of the series that an earlier generated set has used."""
    numbers = select(func.max(Organisation.org_number)).where(Organisation.org_number.startswith(SCALE_SERIES))
    return session.scalar(numbers)


def _refresh_statistics(cursor: Cursor[Any]) -> None:
    """Tell the planner what came, and empty the waiting lists of the text indexes before the first search has to."""
    for table in ("organisation", "project", "facility", "listing"):
        cursor.execute(sql.SQL("ANALYZE {}").format(sql.Identifier(table)))
    for index in ("ix_listing_search_vector", "ix_listing_search_text"):
        cursor.execute("SELECT gin_clean_pending_list(%s::regclass)", (index,))
