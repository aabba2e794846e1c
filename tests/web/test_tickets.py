"""Loads on pages: the gate's, which anybody opens, and those of a deal's two sides."""

from datetime import timedelta
from decimal import Decimal
from io import BytesIO
from uuid import uuid4

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.datastructures import FileStorage
from werkzeug.test import stream_encode_multipart

from marketplace.clock import OSLO, local_date
from marketplace.models import AuditEntry, Deal, GateLink, Ticket, User
from marketplace.queries.paging import Cursor
from marketplace.queries.tickets import tickets_of
from marketplace.services.content_sweep import sweep_content
from marketplace.services.gate_links import GateSigner
from marketplace.types import DealStatus, Role, Side, TicketStatus
from marketplace.web import limits
from tests.conftest import NOW, Client, QueryCounter
from tests.factories import Factory
from tests.files import PDF, photo_from_phone

LOAD = {
    "number": "1001",
    "mass_t": "17,24",
    "measure": "weighed",
    "vehicle_registration": "ab12345",
    "loaded_at": "09:30",
    "carrier": "",
    "note": "",
}
JSON = {"Accept": "application/json"}


class Site:
    """An agreed deal of 100 t, an editor of either side, and a gate of the giver's."""

    def __init__(self, make: Factory, app: Flask) -> None:
        self.make, self.session, self.app = make, make.session, app
        self.deal: Deal = make.deal(status=DealStatus.AGREED, mass_t=100)
        self.giver: User = make.member(self.deal.giver_organisation, role=Role.EDITOR)
        self.taker: User = make.member(self.deal.taker_organisation, role=Role.EDITOR)
        self.link: GateLink = make.gate_link(self.deal)

    @property
    def gate(self) -> str:
        return f"/gate/{GateSigner(self.app.config['SECRET_KEY']).sign(self.link)}"

    @property
    def loads(self) -> str:
        return f"/deals/{self.deal.id}/tickets"

    def tickets(self) -> list[Ticket]:
        self.session.expire_all()
        return list(self.session.scalars(select(Ticket).where(Ticket.deal_id == self.deal.id).order_by(Ticket.id)))


@pytest.fixture
def site(make: Factory, app: Flask) -> Site:
    return Site(make, app)


# The gate -------------------------------------------------------------------------------------------------------------


def test_anybody_with_the_address_reports_a_load(client: Client, site: Site) -> None:
    answer = client.in_english().post(site.gate, data=LOAD)
    assert (answer.status_code, answer.location) == (303, site.gate)
    (ticket,) = site.tickets()
    assert (ticket.mass_t, ticket.vehicle_registration) == (Decimal("17.240"), "AB 12345")
    assert ticket.loaded_at.astimezone(OSLO).strftime("%d.%m.%Y %H:%M") == "01.03.2027 09:30"
    assert "Ticket 1001" in client.get(site.gate).text


def test_the_page_says_nothing_that_the_gate_need_not_know(client: Client, site: Site) -> None:
    answer = client.get(site.gate)
    for secret in (site.giver.email, site.deal.giver_organisation.name, "kr/t", 'name="csrf_token" type="hidden"'):
        assert secret not in answer.text
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["X-Robots-Tag"] == "noindex"


def test_scripts_get_an_answer_that_says_what_became_of_it(client: Client, site: Site) -> None:
    data = {**LOAD, "client_key": str(uuid4())}
    first, again = (client.post(site.gate, data=data, headers=JSON) for _ in range(2))
    assert (first.status_code, first.json) == (201, {"number": "1001", "mass_t": "17.240", "is_new": True})
    assert (again.status_code, again.json["is_new"]) == (200, False)
    assert len(site.tickets()) == 1


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"mass_t": "105,001"}, "mass_t"),
        ({"mass_t": ""}, "mass_t"),
        ({"mass_t": "mye"}, "mass_t"),
        ({"vehicle_registration": "!"}, "vehicle_registration"),
        ({"measure": "guessed"}, "measure"),
        ({"measure": ""}, "measure"),
        ({"loaded_at": "25:00"}, "loaded_at"),
        ({"loaded_at": "23:59"}, "loaded_at"),
        ({"number": "9" * 61}, "number"),
        ({"slip": (BytesIO(PDF), "seddel.jpg")}, "slip"),
    ],
)
def test_what_is_refused_is_said_by_field(client: Client, site: Site, changes: dict[str, object], field: str) -> None:
    answer = client.post(site.gate, data={**LOAD, **changes}, headers=JSON)
    assert answer.status_code == 422
    assert answer.mimetype == "application/problem+json"
    assert list(answer.json["errors"]) == [field]
    assert answer.json["detail"]
    assert site.tickets() == []


