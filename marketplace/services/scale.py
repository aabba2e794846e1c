"""A generated set of any size for trying scale: projects clustered as people are, each with some listings.

The same `seed` on the same gazetteer, taxonomy and day gives the same projects and listings. Everything is marked as
an example. Loaded with COPY into the tables as they are, so that every constraint holds and every index is kept.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

import numpy as np
import shapely
from numpy.typing import NDArray
from psycopg import Cursor, sql
from sqlalchemy import func, select
from sqlalchemy import text as sql_text
from sqlalchemy.orm import Session

from geo.units import SRID_STORED
from marketplace.clock import local_date
from marketplace.errors import DomainError
from marketplace.i18n_marker import N_
from marketplace.models import GazetteerPlace, Organisation, User
from marketplace.services.example_numbers import SCALE_SERIES, example_org_numbers
from marketplace.services.scale_draws import (
    Bools,
    Cells,
    Floats,
    Ints,
    ListingDraws,
    Places,
    Rng,
    choose,
    draw_listings,
    draw_moments,
    draw_project_sizes,
    draw_smallest_lots,
    material_draws,
    scatter,
)
from marketplace.types import Haulage, ListingKind, ListingStatus, Loading, OrganisationKind, ProjectKind

LISTINGS_PER_ORGANISATION: Final = 60
OWN_PIN_SHARE: Final = 0.2
OWN_PIN_REACH_M: Final = 700.0
MOST_ROUNDS: Final = 50
GAZETTEER_SOURCE: Final = "geonames"
OWNER_EMAIL: Final = "skala@masseflyt.example"
UNUSABLE_PASSWORD: Final = "!"  # noqa: S105 - no hash looks like this, so nobody can log in with it

STATUS_SHARES: Final = {
    ListingStatus.PUBLISHED: 0.94,
    ListingStatus.DRAFT: 0.02,
    ListingStatus.PAUSED: 0.02,
    ListingStatus.CLOSED: 0.02,
}
LOADING_SHARES: Final = {Loading.GIVER: 0.6, Loading.TAKER: 0.1, Loading.BY_AGREEMENT: 0.3}
HAULAGE_SHARES: Final = {Haulage.GIVER: 0.2, Haulage.TAKER: 0.4, Haulage.BY_AGREEMENT: 0.4}
DISTANCE_SHARES_KM: Final = {None: 5, "10": 1, "15": 2, "20": 2, "30": 3, "40": 2, "60": 1}
PROJECT_KINDS: Final = {
    ProjectKind.BUILDING: (0.42, ("Boligfelt", "Skolebygg", "Næringsbygg", "Sykehjem", "Idrettshall")),
    ProjectKind.ROAD: (0.22, ("Fylkesvei", "Gang- og sykkelvei", "Rundkjøring", "Atkomstvei")),
    ProjectKind.WATER: (0.14, ("Vannledning", "Overvannsanlegg", "Renseanlegg", "Høydebasseng")),
    ProjectKind.OTHER: (0.09, ("Park", "Idrettsplass", "Gravplass", "Støyvoll")),
    ProjectKind.TUNNEL: (0.04, ("Veitunnel", "Gangtunnel")),
    ProjectKind.RAIL: (0.04, ("Hensettingsanlegg", "Dobbeltspor")),
    ProjectKind.ENERGY: (0.04, ("Trafostasjon", "Fjernvarme", "Vindpark")),
    ProjectKind.MINERAL_EXTRACTION: (0.01, ("Grustak",)),
}
ORGANISATION_KINDS: Final = {
    OrganisationKind.CONTRACTOR: (0.62, "Eksempel Maskin {} AS"),
    OrganisationKind.DEVELOPER: (0.22, "Eksempel Utbygging {} AS"),
    OrganisationKind.MUNICIPALITY: (0.06, "Eksempel kommunalteknikk {}"),
    OrganisationKind.FACILITY_OPERATOR: (0.05, "Eksempel Massemottak {} AS"),
    OrganisationKind.HAULIER: (0.05, "Eksempel Transport {} AS"),
}
SURPLUS_TEXTS: Final = (
    "Rene masser fra byggegrop. Ring anleggsleder før henting.",
    "Ligger i haug på tomta og kan hentes på dagtid.",
    "Tas ut fortløpende, om lag ti billass om dagen.",
    "Kjørevei for semitrailer helt frem.",
    "Prøvetatt, rapport sendes på forespørsel.",
    "",
)
DEMAND_TEXTS: Final = (
    "Til oppfylling. Leveres på dagtid i uka.",
    "Tas imot så snart planeringen er ferdig.",
    "Må være fri for røtter og avfall.",
    "Mottak med vekt, sju til fire.",
    "Tas imot i flere omganger etter avtale.",
    "",
)


class NothingToSpreadOver(DomainError):
    """The reference data has not been loaded into this database."""

    message = N_("The gazetteer and the municipalities are not in the database yet. Run masseflyt migrate first.")


@dataclass(frozen=True, slots=True, kw_only=True)
class ScaleLoaded:
    """How many rows a generated set came to."""

    organisations: int
    projects: int
    listings: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sites:
    """Positions on land in EPSG:25833, with the municipality each lies in and the place it was drawn around."""

    x: Floats
    y: Floats
    municipality: NDArray[np.str_]
    place: Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class Projects:
    """The projects that were loaded, one a site: their ids, the organisations that hold them, their names."""

    ids: Ints
    organisation_ids: Ints
    names: Cells


def load_scale(session: Session, *, listings: int, now: datetime, seed: int = 1) -> ScaleLoaded:
    """Add a generated set of `listings` listings, their projects and organisations.

    Raises:
        NothingToSpreadOver: the gazetteer or the municipality polygons are missing.
    """
    session.execute(sql_text("SET LOCAL statement_timeout = 0"))  # a large load is slow, and no page waits for it
    rng = np.random.default_rng(seed)
    places = _places(session)
    owner_id = _owner(session, now=now)
    last_number = _last_number(session)
    driver_connection: Any = session.connection().connection.driver_connection
    with driver_connection.cursor() as cursor:
        organisations = _copy_organisations(
            cursor, rng, count=2 + listings // LISTINGS_PER_ORGANISATION, after=last_number
        )
        _prepare_land(cursor)
        sizes = draw_project_sizes(rng, listings=listings)
        sites = _sites(cursor, rng, places, count=len(sizes))
        projects = _copy_projects(cursor, rng, places, sites, organisations, owner_id=owner_id, now=now)
        of_project = np.repeat(np.arange(len(sizes)), sizes)
        pins, has_own = _pins(cursor, rng, sites, of_project=of_project)
        drawn = draw_listings(rng, today=local_date(now), count=listings)
        rows = _listing_rows(
            rng, drawn, pins, projects, of_project=of_project, has_own=has_own, owner_id=owner_id, now=now
        )
        _copy(cursor, "listing", LISTING_COLUMNS, rows)
        cursor.execute("DROP TABLE scale_land")
        _refresh_statistics(cursor)
    return ScaleLoaded(organisations=len(organisations), projects=len(sizes), listings=listings)


# Where -----------------------------------------------------------------------------------------------------------


def _places(session: Session) -> Places:
    query = (
        select(
            GazetteerPlace.name,
            func.ST_X(GazetteerPlace.position_25833),
            func.ST_Y(GazetteerPlace.position_25833),
            func.coalesce(GazetteerPlace.population, 0),
        )
        .where(GazetteerPlace.source == GAZETTEER_SOURCE)
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


def _owner(session: Session, *, now: datetime) -> int:
    """The example account that stands as the author of generated rows."""
    user = session.scalar(select(User).where(func.lower(User.email) == OWNER_EMAIL))
    if user is None:
        user = User(
            email=OWNER_EMAIL,
            name="Generert eksempel",
            password_hash=UNUSABLE_PASSWORD,
            email_confirmed_at=now,
            is_example=True,
        )
        session.add(user)
        session.flush()
    return user.id


def _last_number(session: Session) -> str | None:
    """The highest number of the series that an earlier generated set has used."""
    numbers = select(func.max(Organisation.org_number)).where(Organisation.org_number.startswith(SCALE_SERIES))
    return session.scalar(numbers)


def _copy_organisations(cursor: Cursor[Any], rng: Rng, *, count: int, after: str | None) -> Ints:
    ids = _next_ids(cursor, "organisation", count)
    kinds = choose(rng, {kind: share for kind, (share, _) in ORGANISATION_KINDS.items()}, count=count)
    numbers = example_org_numbers(SCALE_SERIES, after=after)
    rows = (
        (str(identity), next(numbers), ORGANISATION_KINDS[kind][1].format(identity), kind.value, "t")
        for identity, kind in zip(ids.tolist(), kinds, strict=True)
    )
    _copy(cursor, "organisation", ("id", "org_number", "name", "kind", "is_example"), rows)
    return ids


# Projects --------------------------------------------------------------------------------------------------------

PROJECT_COLUMNS: Final = (
    "id", "organisation_id", "name", "kind", "builder", "site_25833", "position_25833", "municipality_number",
    "starts_on", "ends_on", "is_example", "created_by_id", "created_at",
)  # fmt: skip


def _copy_projects(
    cursor: Cursor[Any], rng: Rng, places: Places, sites: Sites, organisations: Ints, *, owner_id: int, now: datetime
) -> Projects:
    count = len(sites.x)
    ids = _next_ids(cursor, "project", count)
    busy = 1.0 / np.arange(1, len(organisations) + 1) ** 0.6  # some firms run many projects, most a few
    holders = organisations[rng.choice(len(organisations), size=count, p=busy / busy.sum())]
    kinds = choose(rng, {kind: share for kind, (share, _) in PROJECT_KINDS.items()}, count=count)
    luck = rng.random(count).tolist()
    names = [
        _project_name(identity, kind, places.names[place], luck=each)
        for identity, kind, place, each in zip(ids.tolist(), kinds, sites.place.tolist(), luck, strict=True)
    ]
    points = _points(sites)
    columns: tuple[Iterable[str], ...] = (
        _texts(ids),
        _texts(holders),
        names,
        [kind.value for kind in kinds],
        ["Eksempel byggherre"] * count,
        points,
        points,
        sites.municipality.tolist(),
        _days(local_date(now), rng.integers(-200, 0, size=count)),
        _days(local_date(now), rng.integers(1_000, 1_400, size=count)),
        ["t"] * count,
        [str(owner_id)] * count,
        [now.isoformat()] * count,
    )
    _copy(cursor, "project", PROJECT_COLUMNS, zip(*columns, strict=True))
    return Projects(ids=ids, organisation_ids=holders, names=np.array(names, dtype=object))


def _project_name(identity: int, kind: ProjectKind, place: str, *, luck: float) -> str:
    works = PROJECT_KINDS[kind][1]
    return f"Eksempel {identity}: {works[int(luck * len(works))]}, {place}"


# Listings --------------------------------------------------------------------------------------------------------

LISTING_COLUMNS: Final = (
    "kind", "status", "organisation_id", "project_id", "material_key", "fraction_min_mm", "fraction_max_mm", "mass_t",
    "entered_value", "entered_unit", "density_t_m3", "min_lot_t", "available_from", "available_to", "price_kind",
    "price_nok_per_t", "loading", "haulage", "max_distance_km", "description", "position_25833", "has_own_position",
    "municipality_number", "search_text", "is_example", "created_by_id", "created_at", "published_at", "closed_at",
    "closed_reason",
)  # fmt: skip


def _listing_rows(
    rng: Rng,
    drawn: ListingDraws,
    pins: Sites,
    projects: Projects,
    *,
    of_project: Ints,
    has_own: Bools,
    owner_id: int,
    now: datetime,
) -> Iterable[Sequence[str | None]]:
    """The rows in the order of `LISTING_COLUMNS`."""
    count, today = len(of_project), local_date(now)
    materials = [material_draws()[n].material for n in drawn.material.tolist()]
    statuses = choose(rng, STATUS_SHARES, count=count)
    moments = draw_moments(rng, statuses, now=now)
    descriptions = _descriptions(rng, drawn.is_surplus)
    columns: tuple[Iterable[str | None], ...] = (
        [(ListingKind.SURPLUS if offered else ListingKind.DEMAND).value for offered in drawn.is_surplus.tolist()],
        [status.value for status in statuses],
        _texts(projects.organisation_ids[of_project]),
        _texts(projects.ids[of_project]),
        [material.key for material in materials],
        drawn.fraction_min_mm.tolist(),
        drawn.fraction_max_mm.tolist(),
        [f"{mass_t:.2f}" for mass_t in drawn.mass_t.tolist()],
        _texts(drawn.entered_value),
        drawn.entered_unit.tolist(),
        drawn.density_t_m3.tolist(),
        draw_smallest_lots(rng, drawn.mass_t),
        _days(today, drawn.from_day),
        _days(today, drawn.to_day),
        drawn.price_kind.tolist(),
        drawn.price_nok_per_t.tolist(),
        [loading.value for loading in choose(rng, LOADING_SHARES, count=count)],
        [haulage.value for haulage in choose(rng, HAULAGE_SHARES, count=count)],
        choose(rng, DISTANCE_SHARES_KM, count=count),
        descriptions,
        _points(pins),
        ["t" if own else "f" for own in has_own.tolist()],
        pins.municipality.tolist(),
        [
            f"{material.name_no} {material.name_en} {name} {description}"
            for material, name, description in zip(materials, projects.names[of_project], descriptions, strict=True)
        ],
        ["t"] * count,
        [str(owner_id)] * count,
        moments.created,
        moments.published,
        moments.closed,
        moments.reason,
    )
    return zip(*columns, strict=True)


def _descriptions(rng: Rng, is_surplus: Bools) -> list[str]:
    which = rng.integers(len(SURPLUS_TEXTS), size=len(is_surplus)).tolist()
    return [
        (SURPLUS_TEXTS if offered else DEMAND_TEXTS)[n] for offered, n in zip(is_surplus.tolist(), which, strict=True)
    ]


# Columns and COPY ------------------------------------------------------------------------------------------------


def _texts(values: Ints) -> list[str]:
    return [str(value) for value in values.tolist()]


def _days(today: date, offsets: Ints) -> list[str]:
    first, last = int(offsets.min()), int(offsets.max())
    days = [(today + timedelta(days=n)).isoformat() for n in range(first, last + 1)]
    return [days[n - first] for n in offsets.tolist()]


def _points(sites: Sites) -> list[str]:
    """Points as extended WKB in hexadecimal, which PostGIS reads."""
    points = shapely.set_srid(np.asarray(shapely.points(sites.x, sites.y)), SRID_STORED)
    return [str(written) for written in shapely.to_wkb(points, hex=True, include_srid=True)]


def _next_ids(cursor: Cursor[Any], table: str, count: int) -> Ints:
    """Numbers from the table's own sequence, so that rows added meanwhile never collide."""
    cursor.execute("SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)", (table, count))
    return np.array([identity for (identity,) in cursor], dtype=np.int64)


def _copy(cursor: Cursor[Any], table: str, columns: Sequence[str], rows: Iterable[Sequence[str | None]]) -> None:
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    with cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)


def _refresh_statistics(cursor: Cursor[Any]) -> None:
    """Tell the planner what came, and empty the waiting lists of the text indexes before the first search has to."""
    for table in ("organisation", "project", "listing"):
        cursor.execute(sql.SQL("ANALYZE {}").format(sql.Identifier(table)))
    for index in ("ix_listing_search_vector", "ix_listing_search_text"):
        cursor.execute("SELECT gin_clean_pending_list(%s::regclass)", (index,))
