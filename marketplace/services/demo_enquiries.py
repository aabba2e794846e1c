"""What visitors have asked about listings of the demo region: a question that waits, and one that was answered."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from marketplace.actor import Actor
from marketplace.models import Enquiry, EnquiryMessage, Listing, Notice
from marketplace.services.demo_rows import Row
from marketplace.types import DealEvent, EnquiryStatus


def add_enquiries(
    session: Session,
    rows: Sequence[Row],
    *,
    actors: Mapping[str, Actor],
    listings: Mapping[str, Listing],
    now: datetime,
) -> None:
    """Enquiries whose address was confirmed, and the notice of each that waits. No mail tells of them."""
    for number, row in enumerate(rows):
        listing, asked_at = listings[row["listing"]], now - timedelta(days=int(row["age_days"]))
        answered_at = asked_at + timedelta(hours=3) if row["answer"] else None
        enquiry = Enquiry(
            listing_id=listing.id,
            organisation_id=listing.organisation_id,
            status=EnquiryStatus.OPEN,
            name=row["name"],
            firm=row["firm"],
            email=row["email"],
            locale="nb",
            key=f"{number:032x}",
            is_answered=answered_at is not None,
            created_at=asked_at,
            confirmed_at=asked_at,
            touched_at=answered_at or asked_at,
            messages=[EnquiryMessage(body=row["text"], created_at=asked_at)],
        )
        session.add(enquiry)
        session.flush()
        if answered_at is not None:
            answerer = actors[row["answered_by"]].user_id
            enquiry.messages.append(EnquiryMessage(author_id=answerer, body=row["answer"], created_at=answered_at))
        else:
            session.add(
                Notice(
                    user_id=listing.created_by_id,
                    enquiry_id=enquiry.id,
                    event=DealEvent.ENQUIRY,
                    about_id=enquiry.messages[0].id,
                    first_at=asked_at,
                    last_at=asked_at,
                )
            )
    session.flush()