def test_a_load_beyond_what_is_left_is_told_how_much_is(client: Client, site: Site) -> None:
    site.make.ticket(site.deal, mass_t=93)
    answer = client.in_english().post(site.gate, data={**LOAD, "mass_t": "12.5"}, headers=JSON)
    assert "12 t is left" in answer.json["detail"]


def test_a_conflict_is_said_in_the_form_and_what_was_typed_stays(client: Client, site: Site) -> None:
    client.post(site.gate, data=LOAD)
    answer = client.in_english().post(site.gate, data={**LOAD, "mass_t": "16", "note": "Våt last"})
    assert answer.status_code == 409
    assert "Ticket 1001 is here already" in answer.text
    assert "Våt last" in answer.text


def test_a_withdrawn_link_is_dead_for_pages_and_for_scripts(client: Client, site: Site) -> None:
    site.link.revoked_at, site.link.revoked_by_id = NOW, site.giver.id
    site.session.flush()
    page, posted = client.in_english().get(site.gate), client.post(site.gate, data=LOAD, headers=JSON)
    assert (page.status_code, posted.status_code) == (409, 409)
    assert "was withdrawn" in page.text
    assert "data-mf-gate-list" in page.text  # what waits on the phone is shown below
    assert site.tickets() == []


def test_a_gate_is_closed_with_its_deal(client: Client, site: Site) -> None:
    site.deal.status, site.deal.ended_at = DealStatus.COMPLETED, NOW
    site.session.flush()
    page, posted = client.in_english().get(site.gate), client.post(site.gate, data=LOAD, headers=JSON)
    assert (page.status_code, posted.status_code) == (409, 409)
    assert "This deal is completed" in page.text


def test_a_gate_is_closed_while_its_organisation_is_banned(client: Client, site: Site) -> None:
    site.deal.giver_organisation.banned_at, site.deal.giver_organisation.ban_reason = NOW, "Falskt."
    site.session.flush()
    assert client.get(site.gate).status_code == 409
    assert client.post(site.gate, data=LOAD, headers=JSON).status_code == 409
    assert site.tickets() == []


@pytest.mark.parametrize("path", ["/gate/x", "/gate/WzEsMSwx.aaaa", "/gate/" + "a" * 3_000])
def test_other_addresses_are_nobodys(client: Client, path: str) -> None:
    assert client.get(path).status_code == 404
    assert client.post(path, data=LOAD, headers=JSON).status_code == 404


