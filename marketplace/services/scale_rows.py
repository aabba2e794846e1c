"""The rows of a generated set, and COPY, which brings them in."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import islice
from typing import Any, Final

import numpy as np
import shapely
from numpy.typing import NDArray
from psycopg import Cursor, sql

from geo.units import SRID_STORED
from marketplace.clock import local_date
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
    draw_moments,
    draw_smallest_lots,
    material_draws,
    weighted,
)
from marketplace.services.search_text import compose_search_text
from marketplace.types import (
    Documentation,
    Haulage,
    ListingKind,
    ListingStatus,
    Loading,
    OrganisationKind,
    PausedReason,
    ProjectKind,
)

BUILDER: Final = "Eksempel byggherre"
STATUS_SHARES: Final = {
    ListingStatus.PUBLISHED: 0.94,
    ListingStatus.DRAFT: 0.02,
    ListingStatus.PAUSED: 0.02,
    ListingStatus.CLOSED: 0.02,
}
LOADING_SHARES: Final = {Loading.GIVER: 0.6, Loading.TAKER: 0.1, Loading.BY_AGREEMENT: 0.3}
HAULAGE_SHARES: Final = {Haulage.GIVER: 0.2, Haulage.TAKER: 0.4, Haulage.BY_AGREEMENT: 0.4}
DOCUMENTATION_SHARES: Final = {Documentation.TESTED: 0.65, Documentation.DECLARED: 0.35}
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Sites:
    """Positions on land in EPSG:25833, with the municipality each lies in and the place it was drawn around."""

    x: Floats
    y: Floats
    municipality: NDArray[np.str_]
    place: Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class Organisations:
    ids: Ints
    names: Cells


@dataclass(frozen=True, slots=True, kw_only=True)
class Projects:
    """The projects that were loaded, one a site, and who holds each."""

    ids: Ints
    names: Cells
    organisations: Organisations


# Organisations and projects ---------------------------------------------------------------------------------------


def copy_organisations(cursor: Cursor[Any], rng: Rng, *, count: int, after: str | None) -> Organisations:
    ids = next_ids(cursor, "organisation", count)
    kinds = choose(rng, {kind: share for kind, (share, _) in ORGANISATION_KINDS.items()}, count=count)
    names = [ORGANISATION_KINDS[kind][1].format(n) for kind, n in zip(kinds, ids.tolist(), strict=True)]
    columns: tuple[Iterable[str], ...] = (
        _texts(ids),
        islice(example_org_numbers(SCALE_SERIES, after=after), count),
        names,
        [kind.value for kind in kinds],
        ["t"] * count,
    )
    copy_rows(cursor, "organisation", ("id", "org_number", "name", "kind", "is_example"), zip(*columns, strict=True))
    return Organisations(ids=ids, names=np.array(names, dtype=object))


PROJECT_COLUMNS: Final = (
    "id", "organisation_id", "name", "kind", "builder", "site_25833", "position_25833", "municipality_number",
    "starts_on", "ends_on", "is_example", "created_by_id", "created_at",
)  # fmt: skip


def copy_projects(
    cursor: Cursor[Any],
    rng: Rng,
    places: Places,
    sites: Sites,
    organisations: Organisations,
    *,
    owner_id: int,
    now: datetime,
) -> Projects:
    count = len(sites.x)
    ids = next_ids(cursor, "project", count)
    busy = 1.0 / np.arange(1, len(organisations.ids) + 1) ** 0.6  # some firms run many projects, most a few
    holder = weighted(rng, busy.tolist(), count=count)
    holders = Organisations(ids=organisations.ids[holder], names=organisations.names[holder])
    kinds = choose(rng, {kind: share for kind, (share, _) in PROJECT_KINDS.items()}, count=count)
    luck = rng.random(count).tolist()
    names = [
        _project_name(identity, kind, places.names[place], luck=each)
        for identity, kind, place, each in zip(ids.tolist(), kinds, sites.place.tolist(), luck, strict=True)
    ]
    points = points_of(sites)
    columns: tuple[Iterable[str], ...] = (
        _texts(ids),
        _texts(holders.ids),
        names,
        [kind.value for kind in kinds],
        [BUILDER] * count,
        points,
        points,
        sites.municipality.tolist(),
        _days(local_date(now), rng.integers(-200, 0, size=count)),
        _days(local_date(now), rng.integers(1_000, 1_400, size=count)),
        ["t"] * count,
        [str(owner_id)] * count,
        [now.isoformat()] * count,
    )
    copy_rows(cursor, "project", PROJECT_COLUMNS, zip(*columns, strict=True))
    return Projects(ids=ids, names=np.array(names, dtype=object), organisations=holders)


def _project_name(identity: int, kind: ProjectKind, place: str, *, luck: float) -> str:
    works = PROJECT_KINDS[kind][1]
    return f"Eksempel {identity}: {works[int(luck * len(works))]}, {place}"


# Listings --------------------------------------------------------------------------------------------------------

LISTING_COLUMNS: Final = (
    "kind", "status", "organisation_id", "project_id", "material_key", "fraction_min_mm", "fraction_max_mm", "mass_t",
    "entered_value", "entered_unit", "density_t_m3", "min_lot_t", "available_from", "available_to", "price_kind",
    "price_nok_per_t", "loading", "haulage", "max_distance_km", "description", "position_25833", "has_own_position",
    "municipality_number", "search_text", "is_example", "created_by_id", "created_at", "published_at", "renewed_at",
    "closed_at", "closed_reason", "paused_reason", "documentation",
)  # fmt: skip


def copy_listings(
    cursor: Cursor[Any],
    rng: Rng,
    drawn: ListingDraws,
    pins: Sites,
    projects: Projects,
    *,
    of_project: Ints,
    has_own: Bools,
    municipality_names: Mapping[str, str],
    owner_id: int,
    now: datetime,
) -> None:
    count, today = len(of_project), local_date(now)
    statuses = choose(rng, STATUS_SHARES, count=count)
    moments = draw_moments(rng, statuses, now=now)
    descriptions = _descriptions(rng, drawn.is_surplus)
    columns: tuple[Iterable[str | None], ...] = (
        [(ListingKind.SURPLUS if offered else ListingKind.DEMAND).value for offered in drawn.is_surplus.tolist()],
        [status.value for status in statuses],
        _texts(projects.organisations.ids[of_project]),
        _texts(projects.ids[of_project]),
        [material_draws()[n].material.key for n in drawn.material.tolist()],
        [str(fraction.lower_mm) if fraction else None for fraction in drawn.fraction],
        [str(fraction.upper_mm) if fraction else None for fraction in drawn.fraction],
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
        points_of(pins),
        ["t" if own else "f" for own in has_own.tolist()],
        pins.municipality.tolist(),
        _search_texts(
            drawn, pins, projects, descriptions, of_project=of_project, municipality_names=municipality_names
        ),
        ["t"] * count,
        [str(owner_id)] * count,
        moments.created,
        moments.published,
        moments.published,
        moments.closed,
        moments.reason,
        [PausedReason.OWNER.value if status is ListingStatus.PAUSED else None for status in statuses],
        _documentation(rng, drawn.is_surplus),
    )
    copy_rows(cursor, "listing", LISTING_COLUMNS, zip(*columns, strict=True))


def _documentation(rng: Rng, is_surplus: Bools) -> list[str]:
    shown = choose(rng, DOCUMENTATION_SHARES, count=len(is_surplus))
    return [
        (each if offered else Documentation.NONE).value
        for each, offered in zip(shown, is_surplus.tolist(), strict=True)
    ]


def _descriptions(rng: Rng, is_surplus: Bools) -> list[str]:
    which = rng.integers(len(SURPLUS_TEXTS), size=len(is_surplus)).tolist()
    return [
        (SURPLUS_TEXTS if offered else DEMAND_TEXTS)[n] for offered, n in zip(is_surplus.tolist(), which, strict=True)
    ]


def _search_texts(
    drawn: ListingDraws,
    pins: Sites,
    projects: Projects,
    descriptions: Sequence[str],
    *,
    of_project: Ints,
    municipality_names: Mapping[str, str],
) -> list[str]:
    return [
        compose_search_text(
            material=material_draws()[material].material,
            fraction=fraction,
            description=description,
            project_name=project,
            builder=BUILDER,
            organisation_name=organisation,
            municipality_name=municipality_names[municipality],
        )
        for material, fraction, description, project, organisation, municipality in zip(
            drawn.material.tolist(),
            drawn.fraction,
            descriptions,
            projects.names[of_project],
            projects.organisations.names[of_project],
            pins.municipality.tolist(),
            strict=True,
        )
    ]


# Columns and COPY ------------------------------------------------------------------------------------------------


def _texts(values: Ints) -> list[str]:
    return [str(value) for value in values.tolist()]


def _days(today: date, offsets: Ints) -> list[str]:
    first, last = int(offsets.min()), int(offsets.max())
    days = [(today + timedelta(days=n)).isoformat() for n in range(first, last + 1)]
    return [days[n - first] for n in offsets.tolist()]


def points_of(sites: Sites) -> list[str]:
    """Points as extended WKB in hexadecimal, which PostGIS reads."""
    points = shapely.set_srid(np.asarray(shapely.points(sites.x, sites.y)), SRID_STORED)
    return [str(written) for written in shapely.to_wkb(points, hex=True, include_srid=True)]


def next_ids(cursor: Cursor[Any], table: str, count: int) -> Ints:
    """Numbers from the table's own sequence, so that rows added meanwhile never collide."""
    cursor.execute("SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)", (table, count))
    return np.array([identity for (identity,) in cursor], dtype=np.int64)


def copy_rows(cursor: Cursor[Any], table: str, columns: Sequence[str], rows: Iterable[Sequence[str | None]]) -> None:
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    with cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)
