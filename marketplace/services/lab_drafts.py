"""Laboratory tables on their way in: kept as they were handed in until somebody confirms what they were understood as.

Nothing of a draft counts. It is kept whole, so that a preview can be corrected as often as it takes.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from io import BytesIO
from typing import Any, Final

from sqlalchemy import delete, select
from sqlalchemy.orm import Session, undefer

from geo.errors import LabError, LabFault
from geo.lab_tables import LabReading, LabRow, read_lab_table
from geo.proof import Medium
from geo.quality import Sample
from marketplace.actor import Actor
from marketplace.errors import Forbidden, InvalidInput, NotFound, field_error
from marketplace.geo_messages import refused_at
from marketplace.i18n_marker import N_
from marketplace.models import LabDraft
from marketplace.services.editing import NAME_LIMIT
from marketplace.services.lab_results import (
    MAX_SAMPLES,
    SAMPLE_NAME_LIMIT,
    TOO_MANY_SAMPLES,
    ReportedSample,
    ReportedValue,
)
from marketplace.services.listings import Transition, lock_listing
from marketplace.table_faults import MIB, TableError, TableFault, TableLimits
from marketplace.tables import Table, read_pasted, read_table, sheets_in_turn
from marketplace.types import LabSource

LIMITS: Final = TableLimits(file_bytes=3 * MIB, unpacked_bytes=60 * MIB, rows=20_000)
"""A laboratory's file is small, and a preview must fit into a request's time and memory."""
KEPT_FOR: Final = timedelta(days=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class HandedIn:
    """A table as it came."""

    source: LabSource
    content: bytes
    file_name: str | None = None


def stage_draft(session: Session, actor: Actor, *, listing_id: int, handed_in: HandedIn, now: datetime) -> LabDraft:
    """The table, kept for its preview. Drafts that have been lying about are thrown away.

    Raises:
        NotFound, Forbidden, Conflict: no such listing, not the actor's to change, or closed.
        InvalidInput: it is no table of results.
    """
    listing = lock_listing(session, actor, listing_id=listing_id, for_=Transition.EDIT)
    if actor.user_id is None:
        raise Forbidden
    _require_few_samples(handed_in)
    session.execute(delete(LabDraft).where(LabDraft.created_at < now - KEPT_FOR))
    draft = LabDraft(
        listing_id=listing.id,
        source=handed_in.source,
        file_name=handed_in.file_name[-NAME_LIMIT:] if handed_in.file_name else None,
        content=handed_in.content,
        said={},
        created_by_id=actor.user_id,
        created_at=now,
    )
    session.add(draft)
    session.flush()
    return draft


def replace_table(session: Session, draft: LabDraft, *, handed_in: HandedIn) -> None:
    """Put another table in the draft's place; what was said about the samples stays where they are called the same.

    Raises:
        InvalidInput: it is no table of results; the draft keeps the one it has.
    """
    _require_few_samples(handed_in)
    draft.source, draft.content, draft.file_name = handed_in.source, handed_in.content, handed_in.file_name
    session.flush()


def _require_few_samples(handed_in: HandedIn) -> None:
    """A table is read before it is kept, so that only one that has a preview is."""
    if len(read_handed_in(handed_in).samples) > MAX_SAMPLES:
        raise field_error(_field(handed_in), TOO_MANY_SAMPLES, limit=MAX_SAMPLES)


def _field(handed_in: HandedIn) -> str:
    return "text" if handed_in.source is LabSource.PASTED else "file"


def say_of_draft(session: Session, draft: LabDraft, *, said: Mapping[str, object]) -> None:
    """Keep the answers of the preview."""
    draft.said = dict(said)
    session.flush()


def draft_of(session: Session, *, listing_id: int, draft_id: int) -> LabDraft:
    """The draft with its content.

    Raises:
        NotFound: there is none, or of another listing; it may have been confirmed meanwhile.
    """
    query = (
        select(LabDraft)
        .where(LabDraft.id == draft_id, LabDraft.listing_id == listing_id)
        .options(undefer(LabDraft.content))
    )
    draft = session.scalars(query).one_or_none()
    if draft is None:
        raise NotFound
    return draft


def discard_draft(session: Session, draft: LabDraft) -> None:
    session.delete(draft)
    session.flush()


def read_draft(draft: LabDraft, *, assumed_unit: str = "", sample_name: str = "") -> LabReading:
    """What the draft's table is understood as.

    Raises:
        InvalidInput: it cannot be read.
    """
    handed_in = HandedIn(source=draft.source, content=draft.content, file_name=draft.file_name)
    return read_handed_in(handed_in, assumed_unit=assumed_unit, sample_name=sample_name)


def read_handed_in(handed_in: HandedIn, *, assumed_unit: str = "", sample_name: str = "") -> LabReading:
    """As `read_draft`, of a table that is not kept."""
    looked_at: list[str] = []
    refusal: LabError | TableError | None = None
    for table in sheets_in_turn(lambda sheet: _table_of(handed_in, sheet=sheet)):
        looked_at.append(table.sheet or "")
        try:
            reading = read_lab_table(table, assumed_unit=assumed_unit, sample_name=sample_name)
            return replace(reading, sheet=table.sheet or "")
        except LabError as error:
            if error.code is not LabFault.NO_HEADING:
                raise refused_at(_field(handed_in), error) from error
            refusal = error
        except TableError as error:
            if error.fault is not TableFault.EMPTY or table.sheet is None:
                raise
            refusal = refusal or error
    raise _no_heading(_field(handed_in), refusal, looked_at=looked_at) from refusal


def _no_heading(field: str, refusal: LabError | TableError | None, *, looked_at: Sequence[str]) -> InvalidInput:
    """That no sheet is a table of results; of a file of several, with the sheets that were looked at."""
    if len(looked_at) > 1:
        return field_error(
            field,
            N_("No headings with names of parameters, such as As, Pb and PAH16, were found on the sheets %(sheets)s."),
            sheets=", ".join(looked_at),
        )
    return refusal if isinstance(refusal, TableError) else refused_at(field, refusal or LabError(LabFault.NO_HEADING))


def _table_of(handed_in: HandedIn, *, sheet: str | None = None) -> Table:
    if handed_in.source is LabSource.PASTED:
        return read_pasted(handed_in.content.decode(), limits=LIMITS)
    return read_table(BytesIO(handed_in.content), filename=handed_in.file_name or "", limits=LIMITS, sheet=sheet)


def sha256_of(draft: LabDraft) -> str:
    return hashlib.sha256(draft.content).hexdigest()


# What will be kept ------------------------------------------------------------------------------------------------


def key_of(sample: Sample) -> str:
    """Names a sample in what is said of a draft, so that another file's sample of the same name finds it."""
    return f"{sample.medium.value}:{sample.name.casefold()}"