def test_a_gate_may_try_so_often_and_no_more(client: Client, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    few = limits.Limit(name="gate.link", attempts=2, window=timedelta(minutes=15))
    monkeypatch.setattr("marketplace.web.gate.GATE_BY_LINK", few)
    answers = [client.post(site.gate, data={**LOAD, "number": str(each)}, headers=JSON) for each in range(3)]
    assert [each.status_code for each in answers] == [201, 201, 429]
    assert int(answers[2].headers["Retry-After"]) > 0
    assert len(site.tickets()) == 2


def test_a_large_photo_is_for_those_with_an_address(client: Client, site: Site) -> None:
    photo = photo_from_phone() + bytes(6_000_000)

    def sent_to(address: str) -> int:
        body, length, boundary = stream_encode_multipart(
            {**LOAD, "slip": FileStorage(BytesIO(photo), "IMG_1.jpg")}, use_tempfile=False
        )
        return client.post(
            address,
            input_stream=body,
            content_length=length,
            content_type=f"multipart/form-data; boundary={boundary}",
            headers=JSON,
        ).status_code

    assert (sent_to(site.gate), sent_to("/gate/x")) == (201, 404)
    assert site.tickets()[0].slip_sha256 is not None


def test_the_log_names_the_gate(client: Client, site: Site) -> None:
    client.post(site.gate, data=LOAD)
    entry = site.session.scalars(select(AuditEntry).where(AuditEntry.table_name == "ticket")).one()
    assert entry.actor_label == f"gate:{site.link.id}"


def test_the_worker_is_a_script_and_bound_to_its_folder(client: Client) -> None:
    answer = client.get("/gate/worker.js")
    assert answer.mimetype == "text/javascript"
    assert "Service-Worker-Allowed" not in answer.headers
    assert "connect-src 'self'" in answer.headers["Content-Security-Policy"]


# Codes ----------------------------------------------------------------------------------------------------------------


def test_a_code_is_made_printed_and_withdrawn(client: Client, site: Site) -> None:
    client.log_in_as(site.giver).in_english()
    made = client.post(f"/deals/{site.deal.id}/gate", data={"valid_on": "2027-03-02", "label": "Sør"})
    sheet = client.get(made.location)
    assert "<svg" in sheet.text
    link = site.session.scalars(select(GateLink).where(GateLink.label == "Sør")).one()
    assert f"/gate/{GateSigner(site.app.config['SECRET_KEY']).sign(link)}" in sheet.text
    assert link.valid_on == local_date(NOW) + timedelta(days=1)
    client.post(f"/deals/{site.deal.id}/gate/{link.id}/revoke")
    site.session.refresh(link)
    assert link.revoked_by_id == site.giver.id


def test_the_other_side_sees_no_code(client: Client, site: Site) -> None:
    client.log_in_as(site.taker)
    assert client.get(f"/deals/{site.deal.id}/gate/{site.link.id}/sheet").status_code == 404
    assert client.post(f"/deals/{site.deal.id}/gate/{site.link.id}/revoke").status_code == 404


def test_a_code_for_yesterday_is_refused_beside_the_day(client: Client, site: Site) -> None:
    answer = client.log_in_as(site.giver).post(f"/deals/{site.deal.id}/gate", data={"valid_on": "2027-02-28"})
    assert answer.status_code == 422
    assert 'id="valid_on-error"' in answer.text


# The two sides --------------------------------------------------------------------------------------------------------


def test_a_load_is_typed_in(client: Client, site: Site) -> None:
    data = {**LOAD, "loaded_on": "1.3.2027", "origin_name": "Tipp 2", "slip": (BytesIO(photo_from_phone()), "a.jpg")}
    assert client.log_in_as(site.taker).post(f"{site.loads}/new", data=data).status_code == 303
    (ticket,) = site.tickets()
    assert (ticket.side, ticket.origin_name, ticket.reported_by_id) == (Side.TAKER, "Tipp 2", site.taker.id)
    assert ticket.slip_sha256 is not None


@pytest.mark.parametrize("day", ["0001-01-01", "31.12.1999", "9999-12-31"])
def test_a_day_on_which_nothing_can_have_been_driven_is_said_beside_it(client: Client, site: Site, day: str) -> None:
    answer = client.log_in_as(site.taker).post(f"{site.loads}/new", data={**LOAD, "loaded_on": day})
    assert answer.status_code == 422
    assert site.tickets() == []


def test_one_many_or_all_are_confirmed(client: Client, site: Site) -> None:
    ids = [site.make.ticket(site.deal, mass_t=5).id for _ in range(4)]
    client.log_in_as(site.taker)
    client.post(f"{site.loads}/confirm", data={"ticket": [str(ids[0]), str(ids[1]), "x", "9" * 30]})
    assert [each.status is TicketStatus.CONFIRMED for each in site.tickets()] == [True, True, False, False]
    assert "Tick the loads" in client.in_english().post(f"{site.loads}/confirm", follow_redirects=True).text
    client.post(f"{site.loads}/confirm", data={"all": "yes"})
    assert {each.status for each in site.tickets()} == {TicketStatus.CONFIRMED}


def test_a_load_is_disputed_with_a_reason_and_corrected(client: Client, site: Site) -> None:
    first = site.make.ticket(site.deal)
    client.log_in_as(site.taker)
    assert client.post(f"{site.loads}/{first.id}/dispute", data={"reason": ""}).status_code == 422
    assert client.post(f"{site.loads}/{first.id}/dispute", data={"reason": "Feil vekt"}).status_code == 303
    client.log_in_as(site.giver)
    assert "Feil vekt" in client.get(f"{site.loads}/{first.id}").text
    data = {**LOAD, "number": first.number, "mass_t": "15", "loaded_on": "2027-03-01", "reason": "Tara manglet"}
    answer = client.post(f"{site.loads}/{first.id}/correct", data={**data, "version": str(first.id)})
    old, new = site.tickets()
    assert answer.location == f"{site.loads}/{new.id}"
    assert (old.is_current, new.mass_t, new.corrects_id) == (False, Decimal(15), old.id)
    page = client.get(f"{site.loads}/{old.id}").text  # the old address shows the newest, and the old one below
    assert "Tara manglet" in page
    assert "Feil vekt" in page


def test_a_correction_of_what_has_changed_meanwhile_is_said_in_the_form(client: Client, site: Site) -> None:
    first = site.make.ticket(site.deal)
    client.log_in_as(site.giver).in_english()
    data = {**LOAD, "number": first.number, "loaded_on": "2027-03-01", "reason": "Tara", "version": str(first.id)}
    client.post(f"{site.loads}/{first.id}/correct", data={**data, "mass_t": "15"})
    answer = client.post(f"{site.loads}/{first.id}/correct", data={**data, "mass_t": "14", "note": "Skrevet her"})
    assert answer.status_code == 409
    assert "has been corrected since" in answer.text
    assert "Skrevet her" in answer.text


def test_a_load_is_voided_with_a_reason(client: Client, site: Site) -> None:
    ticket = site.make.ticket(site.deal)
    client.log_in_as(site.giver)
    assert client.post(f"{site.loads}/{ticket.id}/void", data={"reason": " "}).status_code == 422
    client.post(f"{site.loads}/{ticket.id}/void", data={"reason": "Kjørt et annet sted"})
    assert site.tickets()[-1].status is TicketStatus.VOIDED
    site.session.refresh(site.deal)
    assert site.deal.delivered_t == 0


@pytest.mark.parametrize(("what", "who"), [("dispute", "taker"), ("void", "giver")])
def test_a_verdict_on_what_has_changed_meanwhile_is_said_in_the_form(
    client: Client, site: Site, what: str, who: str
) -> None:
    first = site.make.ticket(site.deal)
    client.log_in_as(site.giver).in_english()
    data = {**LOAD, "number": first.number, "loaded_on": "2027-03-01", "reason": "Tara", "version": str(first.id)}
    client.post(f"{site.loads}/{first.id}/correct", data={**data, "mass_t": "15"})
    client.log_in_as(getattr(site, who))
    answer = client.post(f"{site.loads}/{first.id}/{what}", data={"reason": "Skrevet her", "version": str(first.id)})
    assert answer.status_code == 409
    assert "has been corrected since" in answer.text
    assert "Skrevet her" in answer.text


def test_nothing_is_confirmed_of_a_deal_that_is_over(client: Client, site: Site) -> None:
    site.make.ticket(site.deal)
    site.deal.status, site.deal.ended_at = DealStatus.COMPLETED, NOW
    site.session.flush()
    client.log_in_as(site.taker).in_english()
    answer = client.post(f"{site.loads}/confirm", data={"all": "yes"}, follow_redirects=True)
    assert "This deal is completed" in answer.text
    assert site.tickets()[0].status is TicketStatus.REPORTED


def test_each_side_is_offered_what_it_may_do(client: Client, site: Site) -> None:
    ticket = site.make.ticket(site.deal)
    client.in_english()
    reporter = client.log_in_as(site.giver).get(f"{site.loads}/{ticket.id}").text
    answering = client.log_in_as(site.taker).get(f"{site.loads}/{ticket.id}").text
    assert ("/correct" in reporter, "/dispute" in reporter) == (True, False)
    assert ("/correct" in answering, "/dispute" in answering) == (False, True)


def test_a_ticket_of_another_deal_is_not_found_by_this_one(client: Client, site: Site) -> None:
    other = site.make.ticket(site.make.deal(status=DealStatus.AGREED))
    client.log_in_as(site.giver)
    assert client.get(f"{site.loads}/{other.id}").status_code == 404
    assert client.get(f"{site.loads}/{other.id}/slip").status_code == 404


@pytest.fixture
def slip(client: Client, site: Site) -> str:
    client.post(site.gate, data={**LOAD, "slip": (BytesIO(photo_from_phone()), "a.jpg")})
    return f"{site.loads}/{site.tickets()[0].id}/slip"


def test_a_slip_is_for_the_two_sides(client: Client, site: Site, slip: str) -> None:
    assert client.get(slip).status_code == 302
    assert client.log_in_as(site.make.member()).get(slip).status_code == 404
    answer = client.log_in_as(site.taker).get(slip)
    assert (answer.mimetype, answer.data[:2]) == ("image/jpeg", b"\xff\xd8")
    assert b"Telefon AS" not in answer.data
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert len(client.get(f"{slip}?size=small").data) < len(answer.data)


def test_a_slip_is_not_swept_away_also_of_a_corrected_load(
    client: Client, site: Site, slip: str, session: Session
) -> None:
    (ticket,) = site.tickets()
    client.log_in_as(site.giver).post(f"{site.loads}/{ticket.id}/void", data={"reason": "Feil"})
    storage = site.app.storage  # type: ignore[attr-defined] - set by build_app
    storage.put("0" * 64, b"of nobody")
    far = NOW + timedelta(days=9_000)  # the storage has the clock of the machine
    assert sweep_content(session, storage=storage, now=far) >= 1
    assert not storage.exists("0" * 64)
    assert client.get(slip).status_code == 200


def test_a_list_asks_the_database_as_often_for_many_loads_as_for_one(
    client: Client, site: Site, count_queries: QueryCounter
) -> None:
    client.log_in_as(site.taker)

    def asked(address: str) -> int:
        with count_queries() as statements:
            assert client.get(address).status_code == 200
        return len(statements)

    site.make.ticket(site.deal, mass_t=1)
    addresses = (site.loads, f"/deals/{site.deal.id}", f"/deals/{site.deal.id}/gate")
    for address in addresses:
        client.get(address)
    one = [asked(address) for address in addresses]
    for _ in range(12):
        site.make.ticket(site.deal, mass_t=1, gate_link_id=site.make.gate_link(site.deal, side=Side.TAKER).id)
        site.make.ticket(site.deal, mass_t=1, status=TicketStatus.DISPUTED, dispute_reason="Nei")
    assert [asked(address) for address in addresses] == one


def test_pages_of_loads_lead_on(client: Client, site: Site) -> None:
    for number in range(60):
        driven_at = NOW + timedelta(hours=number - 60)
        site.make.ticket(site.deal, mass_t=1, number=f"S{number:03}", loaded_at=driven_at)
    client.log_in_as(site.taker)
    first = client.get(site.loads).text
    assert "S059" in first
    assert "S009" not in first
    last_id = next(each.id for each in site.tickets() if each.number == "S010")
    second = client.get(f"{site.loads}?before={last_id}").text
    assert "S009" in second
    assert "S010" not in second
    assert client.get(f"{site.loads}?status=confirmed").status_code == 200
    assert client.get(f"{site.loads}?status=nonsense").status_code == 200


# Days and times -------------------------------------------------------------------------------------------------------


def test_the_code_is_made_for_the_first_agreed_day(client: Client, site: Site) -> None:
    today = local_date(NOW)
    site.deal.agreed_from, site.deal.agreed_to = today + timedelta(days=9), today + timedelta(days=12)
    site.session.flush()
    client.log_in_as(site.giver).in_english()
    assert 'value="2027-03-10"' in client.get(f"/deals/{site.deal.id}/gate").text
    gate = f"/deals/{site.deal.id}/gate"
    warned = client.post(gate, data={"valid_on": "2027-03-09"}, follow_redirects=True).text
    assert "is outside the agreed period" in warned
    assert "is outside the agreed" not in client.post(gate, data={"valid_on": "2027-03-12"}, follow_redirects=True).text
    assert "Today is outside the agreed period" in client.get(f"{site.loads}/new").text
    data = {**LOAD, "loaded_on": "2027-03-01"}
    assert "is outside the agreed" in client.post(f"{site.loads}/new", data=data, follow_redirects=True).text
    assert len(site.tickets()) == 1


@pytest.mark.parametrize(
    ("day", "time", "field"),
    [("2027-03-02", "09:30", "loaded_on"), ("2027-03-01", "23:59", "loaded_at"), ("2020-03-01", "09:30", "loaded_on")],
)
def test_a_wrong_day_is_marked_and_not_the_time(client: Client, site: Site, day: str, time: str, field: str) -> None:
    data = {**LOAD, "loaded_on": day, "loaded_at": time}
    answer = client.log_in_as(site.giver).post(f"{site.loads}/new", data=data)
    assert answer.status_code == 422
    marked = {name for name in ("loaded_on", "loaded_at") if f'id="{name}-error"' in answer.text}
    assert marked == {field}


def test_a_slip_that_is_no_picture_is_told_of_pictures_only(client: Client, site: Site) -> None:
    slip = (BytesIO(b"\x00\x01 neither"), "seddel.bin")
    said = client.in_english().post(site.gate, data={**LOAD, "slip": slip}, headers=JSON).json["errors"]["slip"]
    assert said == ["This is no picture. Send a photo of the slip as JPEG, PNG or WebP."]


def test_the_phone_is_told_whether_sending_again_is_any_use(client: Client, site: Site) -> None:
    assert "closed" not in client.post(site.gate, data={**LOAD, "mass_t": "-1"}, headers=JSON).json
    site.deal.giver_organisation.banned_at, site.deal.giver_organisation.ban_reason = NOW, "Falskt."
    site.session.flush()
    assert client.post(site.gate, data=LOAD, headers=JSON).json["closed"] is False
    site.deal.giver_organisation.banned_at = site.deal.giver_organisation.ban_reason = None
    site.deal.status, site.deal.ended_at = DealStatus.COMPLETED, NOW
    site.session.flush()
    over = client.post(site.gate, data=LOAD, headers=JSON)
    assert (over.status_code, over.mimetype, over.json["closed"]) == (409, "application/problem+json", True)


# The same load twice --------------------------------------------------------------------------------------------------


def test_a_load_under_two_numbers_is_marked_where_it_is_confirmed(client: Client, site: Site) -> None:
    gate = site.make.ticket(site.deal, number="L-7", loaded_at=NOW)
    weighbridge = site.make.ticket(site.deal, number="104233", loaded_at=NOW + timedelta(minutes=2), side=Side.TAKER)
    site.make.ticket(site.deal, number="104234", loaded_at=NOW + timedelta(minutes=40))
    site.make.ticket(site.deal, number="104235", loaded_at=NOW, mass_t=Decimal("17.25"))
    client.log_in_as(site.taker).in_english()
    for address in (site.loads, f"/deals/{site.deal.id}"):
        page = client.get(address).text
        assert page.count("Looks like load") == 2
        assert ">Looks like load L-7<" in page
        assert ">Looks like load 104233<" in page
    page = client.get(f"{site.loads}/{gate.id}").text
    assert "it counts twice now" in page
    assert f'<a href="{site.loads}/{weighbridge.id}">load 104233</a>' in page


def test_a_voided_load_looks_like_no_other(client: Client, site: Site) -> None:
    kept = site.make.ticket(site.deal)
    site.make.ticket(site.deal, status=TicketStatus.VOIDED)
    client.log_in_as(site.taker).in_english()
    assert "Looks like load" not in client.get(site.loads).text
    assert "counts twice" not in client.get(f"{site.loads}/{kept.id}").text


def test_a_file_shows_which_rows_look_like_loads_under_other_numbers(client: Client, site: Site) -> None:
    site.make.ticket(site.deal, number="L-7", mass_t=Decimal("18.42"), loaded_at=NOW)
    clock = NOW.astimezone(OSLO)
    head = "Seddelnr;Dato;Klokkeslett;Reg.nr;Netto (t)"
    rows = [
        f"1;{clock:%d.%m.%Y};{clock + timedelta(minutes=2):%H:%M};AB 12345;18,42",
        f"2;{clock:%d.%m.%Y};{clock - timedelta(minutes=50):%H:%M};CD 12345;17,905",
        f"3;{clock:%d.%m.%Y};{clock - timedelta(minutes=51):%H:%M};CD 12345;17,905",
        f"4;{clock:%d.%m.%Y};{clock - timedelta(minutes=50):%H:%M};EF 12345;17,905",
    ]
    file = (BytesIO("\n".join([head, *rows]).encode()), "vekt.csv")
    client.log_in_as(site.giver).in_english()
    page = client.post(f"/deals/{site.deal.id}/ticket-files/new", data={"file": file}, follow_redirects=True).text
    for other in ("L-7", "2", "3"):
        assert page.count(f"Looks like load {other}<") == 1
    assert "3 new rows look like other loads" in page
    assert "17.905" in page  # to the kilogram


# The list -------------------------------------------------------------------------------------------------------------


def test_loads_stand_in_the_order_they_were_driven_page_by_page(client: Client, site: Site) -> None:
    for number, hours in (("S3", 3), ("S0", 1), ("S2", 2), ("S1", 1)):
        site.make.ticket(site.deal, mass_t=5, number=number, loaded_at=NOW - timedelta(hours=hours))
    first = tickets_of(site.session, deal_id=site.deal.id, cursor=Cursor(), size=2)
    assert first.older is not None
    second = tickets_of(site.session, deal_id=site.deal.id, cursor=first.older, size=2)
    assert [row.number for row in (*first.items, *second.items)] == ["S1", "S0", "S2", "S3"]
    assert second.newer is not None
    assert tickets_of(site.session, deal_id=site.deal.id, cursor=second.newer, size=2).items == first.items


def test_the_number_of_loads_leaves_out_the_voided(client: Client, site: Site) -> None:
    for status in (TicketStatus.REPORTED, TicketStatus.REPORTED, TicketStatus.VOIDED):
        site.make.ticket(site.deal, status=status)
    assert "All 2 loads" in client.log_in_as(site.giver).in_english().get(f"/deals/{site.deal.id}").text


def test_a_corrected_load_names_who_reported_and_who_corrected_it(client: Client, site: Site) -> None:
    ticket = site.make.ticket(site.deal, reported_by_id=site.giver.id)
    other = site.make.member(site.deal.giver_organisation, role=Role.EDITOR)
    client.log_in_as(other).in_english()
    client.post(f"{site.loads}/{ticket.id}/void", data={"reason": "Kjørt et annet sted"})
    page = client.get(f"{site.loads}/{ticket.id}").text
    head = page.split("What it said before")[0]
    assert _said_of(head, "Reported by").startswith(site.giver.name)
    assert _said_of(head, "Voided by").startswith(other.name)


def _said_of(page: str, term: str) -> str:
    return page.split(f"<dt>{term}</dt>")[1].split("<dd>")[1].partition("</dd>")[0].strip()
