"""The columns of a table of loads, as weighbridge systems write them: one row a load.

Masses stand in tonnes or kilograms, and the heading seldom says which. No lorry carries 200 t, and none is weighed that
carries less than 200 kg, so the figures do.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from enum import StrEnum
from typing import Final

from marketplace.clock import OSLO
from marketplace.errors import FieldError
from marketplace.i18n_marker import N_
from marketplace.parsing import read_day
from marketplace.table_columns import YES_OR_NO, CellKind, Column, Header, RowReader
from marketplace.text import clean_line

KG_PER_T: Final = Decimal(1000)
HEAVIEST_LOAD_T: Final = Decimal(200)
"""A road train carries some 50 t; a self-propelled transporter more."""
LIGHTEST_LOAD_KG: Final = Decimal(50)
"""What is less was written in tonnes, whatever the heading says."""
EARLIEST_YEAR: Final = 2000
"""No load of ours was driven before it; an earlier year is a slip."""
BEFORE_ANY_AGREEMENT: Final = N_("The load was driven before there was an agreement.")


class MassUnit(StrEnum):
    TONNES = "t"
    KILOGRAMS = "kg"


TICKET_COLUMNS: Final[tuple[Column, ...]] = (
    Column(
        key="number",
        header_no="Seddelnummer",
        header_en="Ticket number",
        synonyms=(
            "Seddelnr",
            "Seddel",
            "Veieseddel",
            "Veieseddelnr",
            "Veieseddelnummer",
            "Bilagsnr",
            "Bilag",
            "Nr",
            "Løpenr",
            "Løpenummer",
            "Ticket",
            "Ticket no",
            "Ticket id",
            "Number",
            "Følgeseddel",
            "Følgeseddelnr",
        ),
        is_required=True,
        help=N_("The weighbridge's own number of the load. The same number again is the same load."),
        example_no="104233",
        example_en="104233",
    ),
    Column(
        key="day",
        header_no="Dato",
        header_en="Date",
        synonyms=("Veiedato", "Dato og tid", "Dato/tid", "Tidspunkt", "Date time", "Datetime", "Weighed at", "Dato ut"),
        is_required=True,
        help=N_("The day of the load, and the time too where it stands in the same cell."),
        example_no="01.03.2027",
        example_en="2027-03-01",
    ),
    Column(
        key="time",
        header_no="Klokkeslett",
        header_en="Time",
        synonyms=("Kl", "Kl.", "Tid", "Tid ut", "Klokke"),
        help=N_("The time of day, in Norway. Empty: the day alone is known, and its start is kept."),
        example_no="09:31",
        example_en="09:31",
    ),
    Column(
        key="vehicle_registration",
        header_no="Registreringsnummer",
        header_en="Vehicle registration",
        synonyms=("Reg.nr", "Regnr", "Reg nr", "Bil", "Kjøretøy", "Bilnr", "Kjennemerke", "Vehicle", "Registration"),
        is_required=True,
        help=N_("Of the lorry."),
        example_no="AB 12345",
        example_en="AB 12345",
    ),
    Column(
        key="net",
        header_no="Netto (t)",
        header_en="Net (t)",
        synonyms=(
            "Nettovekt",
            "Netto vekt",
            "Mengde",
            "Vekt",
            "Tonn",
            "Netto tonn",
            "Netto kg",
            "Kg",
            "Net weight",
            "Mass",
            "Tonnes",
            "Weight",
            "Netto i kg",
            "Netto i tonn",
            "Antall tonn",
        ),
        kind=CellKind.NUMBER,
        help=N_("What was delivered. Left out: gross less tare."),
        example_no="18,42",
        example_en="18.42",
    ),
    Column(
        key="gross",
        header_no="Brutto (t)",
        header_en="Gross (t)",
        synonyms=("Bruttovekt", "Brutto vekt", "Brutto kg", "Gross weight"),
        kind=CellKind.NUMBER,
        help=N_("Lorry and load together; used where the net is left out."),
    ),
    Column(
        key="tare",
        header_no="Tara (t)",
        header_en="Tare (t)",
        synonyms=("Taravekt", "Tara vekt", "Tara kg", "Tare weight", "Egenvekt"),
        kind=CellKind.NUMBER,
        help=N_("The empty lorry; used where the net is left out."),
    ),
    Column(
        key="carrier",
        header_no="Transportør",
        header_en="Carrier",
        synonyms=("Transportfirma", "Haulier", "Sjåfør firma", "Bileier"),
        help=N_("Who drove."),
        example_no="Bærum Transport AS",
        example_en="Bærum Transport AS",
    ),
    Column(
        key="is_weighed",
        header_no="Veid",
        header_en="Weighed",
        kind=CellKind.CHOICE,
        choices=YES_OR_NO,
        help=N_("Empty: weighed. No: estimated, which is marked wherever the load is shown."),
        example_no="ja",
        example_en="yes",
    ),
    Column(
        key="note",
        header_no="Merknad",
        header_en="Note",
        synonyms=("Kommentar", "Beskrivelse", "Comment"),
        help=N_("Anything else about the load."),
    ),
)
BY_KEY: Final[Mapping[str, Column]] = {column.key: column for column in TICKET_COLUMNS}
MASSES: Final = ("net", "gross", "tare")

_SAYS_KG = re.compile(r"\bkg\b|kilo", re.IGNORECASE)
_SAYS_T = re.compile(r"\bt\b|tonn", re.IGNORECASE)
_CLOCK = re.compile(r"(?P<hour>[01]?[0-9]|2[0-3])[:.](?P<minute>[0-5][0-9])(?:[:.](?P<second>[0-5][0-9]))?(?:\.0+)?")
_DAY_AND_CLOCK = re.compile(r"(?P<day>[0-9./-]+)[ T]+(?P<clock>[0-9:.]+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketCells:
    """What a row says of a load; `mass_t` in tonnes."""

    number: str
    loaded_at: datetime
    vehicle_registration: str
    mass_t: Decimal
    is_weighed: bool
    carrier: str
    note: str


def unit_of(header: Header, figures: Iterable[Decimal]) -> MassUnit:
    """The unit of a table's masses: what the heading says, else what the figures can only be.

    `figures` are those of the column of the net, or of the gross where there is none.
    """
    at = next((header.places[key] for key in MASSES if key in header.places), None)
    heading = header.headings[at] if at is not None else ""
    if _SAYS_KG.search(heading):
        return MassUnit.KILOGRAMS
    if _SAYS_T.search(heading):
        return MassUnit.TONNES
    return MassUnit.KILOGRAMS if any(figure > HEAVIEST_LOAD_T for figure in figures) else MassUnit.TONNES


def read_ticket(
    cells: Mapping[str, str], *, unit: MassUnit, decimal_sign: str
) -> tuple[TicketCells | None, tuple[FieldError, ...]]:
    """The load that a row tells of, or what is wrong with the row, by column."""
    reader = RowReader(cells, decimal_sign, BY_KEY)
    number, vehicle = clean_line(reader.text("number")), clean_line(reader.text("vehicle_registration"))
    loaded_at = _moment(reader)
    mass_t = _mass_t(reader, unit)
    is_weighed = reader.choice("is_weighed") != "no"
    carrier, note = clean_line(reader.text("carrier")), clean_line(reader.text("note"))
    if reader.problems or loaded_at is None or mass_t is None:
        return None, tuple(reader.problems)
    read = TicketCells(
        number=number,
        loaded_at=loaded_at,
        vehicle_registration=vehicle,
        mass_t=mass_t,
        is_weighed=is_weighed,
        carrier=carrier,
        note=note,
    )
    return read, ()


def _moment(reader: RowReader) -> datetime | None:
    typed = reader.text("day")
    if not typed:
        return None
    together = _DAY_AND_CLOCK.fullmatch(typed)
    day = _day(reader, together["day"] if together else typed)
    clock = _clock(reader, together["clock"] if together else reader.text("time"))
    if day is None or clock is None:
        return None
    return datetime.combine(day, clock, tzinfo=OSLO).astimezone(UTC)


def _day(reader: RowReader, typed: str) -> date | None:
    try:
        day = read_day(typed)
    except ValueError:
        reader.refuse("day", N_("Enter a day, for example 31.12.2027."))
        return None
    if day.year < EARLIEST_YEAR:
        reader.refuse("day", BEFORE_ANY_AGREEMENT)
        return None
    return day


def _clock(reader: RowReader, typed: str) -> time | None:
    if not typed:
        return time()
    found = _CLOCK.fullmatch(typed.strip())
    if found is None:
        reader.refuse("time", N_("Enter a time of day, for example 09:31."))
        return None
    return time(int(found["hour"]), int(found["minute"]), int(found["second"] or 0))


def _mass_t(reader: RowReader, unit: MassUnit) -> Decimal | None:
    net = reader.number("net")
    if net is None and "net" not in reader.unread:
        gross, tare = reader.number("gross"), reader.number("tare")
        if gross is None or tare is None:
            if not reader.unread & {"gross", "tare"}:
                reader.refuse("net", N_("Give the net, or both gross and tare."))
            return None
        if gross <= tare:
            message = N_("The gross, %(gross)s, is not more than the tare, %(tare)s. Are they in each other's place?")
            reader.refuse("gross", message, gross=gross, tare=tare)
            return None
        net = gross - tare
    if net is None:
        return None
    if unit is MassUnit.TONNES:
        return net
    if 0 < net < LIGHTEST_LOAD_KG:
        reader.refuse("net", N_("The masses of this table are kilograms, and this is hardly a load."))
        return None
    return net / KG_PER_T


def decimal_sign_of(figures: Iterable[str]) -> str:
    """`,` unless the figures can only be written with a point."""
    written = list(figures)
    return "." if any("." in each for each in written) and not any("," in each for each in written) else ","
