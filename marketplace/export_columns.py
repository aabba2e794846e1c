"""The columns of what is exported, each with its unit and what it means; words are marked here, translated where shown.

A column's key is part of the open data: it is never given another meaning.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from geo.impact import Measure
from marketplace.disclosure import GIVEN_OUT
from marketplace.exports import Column, Kind
from marketplace.i18n_marker import N_
from marketplace.labels import LABELS

MATERIAL: Final = (
    Column(
        key="material", title=N_("Material"), meaning=N_("The material's key; all where materials are not told apart.")
    ),
    Column(key="material_name", title=N_("Material"), meaning=N_("The material's name.")),
)
PLACED: Final = (
    Column(key="municipality_number", title=N_("Municipality"), meaning=N_("Number of 2024.")),
    Column(key="municipality_name", title=N_("Municipality")),
)
EXAMPLE: Final = Column(
    key="is_example", title=N_("Example"), kind=Kind.FLAG, meaning=N_("Invented data that shows how it works.")
)
NAMED: Final = (
    Column(key="organisation_name", title=N_("Organisation")),
    Column(key="project_name", title=N_("Project")),
)

LISTINGS: Final = (
    Column(key="id", title=N_("Number"), kind=Kind.WHOLE, meaning=N_("The listing's number.")),
    Column(key="url", title=N_("Address"), meaning=N_("The listing's page, as long as it is open.")),
    Column(key="kind", title=N_("Kind"), meaning=N_("surplus: on offer; demand: wanted; reception: taken in.")),
    Column(key="kind_name", title=N_("Kind")),
    *MATERIAL,
    Column(key="fraction", title=N_("Fraction"), unit="mm", meaning=N_("Smallest and largest grain size.")),
    Column(
        key="mass_t",
        title=N_("Mass"),
        kind=Kind.DECIMAL,
        unit="t",
        meaning=N_("What was posted. A facility's receptions share its room, so they are not to be added up."),
    ),
    Column(key="left_t", title=N_("Left"), kind=Kind.DECIMAL, unit="t", meaning=N_("What is not agreed yet.")),
    Column(key="available_from", title=N_("Available from"), kind=Kind.DAY),
    Column(key="available_to", title=N_("Available to"), kind=Kind.DAY),
    Column(
        key="documentation",
        title=N_("Documentation"),
        meaning=N_("Of a surplus: what its cleanness rests on, tested or declared; none for what takes."),
    ),
    Column(
        key="quality_class",
        title=N_("Class"),
        kind=Kind.WHOLE,
        meaning=N_("Of a tested surplus: its class in the soil table."),
    ),
    *PLACED,
    EXAMPLE,
)
POSITION_IS: Final = Column(
    key="position_is",
    title=N_("Position"),
    meaning=N_("exact, or approximate where the listing hides its place: then up to a kilometre off."),
)

FACILITIES: Final = (
    Column(key="id", title=N_("Number"), kind=Kind.WHOLE, meaning=N_("The facility's number.")),
    Column(key="url", title=N_("Address"), meaning=N_("The facility's page.")),
    Column(key="name", title=N_("Name")),
    Column(key="kind", title=N_("Kind"), meaning=N_("quarry, landfill, recycling or interim_storage.")),
    Column(key="kind_name", title=N_("Kind")),
    Column(key="organisation_name", title=N_("Operator"), meaning=N_("Nobody's name where none has confirmed it.")),
    Column(key="accepts", title=N_("Takes in"), meaning=N_("Keys of materials, with a space between.")),
    Column(
        key="accepts_class_max",
        title=N_("Highest class taken in"),
        kind=Kind.WHOLE,
        meaning=N_("Of the soil table, 1 to 5."),
    ),
    Column(
        key="capacity_t",
        title=N_("Capacity"),
        kind=Kind.DECIMAL,
        unit="t",
        meaning=N_("What its permit or room lets it hold; empty where nobody has said."),
    ),
    Column(
        key="free_t",
        title=N_("Free"),
        kind=Kind.DECIMAL,
        unit="t",
        meaning=N_("What of the capacity is neither taken nor promised, as last reported."),
    ),
    Column(key="opens_on", title=N_("Opens"), kind=Kind.DAY),
    Column(key="closes_on", title=N_("Closes"), kind=Kind.DAY),
    *PLACED,
    Column(
        key="is_verified",
        title=N_("Verified"),
        kind=Kind.FLAG,
        meaning=N_("Whether its operator or a named source has confirmed it."),
    ),
    Column(
        key="position_accuracy_m",
        title=N_("Accuracy of the position"),
        kind=Kind.WHOLE,
        unit="m",
        meaning=N_("How far off it may be; empty where somebody placed it."),
    ),
    Column(key="source", title=N_("Source")),
    EXAMPLE,
)

WAY: Final = (
    Column(key="origin_number", title=N_("From municipality"), meaning=N_("Number of 2024.")),
    Column(key="origin_name", title=N_("From municipality")),
    Column(key="destination_number", title=N_("To municipality"), meaning=N_("Number of 2024.")),
    Column(key="destination_name", title=N_("To municipality")),
)
LEVEL: Final = (
    Column(
        key="level",
        title=N_("Level of the resource pyramid"),
        meaning=N_(
            "reuse_on_site, reuse, recycling, backfilling, disposal, undocumented (the tests of recovery are not all"
            " answered), or pending (in storage: it counts where it is used in the end); all where those but pending"
            " are not told apart."
        ),
    ),
    Column(key="level_name", title=N_("Level of the resource pyramid")),
)
MASSES: Final = (
    Column(key="loads", title=N_("Loads"), kind=Kind.WHOLE),
    Column(
        key="delivered_t",
        title=N_("Delivered"),
        kind=Kind.DECIMAL,
        unit="t",
        meaning=N_(
            "All loads that were reported and not voided. Mass by way of storage is in two rows: leave out level"
            " pending to count it once."
        ),
    ),
    Column(
        key="avoided_t",
        title=N_("Counts as avoided"),
        kind=Kind.DECIMAL,
        unit="t",
        meaning=N_(
            "Of the delivered: weighed or confirmed, not disputed, and not waiting in storage. What is avoided is"
            " worked out of this."
        ),
    ),
)
FLOWS_ABOUT: Final = (
    Column(key="deals", title=N_("Deals"), kind=Kind.WHOLE, meaning=N_("How many the row rests on.")),
    Column(
        key="organisations",
        title=N_("Organisations"),
        kind=Kind.WHOLE,
        meaning=N_("How many different ones they are between."),
    ),
)
DEALS_ABOUT: Final = (
    Column(key="deal_id", title=N_("Deal"), kind=Kind.WHOLE, meaning=N_("The deal's number.")),
    Column(key="month", title=N_("Month"), meaning=N_("When the loads were loaded, as 2027-03.")),
)
METHOD: Final = (
    Column(
        key="distances",
        title=N_("Distances"),
        meaning=N_("estimate (straight line and a factor) or road; empty before anything is frozen."),
    ),
    Column(
        key="is_plausible",
        title=N_("Within published savings"),
        kind=Kind.FLAG,
        meaning=N_(
            "Whether the greenhouse gases avoided lie within 1 to 20 kg CO2e a tonne; empty where nothing counts."
        ),
    ),
)
ENDS: Final = (
    Column(key="origin_place", title=N_("From")),
    Column(key="destination_place", title=N_("To")),
    Column(key="giver", title=N_("Giver")),
    Column(key="taker", title=N_("Taker")),
)

MEANINGS: Final[Mapping[Measure, str]] = {
    Measure.TKM: N_("Transport avoided, in tonne-kilometres. Negative where the deal drives more."),
    Measure.TRIPS: N_("Lorry trips avoided."),
    Measure.VEHICLE_KM: N_("Kilometres that lorries need not drive, empty ones among them."),
    Measure.LITRES: N_("Litres of fuel that lorries need not burn."),
    Measure.TRANSPORT_CO2E_KG: N_("Greenhouse gases of transport avoided. Not to be added to the other two."),
    Measure.LANDFILL_T: N_("Mass that would have been landfilled."),
    Measure.LANDFILL_M3: N_("Volume of landfill that is not used."),
    Measure.LANDFILL_M2: N_("Area of landfill that is not used, at the height of filling of the factor set."),
    Measure.VIRGIN_T: N_("New material that need not be made."),
    Measure.MATERIAL_CO2E_KG: N_("Greenhouse gases of making new material avoided. Not to be added to the other two."),
    Measure.DISPOSAL_CO2E_KG: N_("Greenhouse gases of landfilling avoided. Not to be added to the other two."),
}
"""What a measure says, where it is avoided."""

LOW: Final = N_("Low end of the range.")
HIGH: Final = N_("High end of the range.")


def of_ledgers() -> Sequence[Column]:
    """Three columns for each measure: the central figure, then the ends of its range."""
    columns: list[Column] = []
    for measure in GIVEN_OUT:
        for bound, meaning in (("", MEANINGS[measure]), ("_low", LOW), ("_high", HIGH)):
            columns.append(
                Column(
                    key=f"{key_of(measure)}{bound}",
                    title=LABELS[Measure][measure],
                    kind=Kind.DECIMAL,
                    unit=measure.unit,
                    meaning=meaning,
                )
            )
    return columns


def key_of(measure: Measure) -> str:
    """avoided_transport_co2e_kg; a unit stands last where it has one."""
    return f"avoided_{measure}"
