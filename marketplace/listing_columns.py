"""The columns of a table of listings: one row a listing.

Where a column stands for a field of `services.listing_details.ListingDetails`, its key is the field's name, so that
what the rules find wrong with the field is said beside its cell.
"""

from functools import cache

from geo.materials import taxonomy
from geo.proof import DeclarationKind
from geo.units import EnteredUnit
from marketplace.i18n_marker import N_
from marketplace.table_columns import YES_OR_NO, CellKind, Choice, Column
from marketplace.types import Haulage, ListingKind, Loading, PriceKind

REASON = Column(key="problems", header_no="Hva som er galt", header_en="What is wrong", help="")
"""The last column of bad rows that are given out, whatever kind of table they are of. It says nothing of the row."""

KINDS = (
    Choice(value=ListingKind.SURPLUS, name_no="Overskudd", name_en="Surplus", synonyms=("tilbud", "offer")),
    Choice(
        value=ListingKind.DEMAND, name_no="Behov", name_en="Demand", synonyms=("etterspørsel", "need", "underskudd")
    ),
)

UNITS = (
    Choice(value=EnteredUnit.TONNE, name_no="tonn", name_en="tonnes", synonyms=("t", "tonne", "ton")),
    Choice(
        value=EnteredUnit.M3_BANK,
        name_no="faste m³",
        name_en="m³ bank",
        synonyms=("m³ fast", "faste m3", "m3 fast", "fm³", "fm3", "pfm³", "pfm3", "m3 bank", "bank m3"),
    ),
    Choice(
        value=EnteredUnit.M3_LOOSE,
        name_no="løse m³",
        name_en="m³ loose",
        synonyms=("m³ løs", "løse m3", "m3 løs", "m3 løse", "lm³", "lm3", "ulm³", "ulm3", "m3 loose", "loose m3"),
    ),
    Choice(
        value=EnteredUnit.M3_PLACED,
        name_no="anbrakte m³",
        name_en="m³ placed",
        synonyms=("m³ anbrakt", "anbrakte m3", "m3 anbrakt", "am³", "am3", "pam³", "pam3", "m3 placed", "placed m3"),
    ),
)

PRICE_KINDS = (
    Choice(value=PriceKind.FREE, name_no="Gratis", name_en="Free", synonyms=("fri", "0")),
    Choice(
        value=PriceKind.TAKER_PAYS, name_no="Mottaker betaler", name_en="The taker pays", synonyms=("taker", "mottaker")
    ),
    Choice(
        value=PriceKind.GIVER_PAYS, name_no="Avgiver betaler", name_en="The giver pays", synonyms=("giver", "avgiver")
    ),
)

LOADINGS = (
    Choice(value=Loading.GIVER, name_no="Avgiver laster opp", name_en="The giver loads", synonyms=("avgiver",)),
    Choice(value=Loading.TAKER, name_no="Mottaker laster opp", name_en="The taker loads", synonyms=("mottaker",)),
    Choice(
        value=Loading.BY_AGREEMENT,
        name_no="Opplasting etter avtale",
        name_en="Loading by agreement",
        synonyms=("etter avtale", "avtale", "agreement"),
    ),
)

HAULAGES = (
    Choice(value=Haulage.GIVER, name_no="Avgiver kjører", name_en="The giver drives", synonyms=("avgiver",)),
    Choice(value=Haulage.TAKER, name_no="Mottaker kjører", name_en="The taker drives", synonyms=("mottaker",)),
    Choice(
        value=Haulage.BY_AGREEMENT,
        name_no="Transport etter avtale",
        name_en="Haulage by agreement",
        synonyms=("etter avtale", "avtale", "agreement"),
    ),
)


STATEMENTS = {
    DeclarationKind.NOT_ACID_FORMING: ("Ikke syredannende", "Not acid-forming"),
    DeclarationKind.ALIEN_SPECIES: ("Fri for fremmede arter", "Free of alien species"),
    DeclarationKind.FARMLAND_PESTS: ("Fri for planteskadegjørere", "Free of farmland pests"),
    DeclarationKind.NO_PLANT_WASTE: ("Uten planterester", "No plant waste"),
    DeclarationKind.NO_FOREIGN_PARTS: ("Uten fremmedlegemer", "No foreign parts"),
    DeclarationKind.NO_COATING: ("Uten overflatebehandling", "No coating"),
}
"""What may have to be stated of a lot, by the heading of its column."""


@cache
def material_choices() -> tuple[Choice, ...]:
    return tuple(
        Choice(value=material.key, name_no=material.name_no, name_en=material.name_en)
        for material in taxonomy().materials.values()
    )