def samples_to_keep(reading: LabReading, *, said: Mapping[str, Any]) -> list[ReportedSample]:
    """The samples as they were confirmed, with the words of the table beside each value; all if nothing is said."""
    written = {
        (row.sample.casefold(), row.medium, row.value.parameter): row
        for row in reversed(reading.rows)
        if row.value is not None
    }
    return list(_kept(reading, said, written))


def _kept(
    reading: LabReading, said: Mapping[str, Any], written: Mapping[tuple[str, Medium, str], LabRow]
) -> Iterator[ReportedSample]:
    for sample in reading.samples:
        answer = answer_about(sample, said)
        if not answer["keep"]:
            continue
        values = []
        for value in sample.values:
            row = written.get((sample.name.casefold(), sample.medium, value.parameter))
            values.append(
                ReportedValue(
                    parameter=value.parameter,
                    value_mg_kg=value.value_mg_kg,
                    is_below=value.is_below,
                    entered_value=row.value_text if row else str(value.value_mg_kg),
                    entered_unit=row.unit_text if row else "mg/kg TS",
                )
            )
        yield ReportedSample(
            name=sample.name[:SAMPLE_NAME_LIMIT],
            values=values,
            medium=Medium(answer["medium"]),
            layer=answer["layer"] or None,
        )


def answer_about(sample: Sample, said: Mapping[str, Any]) -> dict[str, Any]:
    """What the preview was told of a sample; told nothing, it is kept, of what it seems to be of, and of no layer."""
    default = {"keep": True, "medium": sample.medium.value, "layer": ""}
    answer = {**default, **said.get(key_of(sample), {})}
    if answer["medium"] not in {medium.value for medium in Medium}:
        answer["medium"] = sample.medium.value
    return answer
