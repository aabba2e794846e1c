"""Reading what a laboratory wrote in one cell: a number, a unit, the name of a parameter.

Nothing is guessed: what cannot be told for certain raises LabError with its reason, for the person to settle.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from geo.errors import LabError, LabFault
from geo.limits import Parameter
from geo.quality import LabValue
from geo.quality_tables import QualityTables, plain_name, quality_tables

MAX_MG_KG: Final = Decimal(1_000_000)
"""A kilogram in a kilogram."""
MAX_CELL_CHARS: Final = 60
MAX_HEADING_CHARS: Final = 200
"""No heading is longer, and none that is takes long to be looked at."""


# Units ----------------------------------------------------------------------------------------------------------

_MG_KG_PER_UNIT: Final = {
    "mg/kg": Decimal(1),
    "g/t": Decimal(1),
    "g/tonn": Decimal(1),
    "g/tonne": Decimal(1),
    "ppm": Decimal(1),
    "ug/g": Decimal(1),
    "g/kg": Decimal(1_000),
    "mg/g": Decimal(1_000),
    "%": Decimal(10_000),
    "prosent": Decimal(10_000),
    "vekt-%": Decimal(10_000),
    "ug/kg": Decimal("0.001"),
    "ng/g": Decimal("0.001"),
    "mg/t": Decimal("0.001"),
    "mg/tonn": Decimal("0.001"),
    "ppb": Decimal("0.001"),
    "ng/kg": Decimal("0.000001"),
    "pg/g": Decimal("0.000001"),
}
_LONGEST_FIRST: Final = sorted(_MG_KG_PER_UNIT, key=len, reverse=True)
_DRY: Final = frozenset(
    {"", "ts", "its", "avts", "dw", "dm", "drymatter", "dryweight", "tørrstoff", "torrstoff", "tørrvekt", "w/w", "vekt"}
)
_WET: Final = frozenset(
    {"vv", "ww", "fw", "våtvekt", "vatvekt", "våt", "wet", "wetweight", "råvekt", "fersk", "ferskvekt"}
)
_WATER: Final = re.compile(
    r"(?:[a-z]?g|mol)/(?:l|liter|litre|dm3|m3|ml)(?![a-z])|\bl/s\b|utlekking|utvasking|eluat|leach"
)
_RADIATION: Final = re.compile(r"(?:\b|[kmu])bq")
_EQUIVALENTS: Final = re.compile(r"(?:who|i)?[-0-9()]*teq")
_UNIT_AT_END: Final = re.compile(
    r"(?:(?<![^\W\d_])(?:[mµμunp]|mc)?g\s*(?:[\w-]*teq\s*)?(?:/\s*|\s+)(?:kg|g|tonn|t|liter|l|m3)(?![^\W\d_])"
    r"|(?:vekt-?)?%|\bpp[mb]\b|\b[kmµμ]?bq\s*/).*$",
    re.IGNORECASE,
)


def mg_kg_per_unit(unit: str) -> Decimal:
    """Return what one of `unit` (mg/kg TS, µg/kg, g/t, % ...) is in mg/kg; where it does not say so, of dry matter.

    Raises LabError: no_unit, leachate, radioactivity, wet_weight, unknown_unit.
    """
    if len(unit) > MAX_CELL_CHARS:
        raise LabError(LabFault.UNKNOWN_UNIT, unit=f"{unit[:MAX_CELL_CHARS]}…")
    folded = unicodedata.normalize("NFKC", unit).casefold().replace("μ", "u").replace("mcg", "ug")
    spaced = " ".join(folded.split())
    if not spaced:
        raise LabError(LabFault.NO_UNIT)
    for pattern, fault in ((_WATER, LabFault.LEACHATE), (_RADIATION, LabFault.RADIOACTIVITY)):
        if pattern.search(spaced.replace(" /", "/").replace("/ ", "/")):
            raise LabError(fault, unit=unit)
    plain = re.sub(r"[\s\[\]().]", "", _EQUIVALENTS.sub("", spaced.replace("kg-1", "/kg").replace(" /", "/")))
    for known in _LONGEST_FIRST:
        if plain.startswith(known):
            of_what = plain.removeprefix(known).strip("-,_")
            if of_what in _DRY:
                return _MG_KG_PER_UNIT[known]
            if of_what in _WET:
                raise LabError(LabFault.WET_WEIGHT, unit=unit)
    raise LabError(LabFault.UNKNOWN_UNIT, unit=unit)


def split_unit(heading: str) -> tuple[str, str]:
    """Return a heading such as `Arsen (As) [mg/kg TS]` as its name and its unit; "" where it names none."""
    found = _UNIT_AT_END.search(heading) if len(heading) <= MAX_HEADING_CHARS else None
    if found is None:
        return heading.strip(), ""
    return heading[: found.start()].rstrip(" ,;:([-"), found.group().strip(" )]")


# Numbers --------------------------------------------------------------------------------------------------------


class StoredNumber(str):
    """The text of a cell that a spreadsheet stores as a number: its point is the decimal mark, whatever others use."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The number in a cell, in the unit of the cell."""

    value: Decimal | None
    """None: not detected, and the cell does not say below what."""
    is_below: bool
    unit: str
    """The unit that stands behind the number in the same cell; "" where there is none."""


