"""What kinds of files there are, and what is done with the rows of each."""

from typing import Final

from marketplace.services.bulk_listings import ListingRows
from marketplace.services.bulk_plans import PlanRows
from marketplace.services.bulk_rows import RowKind
from marketplace.table_columns import Column
from marketplace.types import ImportKind

KINDS: Final[dict[ImportKind, RowKind]] = {ImportKind.LISTINGS: ListingRows(), ImportKind.PLAN: PlanRows()}


def columns_of(kind: ImportKind) -> tuple[Column, ...]:
    return KINDS[kind].columns
