"""The server and its workers are killed at random while 200 deals are made: nothing is lost, nothing counts twice."""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from http.cookiejar import DefaultCookiePolicy
from threading import Event, Thread

import httpx
import psutil
import pytest
from flask import Flask
from itsdangerous import URLSafeTimedSerializer
from sqlalchemy import Engine, func, select, text
from sqlalchemy.orm import Session

from marketplace import create_app
from marketplace.config import ROOT, Settings
from marketplace.db import make_sessions
from marketplace.models import Alert, Deal, Listing, OutboxMail, Ticket, User
from marketplace.queries.search_filters import SearchFilters
from marketplace.services.api_tokens import make_token
from marketplace.services.saved_searches import save_search
from marketplace.types import AlertFrequency, DealStatus, ListingKind, ListingStatus, PausedReason
from marketplace.web.access import session_key
from tests.conftest import test_settings
from tests.factories import Factory
from tests.services.parties import Parties
from tests.setup.test_cli import _free_port

GIVERS, TAKERS = 10, 20
DEALS = GIVERS * TAKERS
LOADS_EACH = 2
NEW_LISTINGS = 20
CLIENTS = 6
KILLS = 5
PATIENCE_S = 240
CSRF = "csrf-of-the-test"
FINAL = frozenset({200, 201, 303, 302, 409, 422})


@dataclass(frozen=True)
class Order:
    """A deal that its giver accepts and reports loads of."""

    deal_id: int
    offer_id: int
    giver_key: str
    token: str


@dataclass(frozen=True)
class Market:
    orders: list[Order]
    waiting_listing_ids: list[int]
    publisher_key: str
    searchers: int


class Service:
    """`masseflyt serve` on a database, killed and started again."""

    def __init__(self, settings: Settings, *, port: int) -> None:
        self.address = f"http://127.0.0.1:{port}"
        self.command = [sys.executable, "-m", "marketplace", "serve", "--port", str(port), "--workers", "1"]
        self.environment = os.environ | {
            "DATABASE_URL": str(settings.database_url),
            "SECRET_KEY": settings.secret_key.get_secret_value(),
            "GEOCODER_ONLINE": "false",
            "REGISTERS_ONLINE": "false",
            "BASEMAP_URL": "",
        }
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(
            self.command, cwd=ROOT, env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def kill(self) -> None:
        """All of it at once, web and job workers too."""
        family = [self.process, *psutil.Process(self.process.pid).children(recursive=True)]
        for each in family:
            try:
                os.kill(each.pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        self.process.wait()

    def wait(self) -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                if httpx.get(f"{self.address}/readyz", timeout=5).is_success:
                    return
            except httpx.HTTPError:
                time.sleep(0.1)
        raise AssertionError("the server did not come back")


@pytest.fixture
def settings(committing_engine: Engine) -> Settings:
    return test_settings(committing_engine.url)


@pytest.fixture
def market(committing_engine: Engine, settings: Settings) -> Market:
    now = datetime.now(UTC)
    with make_sessions(committing_engine).begin() as session:
        make = Factory(session, now=now)
        givers = [Parties(session, make, now) for _ in range(GIVERS)]
        takers = [Parties(session, make, now) for _ in range(TAKERS)]
        tokens = {id(giver): _token_of(session, giver, now=now) for giver in givers}
        orders = []
        for giver in givers:
            for taker in takers:
                deal = taker.request(50, surplus=giver.surplus)
                key = _key_of(session, giver.giver.user_id)
                orders.append(
                    Order(deal_id=deal.id, offer_id=deal.offers[0].id, giver_key=key, token=tokens[id(giver)])
                )
        waiting = [
            make.listing(givers[0].giver_organisation, status=ListingStatus.PAUSED, paused_reason=PausedReason.OWNER).id
            for _ in range(NEW_LISTINGS)
        ]
        searchers = 5
        for taker in takers[:searchers]:
            _wait_for_anything(session, taker, now=now)
        publisher = _key_of(session, givers[0].giver.user_id)
    return Market(orders=orders, waiting_listing_ids=waiting, publisher_key=publisher, searchers=searchers)


def _token_of(session: Session, giver: Parties, *, now: datetime) -> str:
    _token, secret = make_token(
        session, giver.giver, organisation_id=giver.giver_organisation.id, name="Vekta", days=1, now=now
    )
    return secret


def _key_of(session: Session, user_id: int | None) -> str:
    user = session.get_one(User, user_id)
    return session_key(user_id=user.id, epoch=user.session_epoch)


def _wait_for_anything(session: Session, taker: Parties, *, now: datetime) -> None:
    save_search(
        session,
        taker.taker,
        name="Alt overskudd",
        query="kind=surplus",
        filters=SearchFilters(kind=ListingKind.SURPLUS),
        frequency=AlertFrequency.IMMEDIATE,
        now=now - timedelta(days=1),
    )


class Browser:
    """Somebody with a session, who tries again for as long as the server does not answer."""

    def __init__(self, service: Service, app: Flask) -> None:
        self.client = httpx.Client(base_url=service.address, timeout=20)
        self.client.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=[]))  # each asks as somebody else
        self.serializer = app.session_interface.get_signing_serializer(app)
        self.token = URLSafeTimedSerializer(app.config["SECRET_KEY"], salt="wtf-csrf-token").dumps(CSRF)

    def post(self, path: str, *, key: str, **fields: object) -> int:
        cookie = self.serializer.dumps({"_user_id": key, "_fresh": True, "csrf_token": CSRF})
        return self._until_answered(
            lambda: self.client.post(
                path,
                data={"csrf_token": self.token, **fields},
                headers={"Cookie": f"masseflyt={cookie}"},
            )
        )

    def report(self, order: Order, number: str) -> int:
        load = {
            "number": number,
            "loaded_at": datetime.now(UTC).isoformat(),
            "vehicle_registration": "AB 12345",
            "mass_t": 10,
        }
        return self._until_answered(
            lambda: self.client.post(
                f"/api/v1/deals/{order.deal_id}/tickets",
                json=load,
                headers={"Authorization": f"Bearer {order.token}"},
            )
        )

    @staticmethod
    def _until_answered(ask: Callable[[], httpx.Response]) -> int:
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            try:
                status = ask().status_code
            except httpx.HTTPError:
                time.sleep(0.1)
                continue
            if status in FINAL:
                return status
            time.sleep(0.1)
        raise AssertionError("no answer")


