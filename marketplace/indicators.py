"""The indicators that a municipality reports: what each is, exactly, and what it is for.

They follow the themes of a municipal action plan for masses and of the national mission on circular economy:
enterprises that share, tonnes of material, and areas for interim storage that are shared. Neither has published a
formula for masses, so the definitions are Masseflyt's own and stand beside every figure. A definition is not changed
once figures by it have been reported: another one gets a key of its own.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final

from marketplace.i18n_marker import N_


class Indicator(StrEnum):
    """What is measured, in the order it is shown."""

    SHARING_ENTERPRISES = "sharing_enterprises"
    GIVING_ENTERPRISES = "giving_enterprises"
    TAKING_ENTERPRISES = "taking_enterprises"
    SHARED_MASS_T = "shared_mass_t"
    RECOVERED_SHARE = "recovered_share"
    PLACED_SHARE = "placed_share"
    LANDFILL_AVOIDED_T = "landfill_avoided_t"
    VIRGIN_AVOIDED_T = "virgin_avoided_t"
    STORAGE_OFFERED = "storage_offered"
    STORAGE_CAPACITY_T = "storage_capacity_t"
    STORAGE_USED = "storage_used"
    STORAGE_RECEIVED_T = "storage_received_t"
    PLANNING_PROJECTS = "planning_projects"
    KEEPING_PROJECTS = "keeping_projects"


class Unit(StrEnum):
    """What a figure counts."""

    ENTERPRISES = "enterprises"
    PLACES = "places"
    PROJECTS = "projects"
    TONNES = "t"
    SHARE = "share"


class Purpose(StrEnum):
    """What an indicator is reported for."""

    ACTION_PLAN = "action_plan"
    NATIONAL_MISSION = "national_mission"


PURPOSES: Final[Mapping[Purpose, str]] = {
    Purpose.ACTION_PLAN: N_("Action plan"),
    Purpose.NATIONAL_MISSION: N_("National mission on circular economy"),
}

BOTH: Final = (Purpose.ACTION_PLAN, Purpose.NATIONAL_MISSION)
PLAN_ALONE: Final = (Purpose.ACTION_PLAN,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """An indicator in words; `source` says what it is read from."""

    name: str
    unit: Unit
    meaning: str
    source: str
    purposes: tuple[Purpose, ...]


FROM_DELIVERIES: Final = N_("Deliveries in the period with one end or both in the region.")
FROM_FACILITIES: Final = N_("Facilities in the region as they stand today.")
FROM_PLANS: Final = N_("Mass plans and targets of projects in the region, for the year the period ends in.")

DEFINITIONS: Final[Mapping[Indicator, Definition]] = {
    Indicator.SHARING_ENTERPRISES: Definition(
        name=N_("Enterprises that share masses"),
        unit=Unit.ENTERPRISES,
        meaning=N_(
            "Different organisations that gave or took at least one load that was delivered. One that does both counts"
            " once."
        ),
        source=FROM_DELIVERIES,
        purposes=BOTH,
    ),
    Indicator.GIVING_ENTERPRISES: Definition(
        name=N_("Of these, enterprises that gave"),
        unit=Unit.ENTERPRISES,
        meaning=N_("Different organisations that gave at least one load."),
        source=FROM_DELIVERIES,
        purposes=PLAN_ALONE,
    ),
    Indicator.TAKING_ENTERPRISES: Definition(
        name=N_("Of these, enterprises that took"),
        unit=Unit.ENTERPRISES,
        meaning=N_("Different organisations that took at least one load."),
        source=FROM_DELIVERIES,
        purposes=PLAN_ALONE,
    ),
    Indicator.SHARED_MASS_T: Definition(
        name=N_("Material shared"),
        unit=Unit.TONNES,
        meaning=N_(
            "Tonnes delivered from one organisation to another. What goes into a recycling plant or interim storage is"
            " left out until it is used: then it counts once."
        ),
        source=FROM_DELIVERIES,
        purposes=BOTH,
    ),
    Indicator.RECOVERED_SHARE: Definition(
        name=N_("Of this, reused or recovered"),
        unit=Unit.SHARE,
        meaning=N_(
            "The share of the material shared that was reused, recycled or otherwise recovered, by the three tests of"
            " recovery. What is not documented is not counted as recovered. Loads that are disputed, or neither weighed"
            " nor confirmed, are among it."
        ),
        source=FROM_DELIVERIES,
        purposes=BOTH,
    ),
    Indicator.PLACED_SHARE: Definition(
        name=N_("Surplus that found a taker"),
        unit=Unit.SHARE,
        meaning=N_(
            "Of all tonnes of surplus that were posted in the region in the period, the share that is agreed or"
            " delivered."
        ),
        source=N_("Surpluses in the region that were first published in the period."),
        purposes=PLAN_ALONE,
    ),
    Indicator.LANDFILL_AVOIDED_T: Definition(
        name=N_("Mass kept out of landfill"),
        unit=Unit.TONNES,
        meaning=N_(
            "Tonnes that would have been landfilled without the deals, with the range of the factor set. Weighed or"
            " confirmed loads alone."
        ),
        source=FROM_DELIVERIES,
        purposes=BOTH,
    ),
    Indicator.VIRGIN_AVOIDED_T: Definition(
        name=N_("New material not needed"),
        unit=Unit.TONNES,
        meaning=N_(
            "Tonnes of new material that were replaced, where the three tests of recovery hold. Weighed or confirmed"
            " loads alone."
        ),
        source=FROM_DELIVERIES,
        purposes=BOTH,
    ),
    Indicator.STORAGE_OFFERED: Definition(
        name=N_("Areas for interim storage that are shared"),
        unit=Unit.PLACES,
        meaning=N_("Interim storage places that others may use today: open, with at least one material listed."),
        source=FROM_FACILITIES,
        purposes=BOTH,
    ),
    Indicator.STORAGE_CAPACITY_T: Definition(
        name=N_("Room in shared interim storage"),
        unit=Unit.TONNES,
        meaning=N_(
            "The capacity of these places together, in tonnes; their area is not known. Places that have not stated"
            " theirs count as nothing."
        ),
        source=FROM_FACILITIES,
        purposes=BOTH,
    ),
    Indicator.STORAGE_USED: Definition(
        name=N_("Interim storage used by others"),
        unit=Unit.PLACES,
        meaning=N_("Interim storage places in the region that took loads of other organisations in the period."),
        source=FROM_DELIVERIES,
        purposes=BOTH,
    ),
    Indicator.STORAGE_RECEIVED_T: Definition(
        name=N_("Mass taken into interim storage"),
        unit=Unit.TONNES,
        meaning=N_("Tonnes that these places took in from others in the period."),
        source=FROM_DELIVERIES,
        purposes=PLAN_ALONE,
    ),
    Indicator.PLANNING_PROJECTS: Definition(
        name=N_("Projects with a mass plan"),
        unit=Unit.PROJECTS,
        meaning=N_("Projects with a plan or a target of surplus for the year."),
        source=FROM_PLANS,
        purposes=PLAN_ALONE,
    ),
    Indicator.KEEPING_PROJECTS: Definition(
        name=N_("Projects that keep their target"),
        unit=Unit.PROJECTS,
        meaning=N_("Of those with a target: as many as keep it by what is recorded and still planned."),
        source=FROM_PLANS,
        purposes=PLAN_ALONE,
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """What an indicator comes to; with a range where it has one.

    `value` is None where nothing can be said: nothing was there to measure, or (`is_held_back`) it rests on so few that
    it would say whose it is.
    """

    indicator: Indicator
    value: Decimal | None
    low: Decimal | None = None
    high: Decimal | None = None
    is_held_back: bool = False

    @property
    def definition(self) -> Definition:
        return DEFINITIONS[self.indicator]
