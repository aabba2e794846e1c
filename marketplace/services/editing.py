"""What changing a project and changing a listing have in common."""

from collections.abc import Iterator
from datetime import date, datetime

from marketplace.clock import local_date
from marketplace.errors import Conflict, FieldError
from marketplace.i18n_marker import N_
from marketplace.models import Facility, Listing, Project
from marketplace.text import is_blank

EARLIEST_DAY = date(2000, 1, 1)
LATEST_YEARS_AHEAD = 40
"""Nobody plans masses further ahead than a transport plan or a large pit lasts; a later year is a slip of a finger."""

NAME_LIMIT = 200
DESCRIPTION_LIMIT = 4_000


class ChangedMeanwhile(Conflict):
    """Two people edited the same thing, and the second has not seen what the first wrote."""

    message = N_(
        "Somebody else changed this while you had it open. Your text is kept below: save once more to put it in place"
        " of theirs."
    )


def edit_version(row: Facility | Listing | Project) -> str:
    """Names the state of a row; it is another one after each change."""
    return (row.updated_at or row.created_at).isoformat()


def require_unchanged(row: Facility | Listing | Project, seen_version: str | None) -> None:
    """Let an edit through that was made on the row as it is; `seen_version` None overwrites whatever is there.

    Raises:
        ChangedMeanwhile: the row is not the one that was seen.
    """
    if seen_version is not None and seen_version != edit_version(row):
        raise ChangedMeanwhile


def period_problems(
    first: date, last: date, *, first_field: str, last_field: str, now: datetime
) -> Iterator[FieldError]:
    """What is wrong with a period from `first` to `last`, both included."""
    latest = date(local_date(now).year + LATEST_YEARS_AHEAD, 12, 31)
    for day, field in ((first, first_field), (last, last_field)):
        if not EARLIEST_DAY <= day <= latest:
            yield FieldError(
                field=field,
                message=N_("Choose a day between the years %(first)s and %(last)s."),
                params={"first": str(EARLIEST_DAY.year), "last": str(latest.year)},
            )
            return
    if last < first:
        yield FieldError(field=last_field, message=N_("The period ends before it starts."))


def text_problems(text: str, *, field: str, limit: int, missing: str | None = None) -> Iterator[FieldError]:
    """What is wrong with a text of at most `limit` characters; `missing` is said where it must not be empty."""
    if missing is not None and is_blank(text):
        yield FieldError(field=field, message=missing)
    elif len(text) > limit:
        yield FieldError(
            field=field,
            message=N_("The text is %(count)s characters long; at most %(limit)s can be kept."),
            params={"count": len(text), "limit": limit},
        )