@contextmanager
def killed_now_and_then(service: Service, rng: random.Random, done: Callable[[], float]) -> Iterator[list[float]]:
    """Kill the service at random moments, spread over what is `done` (0 to 1), and start it again each time.

    What is given holds how far everybody was at each kill.
    """
    over, kills = Event(), list[float]()

    def haunt() -> None:
        for at in sorted(rng.uniform(0.02, 0.95) for _ in range(KILLS)):
            while done() < at:
                if over.wait(0.02):
                    return
            service.kill()
            kills.append(done())
            service.start()
            service.wait()

    ghost = Thread(target=haunt)
    ghost.start()
    try:
        yield kills
    finally:
        over.set()
        ghost.join()


def test_nothing_is_lost_or_counted_twice_when_all_is_killed(
    committing_engine: Engine, settings: Settings, market: Market
) -> None:
    rng = random.Random(4)
    service = Service(settings, port=_free_port())
    browser = Browser(service, create_app(settings, bind=committing_engine))
    service.wait()
    taken, acts_done = Counter[tuple[int, str]](), list[None]()

    def fulfil(order: Order) -> None:
        path = f"/deals/{order.deal_id}/offers/accept"
        assert browser.post(path, key=order.giver_key, offer_id=order.offer_id) in {303, 409}
        for load in range(LOADS_EACH):
            number = f"{order.deal_id}-{load}"
            assert browser.report(order, number) in {200, 201}
            taken[order.deal_id, number] += 1
        acts_done.append(None)

    def publish(listing_id: int) -> None:
        browser.post(f"/listings/{listing_id}/publish", key=market.publisher_key)
        acts_done.append(None)

    acts: list[Callable[[], None]] = [lambda order=order: fulfil(order) for order in market.orders]
    acts += [lambda listing_id=each: publish(listing_id) for each in market.waiting_listing_ids]
    rng.shuffle(acts)
    try:
        with (
            killed_now_and_then(service, rng, lambda: len(acts_done) / len(acts)) as kills,
            ThreadPoolExecutor(CLIENTS) as clients,
        ):
            for result in [clients.submit(act) for act in acts]:
                result.result()
        assert len(kills) == KILLS
        service.wait()
        with make_sessions(committing_engine)() as session:
            _wait_for_alerts(session, market)
            require_every_load_once(session, market, taken)
            require_every_mail_once(session, market)
    finally:
        browser.client.close()
        service.kill()


def _wait_for_alerts(session: Session, market: Market) -> None:
    """The next minute's job takes up what a killed worker left behind."""
    wanted = market.searchers * NEW_LISTINGS
    told = select(func.count()).where(
        Alert.found_listing_id.in_(market.waiting_listing_ids), Alert.saved_search_id.is_not(None)
    )
    deadline = time.monotonic() + 100
    while session.scalar(told) != wanted:
        assert time.monotonic() < deadline, f"{session.scalar(told)} of {wanted} were told of"
        session.rollback()
        time.sleep(0.5)


def require_every_load_once(session: Session, market: Market, taken: Counter[tuple[int, str]]) -> None:
    kept = Counter((ticket.deal_id, ticket.number) for ticket in session.scalars(select(Ticket)))
    assert kept == taken
    assert set(kept.values()) == {1}
    assert len(kept) == DEALS * LOADS_EACH
    for deal in session.scalars(select(Deal)):
        assert deal.status is DealStatus.AGREED
        assert (deal.agreed_t, deal.delivered_t) == (50, LOADS_EACH * 10)
    for lot in session.scalars(select(Listing).where(Listing.id.in_(select(Deal.surplus_id)))):
        assert lot.committed_t == TAKERS * Decimal(50)


def require_every_mail_once(session: Session, market: Market) -> None:
    """Each mail is sent, or a job waits to send it; and nobody is told of the same thing by two."""
    waiting = set(
        session.scalars(
            text(
                "SELECT (args ->> 'mail_id')::bigint FROM procrastinate_jobs"
                " WHERE task_name = 'send_mail' AND status IN ('todo', 'doing')"
            )
        )
    )
    for mail in session.scalars(select(OutboxMail)):
        assert mail.sent_at is not None or mail.id in waiting, f"mail {mail.id} is neither sent nor queued"
        assert mail.attempts <= 1
    by_search = (
        select(Alert.user_id, Alert.found_listing_id)
        .where(Alert.mail_id.is_not(None), Alert.saved_search_id.is_not(None))
        .where(Alert.found_listing_id.in_(market.waiting_listing_ids))
    )
    told = Counter((row.user_id, row.found_listing_id) for row in session.execute(by_search))
    assert len(told) == market.searchers * NEW_LISTINGS
    assert set(told.values()) == {1}
    mailed = session.scalars(select(Alert.mail_id).where(Alert.mail_id.is_not(None)).distinct()).all()
    of_alerts = select(func.count()).where(OutboxMail.template.like("alert%"))
    assert session.scalar(of_alerts) == len(mailed), "a mail that no alert knows of"