_SPACES: Final = re.compile(r"[\s\u00a0\u2007\u2009\u202f]+")
_NOT_ANALYSED: Final = frozenset(
    {"", "-", "--", "–", "—", "n.a.", "n.a", "na", "i.a.", "i.a", "ia", "ikke analysert", "not analysed"}
)
_NOT_DETECTED: Final = re.compile(
    r"(?:n\.?\s?d\.?|i\.?\s?p\.?|ikke påvist|not detected|under deteksjonsgrensen?|udet\.?|<\s?(?:loq|lod|rl|lor|dl))"
    r"\s*(?P<rest>.*)"
)
_NUMBER: Final = re.compile(
    r"""(?P<sign>[-−+]?)
    (?:
        (?P<grouped>\d{1,3}(?:[ ']\d{3})+(?:[.,]\d+)?)     # 1 234,5
      | (?P<pointed>\d{1,3}(?:\.\d{3})+,\d+|\d{1,3}(?:\.\d{3}){2,})   # 1.234,5
      | (?P<comma>\d{1,3}(?:,\d{3})+\.\d+|\d{1,3}(?:,\d{3}){2,})      # 1,234.5
      | (?P<plain>(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:e[+-]?\d{1,2})?)      # 1,234 and 1.234 may be either
    )
    (?P<rest>.*)""",
    re.VERBOSE | re.ASCII,
)
_MAY_BE_GROUPED: Final = re.compile(r"[1-9]\d{0,2}[.,]\d{3}", re.ASCII)
"""1.234 and 1,234, but not 0.123: no group of thousands begins with nought."""
_MARKS: Final = " *^#¤†"
"""With these laboratories point to a note: not accredited, subcontracted."""


def read_number(text: str, *, marks: frozenset[str] = frozenset()) -> Reading | None:
    """Return the number a laboratory wrote: 0,05 or <0,01 or 1 234,5 or 1,2E-3 or n.d. (<0,01); None: not analysed.

    A single comma or point is the decimal mark, where it can be nothing else. `marks` are the decimal marks of the
    numbers beside it (`decimal_marks`), which settle what 1.234 is: a fraction where they are points alone. 1,234 is
    one as Norwegians write it, unless they have points.
    Raises LabError: formula, not_a_number, ambiguous, not_finite, negative, zero, above_range.
    """
    if isinstance(text, StoredNumber):
        marks = frozenset(".")
    plain = _SPACES.sub(" ", unicodedata.normalize("NFC", text).replace("&lt;", "<").replace("‹", "<")).strip()
    if plain.startswith("="):
        raise LabError(LabFault.FORMULA)
    plain = plain.strip(_MARKS).casefold()
    if plain in _NOT_ANALYSED:
        return None
    if len(plain) > MAX_CELL_CHARS:
        raise LabError(LabFault.NOT_A_NUMBER, text=f"{plain[:MAX_CELL_CHARS]}…")
    if detected := _NOT_DETECTED.fullmatch(plain):
        rest = detected["rest"].strip(" ()[]")
        if not rest:
            return Reading(value=None, is_below=True, unit="")
        return _number(rest.lstrip("<≤ "), text=text, is_below=True, marks=marks)
    if plain[0] in ">≥":
        raise LabError(LabFault.ABOVE_RANGE, text=text)
    return _number(plain.lstrip("<≤ "), text=text, is_below=plain[0] in "<≤", marks=marks)


def decimal_marks(texts: Iterable[str]) -> frozenset[str]:
    """Return the decimal marks that the numbers among some cells are seen to have, whatever order they come in."""
    return frozenset(mark for text in texts if (mark := _decimal_mark(text)))


def _decimal_mark(text: str) -> str:
    """The decimal mark of a number that has one for certain; "" for all else, numbers that a spreadsheet wrote too."""
    if isinstance(text, StoredNumber) or len(text) > MAX_CELL_CHARS:
        return ""
    plain = _SPACES.sub(" ", text.replace("&lt;", "<")).strip(_MARKS).casefold()
    if detected := _NOT_DETECTED.fullmatch(plain):
        plain = detected["rest"].strip(" ()[]")
    found = _NUMBER.fullmatch(plain.lstrip("<≤‹>≥ "))
    unit = found["rest"].strip(f"{_MARKS})]") if found else ""
    if found is None or (unit and split_unit(unit)[0]):
        return ""
    if found["pointed"]:
        return ","
    if found["comma"]:
        return "."
    number = found["grouped"] or found["plain"]
    if found["plain"] and _MAY_BE_GROUPED.fullmatch(number):
        return ""
    return "," if "," in number else "." if "." in number else ""


