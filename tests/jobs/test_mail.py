"""Mail on its way: written in the recipient's language, sent once, and tried again when a server says not now."""

import re
import smtplib
import socketserver
import threading
from collections.abc import Iterator
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from flask import Flask
from procrastinate.jobs import Job
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session
from werkzeug.exceptions import NotFound
from werkzeug.routing import RequestRedirect

from marketplace.config import ROOT, Settings
from marketplace.jobs.mail import WAITS_S, Backoff, MailNotSent
from marketplace.mailing import MailRenderer
from marketplace.models import OutboxMail
from marketplace.services.mail import (
    QUEUED_AGAIN_FOR,
    DeliveryFailure,
    LocalOutbox,
    SmtpServer,
    Transport,
    deliver_mail,
    queue_lost_mails,
    send_mail,
)
from tests.conftest import NOW

ABOUT_SEVERAL = {
    "name": "Kari",
    "token": "a-b.c",
    "days": 30,
    "pause_days": 14,
    "listings": [
        {"listing_id": each, "kind": kind, "material": "leire", "mass_t": "800", "available_to": "2027-09-30"}
        for each, kind in ((7, "surplus"), (8, "demand"), (9, "reception"))
    ],
}
ABOUT_AN_ENQUIRY = {
    "name": "Kari",
    "organisation": "Fjell AS",
    "material": "leire",
    "place": "Bærum",
    "lines": [],
    "token": "a-b.c",
}
WHAT_IS_NEW = {
    "name": "Kari",
    "token": "a-b.c",
    "count": 22,
    "more": 2,
    "items": [
        {
            **listing,
            "organisation": "Fjell AS",
            "municipality": "Bærum",
            "available_from": "2027-03-01",
            "searches": [{"name": "Leire nær Oslo"}],
            "more_fits": 2,
            "fits": [
                {
                    **other,
                    "distance_km": "12",
                    "coverage_percent": 40,
                    "used_percent": 100,
                    "offered": "sprengstein",
                    "demanded": "pukk",
                    "treatment": "crushing",
                    "quality": "declared",
                }
                for other in ABOUT_SEVERAL["listings"]
            ],
        }
        for listing in ABOUT_SEVERAL["listings"]
    ],
}
CONTEXTS: dict[str, dict[str, str | int]] = {
    "confirm_address": {"name": "Kari", "token": "the-token"},
    "already_signed_up": {"name": "Kari", "email": "kari@bygg.example"},
    "no_account": {"email": "kari@bygg.example"},
    "reset_password": {"name": "Kari", "token": "the-token"},
    "password_changed": {"name": "Kari"},
    "invitation": {"organisation": "Fjell AS", "inviter": "Ola", "expires_on": "2027-03-15", "token": "the-token"},
    "listing_paused_quality": {"name": "Kari", "material": "sprengstein", "mass_t": "1200", "listing_id": 7},
    "listing_hidden": {
        "name": "Kari",
        "material": "sprengstein",
        "mass_t": "1200",
        "listing_id": 7,
        "reason": "Bildet viser noe annet.",
    },
    "listing_restored": {
        "name": "Kari",
        "material": "sprengstein",
        "mass_t": "1200",
        "listing_id": 7,
        "answer": "Takk for nytt bilde.",
        "is_in_sight": 1,
    },
    "report_decided": {"material": "sprengstein", "mass_t": "1200", "listing_id": 7, "outcome": "hidden"},
    "organisation_banned": {"name": "Kari", "organisation": "Fjell AS", "organisation_id": 7, "reason": "Falskt."},
    "organisation_unbanned": {"name": "Kari", "organisation": "Fjell AS", "organisation_id": 7, "answer": "Enig."},
    "account_banned": {"name": "Kari", "reason": "Trakassering."},
    "account_unbanned": {"name": "Kari"},
    "appeal_refused": {
        "name": "Kari",
        "organisation": "Fjell AS",
        "organisation_id": 7,
        "listing_id": 7,
        "answer": "Bildet er det samme.",
    },
    "verification_granted": {"name": "Kari", "organisation": "Fjell AS", "organisation_id": 7},
    "verification_refused": {
        "name": "Kari",
        "organisation": "Fjell AS",
        "organisation_id": 7,
        "answer": "Fullmakten er ikke signert.",
    },
    "verification_withdrawn": {"name": "Kari", "organisation": "Fjell AS", "organisation_id": 7, "reason": "Slettet."},
    "facility_ends": {"name": "Kari", "facility": "Mellomlager Rud", "available_to": "2027-03-15", "facility_id": 7},
    "listing_expires": {
        "name": "Kari",
        "kind": "surplus",
        "material": "sprengstein",
        "mass_t": "1200",
        "available_to": "2027-03-15",
        "listing_id": 7,
    },
    "alerts": WHAT_IS_NEW,
    "deal_notice": {
        "name": "Kari",
        "path": "/deals/7",
        "event": "countered",
        "by": "giver",
        "other": "Fjell AS",
        "material": "leire",
        "lines": [],
    },
    "deal_daily": {
        "name": "Kari",
        "day": "2027-03-15",
        "more": 2,
        "lines": [
            {"event": "ticket_added", "by": "giver", "other": "Fjell AS", "material": "leire", "times": 3, "path": path}
            for path in ("/deals/7", "/deals/8/tickets")
        ],
    },
    "deals_silent": {
        "name": "Kari",
        "deals": [
            {"deal_id": 7, "silence": silence, "other": "Fjell AS", "material": "leire", "since": "2027-03-01"}
            for silence in ("offer", "confirm", "correct", "sign", "close", "never_began")
        ],
    },
    "enquiry_confirm": {"material": "leire", "place": "Bærum", "token": "a-b.c"},
    "enquiry_answer": ABOUT_AN_ENQUIRY,
    "enquiry_invited": ABOUT_AN_ENQUIRY,
    "listings_still_stand": ABOUT_SEVERAL,
    "listings_paused_unanswered": ABOUT_SEVERAL,
}
"""What each template is given; a template that needs more fails here."""


