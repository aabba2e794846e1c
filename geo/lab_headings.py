"""What laboratories call the columns of their tables, and what stands in a table without being a result."""

from enum import StrEnum
from typing import Final

from geo.lab_values import split_unit
from geo.proof import Medium
from geo.quality_tables import plain_name


class Role(StrEnum):
    """What a column, or a row of a table that lies on its side, holds."""

    SAMPLE = "sample"
    PARAMETER = "parameter"
    VALUE = "value"
    UNIT = "unit"
    LOQ = "loq"
    SIGN = "sign"
    """A `<` in a column of its own."""
    MEDIUM = "medium"
    OTHER = "other"
    """Known, and no result: the date, the method, the uncertainty."""


_WORDS: Final = {
    # Sample: what the customer wrote on the bag comes before the laboratory's own number.
    Role.SAMPLE: """
        prøvemerking|kundens prøvemerking|prøvemerke|merking|oppdragsgivers merking|client sample id|customer sample id
        |sample marking|prøvenavn|prøve navn|sample name|navn på prøve|prøve|sample|prøve id|prøveid|sample id
        |prøvepunkt|punkt|prøvenr|prøve nr|prøvenummer|sample no|sample number|delprøve
        |labnr|lab nr|labnummer|lab id|laboratorienummer|als prøvenr|eurofins prøvenr|rapport prøvenr|lab sample id
    """,
    Role.PARAMETER: """
        parameter|parametere|parameternavn|analyse|analyser|analyseparameter|analysenavn|stoff|stoffnavn|komponent
        |element|forbindelse|analytt|analyte|compound|substance|component|determinand
    """,
    Role.VALUE: """
        verdi|resultat|resultater|måleverdi|analyseresultat|konsentrasjon|innhold|value|result|results|concentration
    """,
    Role.UNIT: "enhet|enheter|måleenhet|benevning|unit|units",
    Role.LOQ: """
        loq|lod|rl|lor|rapporteringsgrense|kvantifiseringsgrense|kvantifikasjonsgrense|bestemmelsesgrense
        |deteksjonsgrense|reporting limit|limit of quantification|detection limit
    """,
    Role.SIGN: "tegn|fortegn|operator|<|mindre enn|sign|prefix|qualifier",
    Role.MEDIUM: "matriks|matrise|matrix|prøvetype|prøvemateriale|prøve type|medium|sample type|materiale",
    Role.OTHER: """
        dato|prøvedato|prøvetakingsdato|prøvetatt|mottatt|mottaksdato|analysedato|startdato|sluttdato|rapportdato|date
        |sampling date|dybde|dyp|depth|fra|til|lag|kommentar|kommentarer|merknad|comment|notat|metode|method
        |analysemetode|standard|referanse|usikkerhet|måleusikkerhet|mu|uncertainty|akkreditert|akk|akkreditering|accredited
        |utført av|lab|laboratorium|rapport|rapportnr|ordrenummer|ordrenr|prosjekt|prosjektnr|project|oppdrag|koordinat
        |koordinater|nord|øst|x|y|z|lengdegrad|breddegrad|prøvetaker|cas|cas nr|cas nummer|normverdi|grenseverdi
    """,
}
_ROLES: Final = {plain_name(word) or word.strip(): role for role, words in _WORDS.items() for word in words.split("|")}
_SAMPLE_ORDER: Final = [plain_name(word) for word in _WORDS[Role.SAMPLE].split("|")]
_LIMIT_WORDS: Final = ("normverdi", "grenseverdi", "tilstandsklasse", "limitvalue")
_STATISTICS: Final = frozenset(
    {
        "maks",
        "max",
        "min",
        "snitt",
        "gjennomsnitt",
        "middelverdi",
        "median",
        "antall",
        "standardavvik",
        "average",
        "mean",
    }
    | {f"klasse{number}" for number in range(1, 6)}
)
_COATINGS: Final = ("maling", "malt", "belegg", "overflatebehandl", "puss", "lakk", "coating", "paint", "plaster")


def role_of(heading: str) -> Role | None:
    """What a column with this heading holds; None for a parameter, a sample or anything else."""
    return named_role(_without_brackets(split_unit(heading)[0]))


def named_role(name: str) -> Role | None:
    """As `role_of`, of a name and nothing else: a sample may be called `Punkt (nord)`."""
    return _ROLES.get(plain_name(name) or name.strip())


def _without_brackets(heading: str) -> str:
    """The heading without the words in brackets at its end: of `Dybde [cm]` the depth. With digits it is a name."""
    name = heading.strip()
    while (found := max(name.rfind("("), name.rfind("["))) > 0 and name[-1] in ")]":
        if any(sign.isdigit() for sign in name[found:]):
            break
        name = name[:found].rstrip()
    return name


def sample_preference(heading: str) -> int:
    """How well a heading names samples: the lower the better."""
    name = plain_name(heading)
    return _SAMPLE_ORDER.index(name) if name in _SAMPLE_ORDER else len(_SAMPLE_ORDER)


def is_no_sample(label: str) -> bool:
    """Whether the row or column gives limits or statistics beside the samples."""
    name = plain_name(label)
    return name.startswith(_LIMIT_WORDS) or name in _STATISTICS


def medium_of(text: str) -> Medium:
    """What a sample was taken of, by what the laboratory calls its matrix."""
    return Medium.COATING if any(word in text.casefold() for word in _COATINGS) else Medium.MASS
