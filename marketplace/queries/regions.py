"""Regions: a county, a municipality, or any set of municipalities that work together."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import ColumnElement, String, any_, cast, func, or_, select, true
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import InstrumentedAttribute, Session

from marketplace.actor import Actor
from marketplace.disclosure import Disclosure, disclosure_for
from marketplace.errors import NotFound
from marketplace.models import County, Membership, Municipality, Organisation
from marketplace.queries.municipalities import HAS_AREA, find_municipalities
from marketplace.types import OrganisationKind

NORWEGIAN_ORDER: Final = "nb-NO-x-icu"
NAMES_SHOWN: Final = 3
"""So many municipalities are named one by one; of more, the rest is a number."""

type NumberColumn = ColumnElement[str] | InstrumentedAttribute[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """A set of municipalities, by number, and how an address asks for it again.

    Without a number it is the whole country (`EVERYWHERE`), which has no name: what it is called is the page's to say.
    """

    numbers: frozenset[str]
    name: str
    counties: tuple[str, ...] = ()
    """The counties that were asked for as such, by number."""
    municipalities: tuple[str, ...] = ()
    """The municipalities that were asked for beside them."""

    @property
    def is_everywhere(self) -> bool:
        return not self.numbers

    @property
    def parameters(self) -> dict[str, list[str]]:
        """Of an address that asks for the region: `url_for(..., **region.parameters)`."""
        asked = {"county": list(self.counties), "municipality": list(self.municipalities)}
        return {name: numbers for name, numbers in asked.items() if numbers}

    @property
    def slug(self) -> str:
        """For the names of files."""
        return "-".join((*self.counties, *self.municipalities)[:6]) or "norge"

    def has(self, column: NumberColumn) -> ColumnElement[bool]:
        """That a municipality's number is one of the region's: an array, so that the statement is as short for a county
        as for one municipality.
        """
        return true() if self.is_everywhere else column == any_(cast(sorted(self.numbers), ARRAY(String)))

    def touches(self, origin: NumberColumn, destination: NumberColumn) -> ColumnElement[bool]:
        """That a flow begins or ends in the region, or both."""
        return true() if self.is_everywhere else or_(self.has(origin), self.has(destination))


EVERYWHERE: Final = Region(numbers=frozenset(), name="")


@dataclass(frozen=True, slots=True, kw_only=True)
class CountyChoice:
    """A county with its municipalities, as (number, name)."""

    number: str
    name: str
    municipalities: tuple[tuple[str, str], ...]


def find_region(session: Session, *, counties: Sequence[str] = (), municipalities: Sequence[str] = ()) -> Region | None:
    """The region an address asks for; None where it asks for none.

    A municipality that is no longer one stands for what it became.
    Raises:
        NotFound: there is no such county or municipality.
    """
    if not counties and not municipalities:
        return None
    known = find_municipalities(session, municipalities) if municipalities else {}
    if set(municipalities) - known.keys():
        raise NotFound
    chosen = [known[number] for number in municipalities]
    rows = session.execute(
        select(County.number, County.name, Municipality.number)
        .join(Municipality, Municipality.county_number == County.number)
        .where(County.number.in_(counties), HAS_AREA)
        .order_by(County.name.collate(NORWEGIAN_ORDER), County.number)
    ).all()
    county_names = {number: name for number, name, _ in rows}
    if set(counties) - county_names.keys():
        raise NotFound
    beside = {each.number: each.name for each in chosen if each.county_number not in county_names}
    return Region(
        numbers=frozenset(beside) | {number for _, _, number in rows},
        name=_together([*county_names.values(), *beside.values()]),
        counties=tuple(county_names),
        municipalities=tuple(beside),
    )


def region_of_municipality(session: Session, number: str) -> Region | None:
    """The region that a municipality is by itself; None where there is none."""
    row = session.get(Municipality, number)
    if row is None:
        return None
    return Region(numbers=frozenset({row.number}), name=row.name, municipalities=(row.number,))


def region_around(session: Session, region: Region) -> Region:
    """All counties that a region has a part in, to compare it with; the whole country where it is a county already."""
    if region.is_everywhere:
        return region
    counties = session.scalars(
        select(Municipality.county_number)
        .where(Municipality.number.in_(sorted(region.numbers)))
        .group_by(Municipality.county_number)
        .order_by(Municipality.county_number)
    ).all()
    around = find_region(session, counties=counties)
    return EVERYWHERE if around is None or around.numbers == region.numbers else around


def _together(names: Sequence[str]) -> str:
    """Names beside each other: Asker, Bærum, Oslo + 4."""
    if len(names) <= NAMES_SHOWN:
        return ", ".join(names)
    return f"{', '.join(names[:NAMES_SHOWN])} + {len(names) - NAMES_SHOWN}"


def county_choices(session: Session) -> tuple[CountyChoice, ...]:
    """The counties and the municipalities in use, in the order of the Norwegian alphabet."""
    rows = session.execute(
        select(County.number, County.name, Municipality.number, Municipality.name)
        .join(Municipality, Municipality.county_number == County.number)
        .where(HAS_AREA)
        .order_by(
            County.name.collate(NORWEGIAN_ORDER),
            County.number,
            Municipality.name.collate(NORWEGIAN_ORDER),
            Municipality.number,
        )
    )
    names: dict[str, str] = {}
    within: dict[str, list[tuple[str, str]]] = {}
    for county_number, county_name, number, name in rows:
        names[county_number] = county_name
        within.setdefault(county_number, []).append((number, name))
    return tuple(
        CountyChoice(number=number, name=name, municipalities=tuple(within[number])) for number, name in names.items()
    )


def municipality_names_of(session: Session, numbers: Iterable[str]) -> dict[str, str]:
    """The names of these municipalities, by number."""
    rows = session.execute(
        select(Municipality.number, Municipality.name).where(Municipality.number.in_(sorted(set(numbers))))
    )
    return {row.number: row.name for row in rows}


# Who sees how much ----------------------------------------------------------------------------------------------------


def own_municipality_numbers(session: Session, actor: Actor) -> frozenset[str]:
    """The numbers of the verified municipalities that somebody is a member of; none while one is banned."""
    if not any(each.kind is OrganisationKind.MUNICIPALITY for each in actor.memberships):
        return frozenset()
    numbers = session.scalars(
        select(Organisation.municipality_number)
        .join(Membership, Membership.organisation_id == Organisation.id)
        .where(
            Membership.user_id == actor.user_id,
            Organisation.kind == OrganisationKind.MUNICIPALITY,
            Organisation.verified_at.is_not(None),
            Organisation.banned_at.is_(None),
            Organisation.municipality_number.is_not(None),
        )
    )
    return frozenset(number for number in numbers if number is not None)


def disclosure_of(session: Session, actor: Actor, region: Region) -> Disclosure:
    """How much of a region somebody may see; of the whole country, everything only as an administrator."""
    return disclosure_for(actor, region_numbers=region.numbers, own_numbers=own_municipality_numbers(session, actor))


def municipality_count(session: Session, region: Region) -> int:
    """How many municipalities in use the region has."""
    return session.scalar(select(func.count()).where(HAS_AREA, region.has(Municipality.number))) or 0