class Refusing:
    """A server that answers every mail with an error."""

    leaves_the_house = True

    def __init__(self, error: OSError) -> None:
        self.error = error

    def send(self, message: EmailMessage) -> None:
        del message
        raise self.error


class Collecting:
    """A server that takes every mail."""

    leaves_the_house = True

    def __init__(self) -> None:
        self.messages: list[EmailMessage] = []

    def send(self, message: EmailMessage) -> None:
        self.messages.append(message)


@pytest.fixture
def render(settings: Settings) -> MailRenderer:
    return MailRenderer(settings)


def kept(
    session: Session, template: str = "confirm_address", *, locale: str = "en", **context: str | int
) -> OutboxMail:
    return send_mail(
        session,
        to="kari@bygg.example",
        template=template,
        locale=locale,
        context={**CONTEXTS[template], **context},
    )


def deliver(session: Session, mail: OutboxMail, render: MailRenderer, transport: Transport) -> DeliveryFailure | None:
    return deliver_mail(
        session,
        mail_id=mail.id,
        render=render,
        transport=transport,
        sender="Masseflyt <ikke-svar@masseflyt.example>",
        now=NOW,
    )


# Writing --------------------------------------------------------------------------------------------------------------


def test_every_template_is_tried_here() -> None:
    assert {path.stem for path in (ROOT / "templates" / "email").glob("*.txt")} == set(CONTEXTS)


@pytest.mark.parametrize("locale", ["nb", "en"])
@pytest.mark.parametrize("template", sorted(CONTEXTS))
def test_a_mail_has_a_subject_and_a_body(session: Session, render: MailRenderer, template: str, locale: str) -> None:
    rendered = render(kept(session, template, locale=locale))
    assert rendered.subject
    assert not rendered.body_text.startswith(("Subject", "\n"))
    assert "\n\n" in rendered.body_text
    assert not re.search(r"[{}<>]|%\(|None", rendered.subject + rendered.body_text)


@pytest.mark.parametrize("template", sorted(CONTEXTS))
def test_every_link_in_a_mail_leads_to_a_page(
    session: Session, render: MailRenderer, app: Flask, template: str
) -> None:
    links = re.findall(r"https?://\S+", render(kept(session, template)).body_text)
    routes = app.url_map.bind("127.0.0.1")
    for link in links:
        assert link.startswith("http://127.0.0.1:5000/")
        path = link.removeprefix("http://127.0.0.1:5000").partition("?")[0]
        try:
            routes.match(path, method="GET")
        except (NotFound, RequestRedirect) as error:
            pytest.fail(f"{template}: {path} leads nowhere ({error})")


def test_the_day_is_written_as_the_recipient_writes_it(session: Session, render: MailRenderer) -> None:
    assert "15. mars 2027" in render(kept(session, "invitation", locale="nb")).body_text
    assert "15 March 2027" in render(kept(session, "invitation", locale="en")).body_text