def material_column() -> Column:
    """The material of a row, in every table that has one."""
    return Column(
        key="material_key",
        header_no="Materiale",
        header_en="Material",
        synonyms=("masse", "massetype", "materialtype", "material type"),
        kind=CellKind.CHOICE,
        choices=material_choices(),
        is_required=True,
        help=N_("The name of the material, as in the list."),
        example_no="sprengstein",
        example_en="blasted rock",
    )


@cache
def listing_columns() -> tuple[Column, ...]:
    """In the order of the template."""
    return (
        Column(
            key="reference",
            header_no="Referanse",
            header_en="Reference",
            synonyms=("ref", "id", "egen referanse", "external reference"),
            help=N_(
                "What you call it. A row with the same reference later changes this listing, and makes no new one."
            ),
            example_no="E18-014",
            example_en="E18-014",
        ),
        Column(
            key="kind",
            header_no="Type",
            header_en="Kind",
            synonyms=("annonsetype", "overskudd/behov", "overskudd eller behov", "surplus or demand"),
            kind=CellKind.CHOICE,
            choices=KINDS,
            is_required=True,
            help=N_("Whether there is too much of it, or a need."),
            example_no="Overskudd",
            example_en="Surplus",
        ),
        Column(
            key="project_id",
            header_no="Prosjekt",
            header_en="Project",
            synonyms=("prosjektnavn", "project name", "prosjekt id", "project id"),
            help=N_(
                "The name of one of the organisation's projects, or the number in its address. Empty: give a position."
            ),
            example_no="E18 Vestkorridoren",
            example_en="E18 Vestkorridoren",
        ),
        Column(
            key="lat",
            header_no="Breddegrad",
            header_en="Latitude",
            synonyms=("lat", "nord", "north", "y"),
            kind=CellKind.NUMBER,
            has_groups=False,
            help=N_("Degrees north, where the masses are elsewhere than the project's pin."),
            example_no="59,8906",
            example_en="59.8906",
        ),
        Column(
            key="lon",
            header_no="Lengdegrad",
            header_en="Longitude",
            synonyms=("lon", "lng", "øst", "east", "x"),
            kind=CellKind.NUMBER,
            has_groups=False,
            help=N_("Degrees east, together with the latitude."),
            example_no="10,5266",
            example_en="10.5266",
        ),
        material_column(),
        Column(
            key="entered_value",
            header_no="Mengde",
            header_en="Quantity",
            synonyms=("volum", "volume", "amount", "antall"),
            kind=CellKind.NUMBER,
            is_required=True,
            help=N_("How much there is, in the unit beside it."),
            example_no="12 000",
            example_en="12000",
        ),
        Column(
            key="entered_unit",
            header_no="Enhet",
            header_en="Unit",
            kind=CellKind.CHOICE,
            choices=UNITS,
            is_required=True,
            help=N_("Tonnes, or which kind of cubic metres."),
            example_no="faste m³",
            example_en="m³ bank",
        ),
        Column(
            key="density_t_m3",
            header_no="Densitet",
            header_en="Density",
            synonyms=("tetthet", "egenvekt"),
            kind=CellKind.NUMBER,
            has_groups=False,
            help=N_("Tonnes per cubic metre. Empty: the material's usual one."),
            example_no="2,7",
            example_en="2.7",
        ),
        Column(
            key="fraction",
            header_no="Fraksjon",
            header_en="Grain fraction",
            synonyms=("fraction", "sortering", "kornstørrelse"),
            help=N_("Smallest and largest grain size in millimetres. Format the cells as text, or 4/8 becomes a day."),
            example_no="0/500",
            example_en="0/500",
        ),
        Column(
            key="min_lot_t",
            header_no="Minste parti",
            header_en="Smallest lot",
            kind=CellKind.NUMBER,
            help=N_("The smallest part that may be agreed on, in tonnes."),
            example_no="500",
            example_en="500",
        ),
        Column(
            key="available_from",
            header_no="Fra dato",
            header_en="From",
            synonyms=("fra", "første dag", "first day", "startdato", "start", "tilgjengelig fra", "available from"),
            kind=CellKind.DAY,
            is_required=True,
            help=N_("The first day with masses."),
            example_no="01.03.2027",
            example_en="2027-03-01",
        ),
        Column(
            key="available_to",
            header_no="Til dato",
            header_en="To",
            synonyms=("til", "siste dag", "last day", "sluttdato", "slutt", "tilgjengelig til", "available to"),
            kind=CellKind.DAY,
            is_required=True,
            help=N_("The last day with masses."),
            example_no="31.08.2027",
            example_en="2027-08-31",
        ),
        Column(
            key="price_kind",
            header_no="Hvem betaler",
            header_en="Who pays",
            synonyms=("pristype", "price kind", "betaler"),
            kind=CellKind.CHOICE,
            choices=PRICE_KINDS,
            help=N_("Who pays for the mass itself. Empty: it is free."),
            example_no="Gratis",
            example_en="Free",
        ),
        Column(
            key="price_nok_per_t",
            header_no="Pris per tonn",
            header_en="Price per tonne",
            synonyms=("pris", "price", "kr per tonn", "kr/t", "kr/tonn"),
            kind=CellKind.NUMBER,
            help=N_("Kroner per tonne without VAT, where somebody pays."),
        ),
        Column(
            key="loading",
            header_no="Opplasting",
            header_en="Loading",
            synonyms=("lasting",),
            kind=CellKind.CHOICE,
            choices=LOADINGS,
            help=N_("Who loads the lorries. Empty: the giver."),
            example_no="Avgiver laster opp",
            example_en="The giver loads",
        ),
        Column(
            key="haulage",
            header_no="Transport",
            header_en="Haulage",
            synonyms=("kjøring",),
            kind=CellKind.CHOICE,
            choices=HAULAGES,
            help=N_("Who drives. Empty: by agreement."),
            example_no="Transport etter avtale",
            example_en="Haulage by agreement",
        ),
        Column(
            key="max_distance_km",
            header_no="Maks transportavstand",
            header_en="Farthest haul",
            synonyms=("maks avstand", "maks avstand km", "max distance", "max distance km"),
            kind=CellKind.NUMBER,
            help=N_("How far it may be hauled, in kilometres."),
            example_no="50",
            example_en="50",
        ),
        Column(
            key="baseline_facility_id",
            header_no="Alternativt anlegg",
            header_en="Facility without a deal",
            synonyms=("alternativ", "deponi", "pukkverk", "baseline facility", "prior destination", "prior supplier"),
            help=N_(
                "The name or number of the facility that a surplus would have gone to, or that what is needed would"
                " have been bought from. Empty: the nearest is taken."
            ),
            example_no="Lindum Drammen",
            example_en="Lindum Drammen",
        ),
        Column(
            key="description",
            header_no="Beskrivelse",
            header_en="Description",
            synonyms=("merknad", "kommentar", "note", "notes", "comment"),
            help=N_("What others should know: access, working hours, how the masses lie."),
            example_no="Kjørevei for semitrailer helt frem.",
            example_en="A road for articulated lorries all the way.",
        ),
        Column(
            key="hides_position",
            header_no="Skjul nøyaktig sted",
            header_en="Hide the exact place",
            synonyms=("skjul posisjon", "skjul sted", "hide position"),
            kind=CellKind.CHOICE,
            choices=YES_OR_NO,
            help=N_("Yes: others see only a place within about a kilometre."),
            example_no="nei",
            example_en="no",
        ),
        Column(
            key="virgin_basis",
            header_no="Grunnlag for rene masser",
            header_en="Basis of cleanliness",
            synonyms=("grunnlag", "basis"),
            help=N_(
                "What shows that the area has never been polluted, where a surplus is declared clean without tests."
            ),
            example_no="Urørt fjell, miljøteknisk rapport 2026-114",
            example_en="Untouched rock, environmental report 2026-114",
        ),
        *(
            Column(
                key=kind,
                header_no=name_no,
                header_en=name_en,
                kind=CellKind.CHOICE,
                choices=YES_OR_NO,
                help=N_("Yes or no, where the material must have it stated before it is published."),
            )
            for kind, (name_no, name_en) in STATEMENTS.items()
        ),
        Column(
            key="stated_by",
            header_no="Hvem svarer for det",
            header_en="Who answers for it",
            synonyms=("ansvarlig", "stated by", "signed by"),
            help=N_("The name of whoever answers for what is stated of the lot."),
            example_no="Kari Nordmann",
            example_en="Kari Nordmann",
        ),
        Column(
            key="publish",
            header_no="Publiser",
            header_en="Publish",
            synonyms=("publisere", "publiseres"),
            kind=CellKind.CHOICE,
            choices=YES_OR_NO,
            help=N_("Yes: it is published as soon as it may be. Otherwise it is a draft, or stays as it is."),
            example_no="nei",
            example_en="no",
        ),
    )
