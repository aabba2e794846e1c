"""How it is known of each surplus in the demo region that it is clean: laboratory files and statements, all invented.

Nothing is written past the services, so what the gate keeps from others in life it keeps from them here too.
"""

import hashlib
from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Final

from sqlalchemy.orm import Session

from geo.materials import taxonomy
from geo.proof import DeclarationKind
from marketplace.actor import Actor
from marketplace.clock import local_date
from marketplace.config import ROOT
from marketplace.models import Listing
from marketplace.services.declarations import Statement, declare
from marketplace.services.lab_drafts import HandedIn, read_handed_in, samples_to_keep
from marketplace.services.lab_results import ReportHead, store_report
from marketplace.services.quality import asked_of
from marketplace.types import LabSource

LAB_FOLDER: Final = ROOT / "seed" / "demo" / "lab"

type Row = Mapping[str, str]


def add_proof(session: Session, actor: Actor, *, listing: Listing, row: Row, now: datetime) -> None:
    """Give a listing that was written at `now` what its row in `proofs.csv` says."""
    today = local_date(now)
    if row["lab_file"]:
        path = LAB_FOLDER / row["lab_file"]
        handed_in = HandedIn(source=LabSource.FILE, content=path.read_bytes(), file_name=path.name)
        samples = samples_to_keep(read_handed_in(handed_in), said={})
        head = ReportHead(
            source=LabSource.FILE,
            laboratory=row["laboratory"],
            report_number=row["report_number"],
            sampled_on=today - timedelta(days=int(row["sampled_days"])),
            file_name=path.name,
            file_sha256=hashlib.sha256(handed_in.content).hexdigest(),
        )
        store_report(session, actor, listing_id=listing.id, head=head, samples=samples, now=now)
    statements = tuple(statements_of(listing, row, today=today))
    if statements:
        declare(session, actor, listing_id=listing.id, statements=statements, now=now)


def statements_of(listing: Listing, row: Row, *, today: date) -> Iterator[Statement]:
    """What is stated of the lot on a day."""
    for kind in asked_of(taxonomy().material(listing.material_key)):
        yield Statement(kind=kind, stated_by=row["stated_by"], stated_on=today, basis=row["basis"])
    if row["origin"]:
        yield Statement(
            kind=DeclarationKind.VIRGIN_AREA, stated_by=row["stated_by"], stated_on=today, basis=row["origin"]
        )
    if row["stored_days"]:
        yield Statement(
            kind=DeclarationKind.FLAKES_STORED_SINCE,
            stated_by=row["stated_by"],
            stated_on=today,
            since_on=today - timedelta(days=int(row["stored_days"])),
        )