def test_what_people_typed_cannot_pose_as_a_header_or_a_line_of_ours(session: Session, render: MailRenderer) -> None:
    mail = kept(
        session, "invitation", organisation="Fjell\r\nBcc: everybody@example.com\r\n\r\nPay here", inviter="O\nla"
    )
    transport = Collecting()
    assert deliver(session, mail, render, transport) is None
    message = transport.messages[0]
    assert message["Bcc"] is None
    assert message["Subject"] == "O la invites you to Fjell Bcc: everybody@example.com Pay here"
    assert "\nPay here" not in message.get_content()


def test_a_percent_sign_or_a_brace_in_a_name_stays_what_it_is(session: Session, render: MailRenderer) -> None:
    body = render(kept(session, "confirm_address", name="100%(name)s {{ 7*7 }} <b>")).body_text
    assert "100%(name)s {{ 7*7 }} <b>" in body


# Sending --------------------------------------------------------------------------------------------------------------


def test_the_local_outbox_keeps_the_mail_readable(session: Session, render: MailRenderer) -> None:
    mail = kept(session)
    assert deliver(session, mail, render, LocalOutbox()) is None
    assert (mail.sent_at, mail.attempts, mail.last_error) == (NOW, 1, None)
    assert "http://127.0.0.1:5000/signup/confirm?token=the-token" in (mail.body_text or "")


def test_a_link_is_forgotten_when_the_mail_has_left_the_house(session: Session, render: MailRenderer) -> None:
    mail, transport = kept(session), Collecting()
    deliver(session, mail, render, transport)
    session.expire(mail)
    assert "the-token" in transport.messages[0].get_content()
    assert "the-token" not in (mail.body_text or "") + str(mail.context)


def test_a_mail_is_sent_once(session: Session, render: MailRenderer) -> None:
    mail, transport = kept(session), Collecting()
    deliver(session, mail, render, transport)
    deliver(session, mail, render, transport)
    assert len(transport.messages) == 1


def test_a_mail_that_is_gone_is_no_error(session: Session, render: MailRenderer) -> None:
    mail = kept(session)
    session.delete(mail)
    session.flush()
    assert deliver(session, mail, render, Collecting()) is None


@pytest.mark.parametrize(
    ("error", "is_final"),
    [
        (ConnectionRefusedError(111, "Connection refused"), False),
        (TimeoutError("timed out"), False),
        (smtplib.SMTPAuthenticationError(535, b"wrong password"), False),
        (smtplib.SMTPRecipientsRefused({"kari@bygg.example": (451, b"greylisted")}), False),
        (smtplib.SMTPRecipientsRefused({"kari@bygg.example": (550, b"no such user")}), True),
        (smtplib.SMTPDataError(554, b"rejected"), True),
    ],
)
def test_a_refusal_is_noted_and_tried_again_unless_it_is_final(
    session: Session, render: MailRenderer, error: OSError, is_final: bool
) -> None:
    mail = kept(session)
    failure = deliver(session, mail, render, Refusing(error))
    assert failure is not None
    assert failure.is_final is is_final
    assert (mail.sent_at, mail.attempts) == (None, 1)
    assert type(error).__name__ in (mail.last_error or "")
    assert mail.context["token"] == "the-token"


def waits(error: Exception, attempts: int) -> bool:
    job = Job(id=1, task_name="send_mail", lock=None, queueing_lock=None, queue="default", attempts=attempts)
    return Backoff().get_retry_decision(exception=error, job=job) is not None


@pytest.mark.parametrize(
    "error", [MailNotSent("not now", is_final=False), OperationalError("SELECT 1", {}, Exception("server closed"))]
)
def test_waiting_grows_and_ends(error: Exception) -> None:
    assert list(WAITS_S) == sorted(WAITS_S)
    assert [waits(error, attempts) for attempts in (0, len(WAITS_S) - 1, len(WAITS_S))] == [True, True, False]


def test_what_is_refused_for_good_is_not_tried_again() -> None:
    assert not waits(MailNotSent("no such user", is_final=True), 0)


# Lost -----------------------------------------------------------------------------------------------------------------


def jobs_of(session: Session, mail: OutboxMail) -> int:
    query = text("SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'send_mail' AND args->>'mail_id' = :id")
    return session.scalar(query, {"id": str(mail.id)}) or 0