def _number(plain: str, *, text: str, is_below: bool, marks: frozenset[str]) -> Reading:
    if plain.lstrip("-+") in {"nan", "inf", "infinity"}:
        raise LabError(LabFault.NOT_FINITE)
    found = _NUMBER.fullmatch(plain)
    if found is None:
        raise LabError(LabFault.NOT_A_NUMBER, text=text)
    unit = found["rest"].strip(f"{_MARKS})]")
    if unit and split_unit(unit)[0]:
        raise LabError(LabFault.NOT_A_NUMBER, text=text)
    if found["plain"] and _MAY_BE_GROUPED.fullmatch(found["plain"]):
        _require_clear(found["plain"], text=text, marks=marks)
    digits = re.sub(r"[ ']", "", found["grouped"] or "") or (found["pointed"] or "").replace(".", "")
    digits = digits or (found["comma"] or "").replace(",", "") or found["plain"]
    value = Decimal(digits.replace(",", "."))
    if found["sign"] in {"-", "−"} or (is_below and value == 0):
        raise LabError(LabFault.NEGATIVE)
    if value == 0:
        raise LabError(LabFault.ZERO)
    return Reading(value=value, is_below=is_below, unit=unit)


def _require_clear(number: str, *, text: str, marks: frozenset[str]) -> None:
    """Raise where it is not certain that the point or comma of a number such as 1.234 is the decimal mark."""
    is_point = "." in number
    if (marks == frozenset(".")) if is_point else "." not in marks:
        return
    whole, decimals = re.split(r"[.,]", number)
    mark = "," if is_point else "."
    raise LabError(LabFault.AMBIGUOUS, text=text, whole=whole + decimals, fraction=f"{whole}{mark}{decimals}")


def read_lab_value(
    parameter: str, text: str, *, unit: str, loq: str = "", marks: frozenset[str] = frozenset()
) -> LabValue | None:
    """Return one result in mg/kg dry matter; None where the cell says that it was not analysed.

    `loq` is the limit of quantification in a column of its own, in the same unit: below it counts a result that is
    not detected, and one that is lower than it. `marks` as in `read_number`.
    Raises LabError: as `read_number` and `mg_kg_per_unit`, not_detected_without_loq, units_differ, too_large.
    """
    reading = read_number(text, marks=marks)
    if reading is None:
        return None
    limit = _limit_of_quantification(loq, marks=marks)
    value, is_below = reading.value, reading.is_below
    if limit is not None and (value is None or (value < limit and not is_below)):
        value, is_below = limit, True
    if value is None:
        raise LabError(LabFault.NOT_DETECTED_WITHOUT_LOQ)
    value_mg_kg = value * mg_kg_per_unit(_one_unit(reading.unit, unit))
    if value_mg_kg > MAX_MG_KG:
        raise LabError(LabFault.TOO_LARGE, limit_mg_kg=MAX_MG_KG)
    return LabValue(parameter=parameter, value_mg_kg=value_mg_kg, is_below=is_below)


def _limit_of_quantification(text: str, *, marks: frozenset[str]) -> Decimal | None:
    reading = read_number(text, marks=marks)
    return None if reading is None else reading.value


def _one_unit(in_cell: str, in_heading: str) -> str:
    if not in_cell.strip():
        return in_heading
    if in_heading.strip() and mg_kg_per_unit(in_cell) != mg_kg_per_unit(in_heading):
        raise LabError(LabFault.UNITS_DIFFER, one=in_cell, other=in_heading)
    return in_cell


# Parameters -----------------------------------------------------------------------------------------------------

_METHOD: Final = re.compile(r"\b(?:premium loq|lav loq|low loq|etter oppslutning|i jord)\b", re.IGNORECASE)
"""What laboratories add to a name about how it was measured."""
_BRACKETED_END: Final = re.compile(r"(?P<name>.*\S)\s*[(\[](?P<other>[^()\[\]]+)[)\]]\W*")


def find_parameter(name: str, *, tables: QualityTables | None = None) -> Parameter | None:
    """Return the parameter that a laboratory calls `name`; None for a name that is not known.

    A name may be given twice over (Arsen (As); Pb, bly) where both mean the same parameter.
    """
    tables = tables or quality_tables()
    if len(name) > MAX_HEADING_CHARS:
        return None
    name = _METHOD.sub("", name).strip()
    codes = {tables.names.get(plain_name(name))}
    if codes == {None}:
        codes = next((found for parts in _doubled(name) if (found := _codes(parts, tables)) != {None}), {None})
    code = codes.pop() if len(codes) == 1 else None
    return None if code is None else tables.parameters[code]


def _codes(parts: tuple[str, ...], tables: QualityTables) -> set[str | None]:
    found = {tables.names.get(plain_name(part)) for part in parts}
    return {None} if None in found else found


def _doubled(name: str) -> Iterator[tuple[str, ...]]:
    """The ways in which a name may be two."""
    if bracketed := _BRACKETED_END.fullmatch(name):
        yield bracketed.group("name", "other")
    for separator in (", ", " - ", " / ", " "):
        parts = tuple(name.split(separator))
        if len(parts) == 2:
            yield parts


def read_parameter(name: str, *, tables: QualityTables | None = None) -> Parameter:
    """Return the parameter that a laboratory calls `name`.

    Raises LabError: unknown_parameter.
    """
    found = find_parameter(name, tables=tables)
    if found is None:
        raise LabError(LabFault.UNKNOWN_PARAMETER, name=name)
    return found
