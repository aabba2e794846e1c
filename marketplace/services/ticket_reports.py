"""What somebody says of a load, made fit to be kept: its number, vehicle, mass and the photo of its slip."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from hashlib import sha256
from uuid import UUID

from sqlalchemy.orm import Session

from marketplace.clock import local_date
from marketplace.errors import FieldError, InvalidInput
from marketplace.file_types import UNKNOWN, FileType, recognise
from marketplace.i18n_marker import N_
from marketplace.models import Deal, Ticket
from marketplace.pictures import Picture, read_picture
from marketplace.services.content_sweep import while_not_swept
from marketplace.services.documents import THUMBNAIL
from marketplace.services.editing import NAME_LIMIT, text_problems
from marketplace.storage import Storage
from marketplace.text import clean_line, clean_text, is_blank
from marketplace.ticket_columns import BEFORE_ANY_AGREEMENT, EARLIEST_YEAR, HEAVIEST_LOAD_T

NUMBER_LIMIT = 60
NOTE_LIMIT = 2_000
KILOGRAM = Decimal("0.001")

EARLIEST = datetime(EARLIEST_YEAR, 1, 1, tzinfo=UTC)
"""Before it nothing was agreed here. The first years of all cannot be told in every time zone, so it is asked first."""

CLOCKS_DIFFER = timedelta(minutes=15)
"""By how much a phone's or a weighbridge's clock may be ahead of ours."""

_NORWEGIAN = re.compile(r"([A-Z]{2})([0-9]{4,5})")  # four digits on a trailer
_FOREIGN = re.compile(r"[0-9A-ZÀ-ÖØ-Þ]{2,12}")
_BETWEEN = re.compile(r"[\s.\-\u2010-\u2015·]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketReport:
    """A load as it was reported.

    Without a `number` it gets one of ours. What is not said of origin and destination is the deal's. `client_key` is
    the sender's own name for the sending: sent again under the same name, it counts once. `slip` is a picture as it
    came from the phone.
    """

    number: str = ""
    loaded_at: datetime
    vehicle_registration: str
    mass_t: Decimal
    is_weighed: bool
    carrier: str = ""
    origin_name: str = ""
    destination_name: str = ""
    note: str = ""
    client_key: UUID | None = None
    slip: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Slip:
    """The photo of a weighbridge slip as it is kept."""

    sha256: str
    picture: Picture


def normal_registration(text: str) -> str | None:
    """AB 12345 for a Norwegian vehicle however it was written, a foreign one in capitals; None for no registration."""
    plain = _BETWEEN.sub("", clean_line(text).upper())
    norwegian = _NORWEGIAN.fullmatch(plain)
    if norwegian:
        return f"{norwegian[1]} {norwegian[2]}"
    return plain if _FOREIGN.fullmatch(plain) else None


def checked_report(report: TicketReport, *, now: datetime) -> TicketReport:
    """The report with its texts cleaned, the vehicle as it is kept and the mass to the kilogram.

    Raises:
        InvalidInput: one error a field that cannot be taken, under the report's own names.
    """
    registration = normal_registration(report.vehicle_registration)
    mass_t = report.mass_t.quantize(KILOGRAM, ROUND_HALF_UP) if is_sensible(report.mass_t) else report.mass_t
    cleaned = replace(
        report,
        number=clean_line(report.number),
        vehicle_registration=registration or "",
        mass_t=mass_t,
        carrier=clean_line(report.carrier),
        origin_name=clean_line(report.origin_name),
        destination_name=clean_line(report.destination_name),
        note=clean_text(report.note),
    )
    problems = tuple(_problems(cleaned, registration=report.vehicle_registration, now=now))
    if problems:
        raise InvalidInput(*problems)
    return cleaned


def is_sensible(mass_t: Decimal) -> bool:
    return mass_t.is_finite() and Decimal(0) < mass_t <= HEAVIEST_LOAD_T and mass_t >= KILOGRAM


def _problems(report: TicketReport, *, registration: str, now: datetime) -> Iterator[FieldError]:
    yield from text_problems(report.number, field="number", limit=NUMBER_LIMIT)
    if report.number and is_blank(report.number):
        yield FieldError(field="number", message=N_("Enter the number on the slip, or leave it empty."))
    if not is_sensible(report.mass_t):
        yield FieldError(
            field="mass_t",
            message=N_("Enter the tonnes of one load: more than zero, and at most %(limit)s."),
            params={"limit": HEAVIEST_LOAD_T},
        )
    if not report.vehicle_registration:
        message = (
            N_("Enter the vehicle's registration, for example AB 12345.")
            if is_blank(registration)
            else N_("This is no vehicle registration. Norwegian ones are written as AB 12345.")
        )
        yield FieldError(field="vehicle_registration", message=message)
    if report.loaded_at < EARLIEST:
        yield FieldError(field="loaded_at", message=BEFORE_ANY_AGREEMENT)
    if report.loaded_at > now + CLOCKS_DIFFER:
        yield FieldError(field="loaded_at", message=N_("This time has not come yet."))
    for field in ("carrier", "origin_name", "destination_name"):
        yield from text_problems(getattr(report, field), field=field, limit=NAME_LIMIT)
    yield from text_problems(report.note, field="note", limit=NOTE_LIMIT)


def day_problems(report: TicketReport, deal: Deal) -> Iterator[FieldError]:
    """What is wrong with when the load was driven, for this deal."""
    first = min(day for day in (deal.agreed_from, local_date(deal.created_at)) if day is not None)
    if local_date(report.loaded_at) < first:
        yield FieldError(field="loaded_at", message=BEFORE_ANY_AGREEMENT)


def says_the_same(report: TicketReport, ticket: Ticket) -> bool:
    """Whether a report, checked already, is of the load that a ticket says: what is paid and counted by is the same."""
    return (
        (not report.number or report.number.casefold() == ticket.number.casefold())
        and report.vehicle_registration == ticket.vehicle_registration
        and report.mass_t == ticket.mass_t
        and report.is_weighed is ticket.is_weighed
        and _minute(report.loaded_at) == _minute(ticket.loaded_at)
    )


def _minute(moment: datetime) -> int:
    return int(moment.timestamp()) // 60


def read_slip(content: bytes | None) -> Slip | None:
    """The photo, encoded anew without what the camera wrote in it; None for no photo.

    Raises:
        InvalidInput: it is no picture that can be read (field "slip").
    """
    if not content:
        return None
    try:
        file_type = recognise(content, file_name="")
        if not file_type.is_picture:
            raise InvalidInput(FieldError(field="slip", message=NO_SLIP_PICTURE))
        picture = read_picture(content, file_type=file_type)
    except InvalidInput as refused:
        raise InvalidInput(*(_of_slip(error) for error in refused.errors)) from None
    return Slip(sha256=sha256(picture.content).hexdigest(), picture=picture)


NO_SLIP_PICTURE = N_("This is no picture. Send a photo of the slip as JPEG, PNG or WebP.")


def _of_slip(error: FieldError) -> FieldError:
    """Of a slip, where the kinds of documents that can be taken elsewhere would only mislead."""
    return replace(error, field="slip", message=NO_SLIP_PICTURE if error.message == UNKNOWN else error.message)


def put_slip(session: Session, slip: Slip | None, *, storage: Storage | None) -> dict[str, object]:
    """The columns of a ticket that name its slip, whose content is in the storage for good."""
    if slip is None:
        return {}
    if storage is None:
        raise ValueError("a slip has to be put somewhere")
    while_not_swept(session)
    storage.put(f"{slip.sha256}.{THUMBNAIL}", slip.picture.thumbnail)
    storage.put(slip.sha256, slip.picture.content)
    return {
        "slip_sha256": slip.sha256,
        "slip_media_type": FileType.JPEG.value,
        "slip_size_bytes": len(slip.picture.content),
    }