def end_jobs(session: Session, *, failed: bool) -> None:
    """As a worker would that failed, or a queue that was emptied."""
    failing = "UPDATE procrastinate_jobs SET status = 'failed' WHERE task_name = 'send_mail'"
    session.execute(text(failing if failed else "DELETE FROM procrastinate_jobs WHERE task_name = 'send_mail'"))


@pytest.mark.parametrize("failed", [True, False])
def test_a_mail_that_no_job_will_send_is_queued_again_once(session: Session, failed: bool) -> None:
    mail = kept(session)
    mail.created_at = NOW
    session.flush()
    assert queue_lost_mails(session, now=NOW) == 0
    end_jobs(session, failed=failed)
    before = jobs_of(session, mail)
    assert queue_lost_mails(session, now=NOW) == 1
    assert jobs_of(session, mail) == before + 1
    assert queue_lost_mails(session, now=NOW) == 0


@pytest.mark.parametrize(
    "values",
    [
        {"sent_at": NOW},
        {"last_error": "SMTPDataError: rejected", "attempts": 1},
        {"created_at": NOW - QUEUED_AGAIN_FOR - timedelta(hours=1)},
    ],
)
def test_what_was_sent_or_given_up_is_not_queued_again(session: Session, values: dict[str, object]) -> None:
    mail = kept(session)
    for name, value in ({"created_at": NOW} | values).items():
        setattr(mail, name, value)
    session.flush()
    end_jobs(session, failed=True)
    assert queue_lost_mails(session, now=NOW) == 0


def test_one_that_waited_for_its_next_attempt_when_the_queue_was_lost_is_queued_again(session: Session) -> None:
    mail = kept(session)
    mail.created_at, mail.last_error, mail.attempts = NOW, "TimeoutError: timed out", 1
    session.flush()
    end_jobs(session, failed=False)
    assert queue_lost_mails(session, now=NOW) == 1


# A server that speaks SMTP --------------------------------------------------------------------------------------------


class Smtp(socketserver.StreamRequestHandler):
    """Just enough of RFC 5321 to be handed a mail."""

    def handle(self) -> None:
        self.wfile.write(b"220 mail.example\r\n")
        while line := self.rfile.readline():
            command = line.strip().upper()
            if command.startswith(b"RCPT TO:<NOBODY"):
                self.wfile.write(b"550 no such user\r\n")
            elif command == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                lines = iter(self.rfile.readline, b".\r\n")
                self.server.taken.append(b"".join(lines))  # type: ignore[attr-defined]
                self.wfile.write(b"250 taken\r\n")
            elif command == b"QUIT":
                self.wfile.write(b"221 bye\r\n")
                return
            else:
                self.wfile.write(b"250 ok\r\n")


@pytest.fixture
def smtp_server() -> Iterator[socketserver.TCPServer]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Smtp) as server:
        server.daemon_threads = True
        server.taken = []  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_a_mail_arrives_at_a_mail_server(
    session: Session, render: MailRenderer, smtp_server: socketserver.TCPServer
) -> None:
    mail = kept(session, "invitation", locale="nb", organisation="Sørås Grus & Pukk")
    transport = SmtpServer(f"smtp://127.0.0.1:{smtp_server.server_address[1]}")
    assert deliver(session, mail, render, transport) is None
    arrived = message_from_bytes(smtp_server.taken[0], policy=policy.default)  # type: ignore[attr-defined]
    assert arrived["To"] == "kari@bygg.example"
    assert arrived["From"] == "Masseflyt <ikke-svar@masseflyt.example>"
    assert arrived["Message-ID"] == f"<masseflyt-{mail.id}@masseflyt.example>"
    assert arrived["Auto-Submitted"] == "auto-generated"
    assert "Sørås Grus & Pukk" in arrived["Subject"]
    assert "/invitation?token=the-token" in arrived.get_content()


def test_a_recipient_that_the_server_does_not_know_is_given_up(
    session: Session, render: MailRenderer, smtp_server: socketserver.TCPServer
) -> None:
    mail = kept(session)
    mail.recipient = "nobody@bygg.example"
    failure = deliver(session, mail, render, SmtpServer(f"smtp://127.0.0.1:{smtp_server.server_address[1]}"))
    assert failure is not None
    assert failure.is_final
    assert "no such user" in (mail.last_error or "")


def test_a_server_that_is_down_is_tried_again(session: Session, render: MailRenderer) -> None:
    failure = deliver(session, kept(session), render, SmtpServer("smtp://127.0.0.1:1"))
    assert failure is not None
    assert not failure.is_final
