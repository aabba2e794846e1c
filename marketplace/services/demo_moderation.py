"""What the moderators of the demo region find: all but one organisation verified, a request, and reports."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.orm import Session

from marketplace.actor import Actor
from marketplace.models import Listing, ListingReport, Organisation, VerificationRequest
from marketplace.services.demo_rows import Row
from marketplace.types import ReportReason

NOTE: Final = "Eksempeldata: fullmakt sett av administrator."


def add_moderation(
    session: Session,
    *,
    reports: Sequence[Row],
    requests: Sequence[Row],
    organisations: Mapping[str, Organisation],
    actors: Mapping[str, Actor],
    listings: Mapping[str, Listing],
    now: datetime,
) -> None:
    """Verify the organisations that do not ask for it, and put questions on the desk. No mail tells of it."""
    asking = {row["organisation"] for row in requests}
    for key, organisation in organisations.items():
        if key not in asking:
            organisation.verified_at = now
            organisation.verified_by_id = actors["admin"].user_id
            organisation.verification_note = NOTE
    for row in requests:
        session.add(
            VerificationRequest(
                organisation_id=organisations[row["organisation"]].id,
                text=row["text"],
                made_by_id=actors[row["asked_by"]].user_id,
                created_at=now - timedelta(days=int(row["age_days"])),
            )
        )
    for row in reports:
        session.add(
            ListingReport(
                listing_id=listings[row["listing"]].id,
                reason=ReportReason(row["reason"]),
                text=row["text"],
                reporter_id=actors[row["reported_by"]].user_id if row["reported_by"] else None,
                created_at=now - timedelta(days=int(row["age_days"])),
            )
        )
    session.flush()
