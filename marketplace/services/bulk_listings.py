"""Rows of a file as listings: written a chunk at a time, as creating, changing and publishing by hand would.

A listing is known again by its reference (`Listing.external_reference`), so that a file can be sent any number of
times: what is new is created, what differs is changed, and the rest is left as it is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import chain

from geoalchemy2 import WKBElement
from geoalchemy2.shape import to_shape
from sqlalchemy import insert, select, text
from sqlalchemy.orm import Session

from geo.materials import taxonomy
from marketplace.actor import Actor
from marketplace.errors import FieldError, Forbidden
from marketplace.listing_columns import listing_columns
from marketplace.models import ImportBatch, Listing, Organisation
from marketplace.queries.positions import Blur
from marketplace.services.bulk_listing_rows import CheckedRow, checked_rows
from marketplace.services.bulk_rows import RowOutcome, StagedRow
from marketplace.services.declarations import write_statements
from marketplace.services.listing_details import CheckedDetails
from marketplace.services.listings import (
    Transition,
    can,
    column_values,
    keep_sight_in_step,
    publish_each,
    write_values,
)
from marketplace.services.quality import NOTHING_STATED, proofs_of, refresh_qualities
from marketplace.services.search_text import compose_search_text, refresh_search_text
from marketplace.types import ImportRowStatus, ListingKind, ListingStatus, PausedReason

SAME_PLACE_M = 0.001

NEXT_IDS = text("SELECT nextval(pg_get_serial_sequence('listing', 'id')) FROM generate_series(1, :count)")
"""Known beforehand, so that the rows need not be asked for theirs: that takes half as long again."""


class ListingRows:
    """`services.bulk_rows.RowKind` for listings."""

    columns = listing_columns()

    def check(
        self, session: Session, batch: ImportBatch, rows: Sequence[StagedRow], *, now: datetime
    ) -> list[RowOutcome]:
        return [
            RowOutcome(
                line=each.read.row.line,
                status=ImportRowStatus.BAD if each.problems else ImportRowStatus.GOOD,
                reference=each.read.reference,
                listing_id=each.existing.id if each.existing else None,
                problems=each.problems,
            )
            for each in checked_rows(session, batch, rows, now=now, holds=False)
        ]

    def apply(
        self, session: Session, actor: Actor, batch: ImportBatch, rows: Sequence[StagedRow], *, now: datetime
    ) -> list[RowOutcome]:
        checked = checked_rows(session, batch, rows, now=now, holds=True)
        good = [each for each in checked if not each.problems]
        writer = ListingWriter(session, actor, batch, now=now)
        outcomes = [
            RowOutcome(
                line=each.read.row.line,
                status=ImportRowStatus.BAD,
                reference=each.read.reference,
                problems=each.problems,
            )
            for each in checked
            if each.problems
        ]
        return [*outcomes, *writer.write(good)]


# Writing ----------------------------------------------------------------------------------------------------------


class ListingWriter:
    """Writes the rows of one chunk, each as what creating, changing and publishing by hand would make of it."""

    def __init__(self, session: Session, actor: Actor, batch: ImportBatch, *, now: datetime) -> None:
        assert actor.user_id is not None
        self.session, self.actor, self.user_id, self.now = session, actor, actor.user_id, now
        self.organisation = session.get_one(Organisation, batch.organisation_id)
        self.blur = Blur(session, organisation_id=batch.organisation_id)

    def write(self, rows: Sequence[CheckedRow]) -> list[RowOutcome]:
        """What came of each row. Nothing is wrong with any of them, and the caller holds their listings."""
        new_ids = self._create([row for row in rows if row.existing is None])
        listings = self._listings(rows, new_ids)
        changed = set(new_ids)
        with self.session.no_autoflush:  # the gate decides before the database is asked to take a changed material
            stated = self._state(rows, listings)
            altered = {row.read.reference for row in rows if row.existing is not None and self._change(row)}
            wanted = self._wanted(rows, listings)
            others = [listings[each] for each in sorted(stated | altered) if each not in wanted]
            refresh_qualities(self.session, others, now=self.now)
            refused = self._publish(wanted)
        self._keep_sight_in_step([row.existing for row in rows if row.existing is not None])
        refresh_search_text(self.session, listing_ids=tuple(listings[each].id for each in altered))
        published = {reference for reference, problems in refused.items() if not problems}
        changed |= stated | altered | published
        return [
            RowOutcome(
                line=row.read.row.line,
                status=ImportRowStatus.APPLIED if row.read.reference in changed else ImportRowStatus.UNCHANGED,
                reference=row.read.reference,
                listing_id=row.existing.id if row.existing else new_ids[row.read.reference],
                problems=refused.get(row.read.reference, ()),
            )
            for row in rows
        ]

    def _keep_sight_in_step(self, listings: Sequence[Listing]) -> None:
        dealt_with = [listing for listing in listings if listing.committed_t]
        if dealt_with:
            self.session.flush()
            keep_sight_in_step(self.session, dealt_with, now=self.now)

    def _create(self, rows: Sequence[CheckedRow]) -> dict[str, int]:
        """The ids of new drafts by their reference."""
        if not rows:
            return {}
        ids = self.session.scalars(NEXT_IDS, {"count": len(rows)}).all()
        values = [
            {
                "id": listing_id,
                **column_values(row.checked, blur=self.blur, was_hidden=False),
                "status": ListingStatus.DRAFT,
                "organisation_id": self.organisation.id,
                "created_by_id": self.user_id,
                "external_reference": row.read.reference,
                "search_text": self._search_text(row.checked),
            }
            for listing_id, row in zip(ids, rows, strict=True)
        ]
        # Rows of one shape go in together, so what is empty is written as well.
        self.session.execute(insert(Listing), values, execution_options={"render_nulls": True})
        return {row.read.reference: listing_id for listing_id, row in zip(ids, rows, strict=True)}

    def _search_text(self, checked: CheckedDetails) -> str:
        details, project = checked.details, checked.project
        assert checked.municipality is not None
        return compose_search_text(
            material=taxonomy().material(details.material_key),
            fraction=details.fraction,
            description=details.description,
            project_name=project.name if project else None,
            builder=project.builder if project else None,
            organisation_name=self.organisation.name,
            municipality_name=checked.municipality.name,
        )

    def _listings(self, rows: Sequence[CheckedRow], new_ids: Mapping[str, int]) -> dict[str, Listing]:
        """By reference the listings there were, and of the new ones those that more is done with."""
        wanted = [new_ids[row.read.reference] for row in rows if row.existing is None and row.read.wants_more]
        query = select(Listing).where(Listing.id.in_(wanted)).order_by(Listing.id)
        loaded = self.session.scalars(query).all() if wanted else ()
        there = (row.existing for row in rows if row.existing is not None)
        return {str(listing.external_reference): listing for listing in chain(there, loaded)}

    def _change(self, row: CheckedRow) -> bool:
        """Whether the row says anything of the mass that its listing did not say already."""
        listing = row.existing
        assert listing is not None
        values = column_values(row.checked, blur=self.blur, was_hidden=listing.hides_position)
        differing = {name: value for name, value in values.items() if not _is_same(getattr(listing, name), value)}
        if differing:
            write_values(listing, differing, now=self.now)
        return bool(differing)

    def _state(self, rows: Sequence[CheckedRow], listings: Mapping[str, Listing]) -> set[str]:
        """Write what is stated of the lots; the references of those it is news for."""
        stating = [row.read for row in rows if row.read.statements]
        if not stating:
            return set()
        kept = proofs_of(self.session, [listings[each.reference].id for each in stating])
        news = {
            each.reference
            for each in stating
            if write_statements(
                self.session,
                listings[each.reference],
                each.statements,
                kept=kept[listings[each.reference].id].declarations,
                user_id=self.user_id,
                now=self.now,
            )
        }
        self.session.flush()
        return news

    def _wanted(self, rows: Sequence[CheckedRow], listings: Mapping[str, Listing]) -> dict[str, Listing]:
        """Those that are to be published and are not."""
        return {
            row.read.reference: listings[row.read.reference]
            for row in rows
            if row.read.publishes and _is_to_be_published(listings[row.read.reference])
        }

    def _publish(self, wanted: Mapping[str, Listing]) -> dict[str, tuple[FieldError, ...]]:
        """Publish what may be published; by reference what stands in the way of each, nothing for those it does not."""
        if not wanted:
            return {}
        try:
            refused: dict[int, tuple[FieldError, ...]] = {}
            for kind in ListingKind:  # the same columns change on all of a kind, and they are written together
                of_kind = [each for each in wanted.values() if each.kind is kind]
                refused |= publish_each(self.session, self.actor, of_kind, now=self.now)
        except Forbidden as forbidden:
            refresh_qualities(self.session, list(wanted.values()), now=self.now)
            problem = FieldError(field="publish", message=forbidden.message, params=forbidden.params)
            return dict.fromkeys(wanted, (problem,))
        return {
            reference: tuple(_at_statement(each) for each in refused.get(listing.id, ()))
            for reference, listing in wanted.items()
        }


def _is_to_be_published(listing: Listing) -> bool:
    """Not what is out of sight since all of it is agreed: it comes back by itself when something is left."""
    return can(Transition.PUBLISH, listing) and listing.paused_reason is not PausedReason.FULL


def _at_statement(problem: FieldError) -> FieldError:
    """What the gate says, at a column of the table."""
    if problem.field == NOTHING_STATED:
        return replace(problem, field="virgin_basis")
    return problem if problem.field in COLUMN_KEYS else replace(problem, field="publish")


COLUMN_KEYS = frozenset(column.key for column in listing_columns())


def _is_same(kept: object, said: object) -> bool:
    if isinstance(kept, WKBElement) and isinstance(said, WKBElement):
        return bool(to_shape(kept).equals_exact(to_shape(said), tolerance=SAME_PLACE_M))
    return kept == said
