"""What kinds of files there are, and what is done with the rows of each."""

from itertools import islice
from typing import TYPE_CHECKING, Final

from marketplace.errors import InvalidInput
from marketplace.services.bulk_listings import ListingRows
from marketplace.services.bulk_plans import PlanRows
from marketplace.services.bulk_rows import RowKind
from marketplace.table_columns import HEADER_WITHIN_ROWS, Column, find_header
from marketplace.tables import read_pasted, read_table
from marketplace.types import ImportKind

if TYPE_CHECKING:
    from marketplace.services.bulk_staging import GivenFile

KINDS: Final[dict[ImportKind, RowKind]] = {ImportKind.LISTINGS: ListingRows(), ImportKind.PLAN: PlanRows()}


def columns_of(kind: ImportKind) -> tuple[Column, ...]:
    return KINDS[kind].columns


def kind_meant(given: "GivenFile", *, instead_of: ImportKind) -> ImportKind | None:
    """The kind that a file has all columns of that there must be, where it was refused as another; else None."""
    given.data.seek(0)
    try:
        with (
            read_pasted(given.data.read().decode(), field=given.field)
            if given.is_pasted
            else read_table(given.data, filename=given.name)
        ) as table:
            first = list(islice(table, HEADER_WITHIN_ROWS))
    except InvalidInput:  # what is wrong with the file itself has been said
        return None
    for kind in KINDS:
        header = find_header(first, columns_of(kind)) if kind is not instead_of else None
        if header is not None and not header.missing:
            return kind
    return None
