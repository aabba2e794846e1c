"""Deals on the pages: from a listing to a request, its answers, and what each side is shown."""

from datetime import timedelta
from decimal import Decimal
from http import HTTPStatus
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.models import Deal, DealMessage, Listing
from marketplace.types import (
    DealStatus,
    FacilityKind,
    Haulage,
    ListingKind,
    ListingStatus,
    OfferStatus,
    PausedReason,
    PriceKind,
    Role,
    Side,
)
from tests.conftest import NOW, Client, QueryCounter
from tests.factories import SANDVIKA, Factory

TODAY = NOW.date()
NEARBY = (10.60, 59.92)


def terms(**values: object) -> dict[str, Any]:
    return {
        "entered_value": "500",
        "entered_unit": "t",
        "density_t_m3": "",
        "starts_on": TODAY.isoformat(),
        "ends_on": (TODAY + timedelta(days=30)).isoformat(),
        "price_kind": "free",
        "price_nok_per_t": "",
        "loading": "giver",
        "haulage": "taker",
        "haulier": "",
        "access": "",
        "opening_hours": "",
        "note": "",
        "expires_in_days": "14",
        "message": "",
        **values,
    }


class Sides:
    """A giver with a surplus, and a taker with a need of the same."""

    def __init__(self, make: Factory) -> None:
        self.make = make
        self.giver, self.taker = make.organisation(name="Avgiver AS"), make.organisation(name="Mottaker AS")
        self.giver_owner = make.member(self.giver, name="Gro Giver", email="gro@avgiver.example")
        self.taker_owner = make.member(self.taker, name="Tor Taker", email="tor@mottaker.example")
        self.surplus = make.listing(self.giver, mass_t=2000)
        self.need = make.listing(
            self.taker, kind=ListingKind.DEMAND, mass_t=800, position=NEARBY, available_from=TODAY + timedelta(days=10)
        )

    def deal(self, **values: object) -> Deal:
        values.setdefault("created_by_id", self.taker_owner.id)
        values.setdefault("taking_listing_id", self.need.id)
        return self.make.deal(surplus=self.surplus, taker=self.taker, **values)  # type: ignore[arg-type]


@pytest.fixture
def sides(make: Factory) -> Sides:
    return Sides(make)


def only_deal(session: Session) -> Deal:
    session.expire_all()
    return session.scalars(select(Deal)).one()


def text_of(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == HTTPStatus.OK, path
    return answer.text


# Asking and offering --------------------------------------------------------------------------------------------------


def test_a_request_starts_with_the_least_of_both_sides_and_the_days_in_common(client: Client, sides: Sides) -> None:
    client.log_in_as(sides.taker_owner).in_english()
    page = text_of(client, f"/listings/{sides.surplus.id}/deals/new?own={sides.need.id}")
    assert 'value="800"' in page  # of the need's 800 t and the surplus's 2 000 t
    assert f'value="{(TODAY + timedelta(days=10)).isoformat()}"' in page
    assert f'value="{(TODAY + timedelta(days=90)).isoformat()}"' in page
    assert f'value="listing:{sides.need.id}"' in page


def test_a_request_takes_price_loading_and_haulage_from_the_listing(client: Client, sides: Sides) -> None:
    sides.surplus.price_kind, sides.surplus.price_nok_per_t = PriceKind.TAKER_PAYS, Decimal("25.5")
    sides.surplus.haulage = Haulage.BY_AGREEMENT
    sides.need.haulage = Haulage.GIVER  # what the one leaves open, the other has said
    sides.make.session.flush()
    client.log_in_as(sides.taker_owner).in_english()
    page = text_of(client, f"/listings/{sides.surplus.id}/deals/new?own={sides.need.id}")
    assert 'name="price_kind" value="taker_pays" checked' in page
    assert 'value="25.5"' in page
    assert 'name="haulage" value="giver" checked' in page


def test_a_request_is_sent_and_waits_for_the_other_side(client: Client, session: Session, sides: Sides) -> None:
    client.log_in_as(sides.taker_owner).in_english()
    answer = client.post(
        f"/listings/{sides.surplus.id}/deals/new",
        data=terms(taking=f"listing:{sides.need.id}", message="Can you load on Mondays?"),
    )
    deal = only_deal(session)
    assert (answer.status_code, answer.location) == (HTTPStatus.SEE_OTHER, f"/deals/{deal.id}")
    assert (deal.status, deal.opened_by, deal.taking_listing_id) == (
        DealStatus.NEGOTIATING,
        Side.TAKER,
        sides.need.id,
    )
    assert deal.offers[0].mass_t == 500
    assert session.scalars(select(DealMessage.body)).one() == "Can you load on Mondays?"
    assert "Waiting for Avgiver AS" in text_of(client, f"/deals/{deal.id}")


def test_masses_are_asked_for_a_project_without_a_need(client: Client, session: Session, sides: Sides) -> None:
    project = sides.make.project(sides.taker, name="Ny vei")
    client.log_in_as(sides.taker_owner).in_english()
    page = text_of(client, f"/listings/{sides.surplus.id}/deals/new")
    assert "Project: Ny vei" in page
    client.post(f"/listings/{sides.surplus.id}/deals/new", data=terms(taking=f"project:{project.id}"))
    assert only_deal(session).destination_project_id == project.id


def test_a_surplus_is_offered_to_a_need(client: Client, session: Session, sides: Sides) -> None:
    client.log_in_as(sides.giver_owner).in_english()
    page = text_of(client, f"/listings/{sides.need.id}/deals/new?own={sides.surplus.id}")
    assert 'value="800"' in page
    client.post(f"/listings/{sides.need.id}/deals/new", data=terms(surplus_id=str(sides.surplus.id)))
    deal = only_deal(session)
    assert (deal.opened_by, deal.surplus_id) == (Side.GIVER, sides.surplus.id)


def test_what_is_wrong_with_a_request_stands_beside_its_field_and_nothing_typed_is_lost(
    client: Client, session: Session, sides: Sides
) -> None:
    client.log_in_as(sides.taker_owner).in_english()
    answer = client.post(
        f"/listings/{sides.surplus.id}/deals/new",
        data=terms(
            taking=f"listing:{sides.need.id}",
            entered_value="900",
            price_kind="taker_pays",
            price_nok_per_t="cheap",
            access="By the north gate",
            message="Hello <b>there</b>",
        ),
    )
    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert "Enter a number, with digits only." in answer.text
    for typed in ('value="cheap"', 'value="900"', "By the north gate", "Hello &lt;b&gt;there&lt;/b&gt;"):
        assert typed in answer.text
    assert session.scalars(select(Deal)).all() == []


def test_all_that_is_wrong_with_the_terms_is_told_in_one_round(client: Client, sides: Sides) -> None:
    client.log_in_as(sides.taker_owner).in_english()
    data = terms(taking=f"listing:{sides.need.id}", entered_value="many", ends_on="2020-01-01", haulier="x" * 300)
    page = client.post(f"/listings/{sides.surplus.id}/deals/new", data=data).text
    for field in ("entered_value", "ends_on", "haulier"):
        assert f'href="#{field}"' in page, field


def test_more_than_is_left_is_refused_with_what_is_left(client: Client, session: Session, sides: Sides) -> None:
    client.log_in_as(sides.taker_owner).in_english()
    answer = client.post(
        f"/listings/{sides.surplus.id}/deals/new", data=terms(taking=f"listing:{sides.need.id}", entered_value="900")
    )
    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert "The whole need is 800 t" in answer.text
    assert 'href="#entered_value"' in answer.text


@pytest.mark.parametrize(
    "bad",
    [
        {"taking": "listing:999999"},
        {"taking": "project:'; drop table deal"},
        {"taking": ""},
        {"entered_value": ""},
        {"entered_value": "-5"},
        {"entered_value": "1e400"},
        {"starts_on": "yesterday"},
        {"ends_on": "2020-01-01"},
        {"price_kind": "a fortune"},
        {"loading": ""},
        {"haulage": "nobody"},
        {"hub_listing_id": "12"},
        {"expires_in_days": "4000"},
        {"note": "x" * 100_000},
        {"message": "x" * 100_000},
        {"haulier": "x" * 1000},
    ],
    ids=lambda bad: next(iter(f"{name}={str(value)[:12]}" for name, value in bad.items())),
)
def test_no_bad_answer_makes_a_deal(client: Client, session: Session, sides: Sides, bad: dict[str, str]) -> None:
    client.log_in_as(sides.taker_owner)
    data = terms(taking=f"listing:{sides.need.id}") | bad
    answer = client.post(f"/listings/{sides.surplus.id}/deals/new", data=data)
    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert 'role="alert"' in answer.text
    assert session.scalars(select(Deal)).all() == []


def test_the_same_request_twice_says_where_the_first_one_is(client: Client, session: Session, sides: Sides) -> None:
    client.log_in_as(sides.taker_owner).in_english()
    path, data = f"/listings/{sides.surplus.id}/deals/new", terms(taking=f"listing:{sides.need.id}")
    client.post(path, data=data)
    answer = client.post(path, data=data)
    assert answer.status_code == HTTPStatus.CONFLICT
    assert f"Deal {only_deal(session).id} is about the same already" in answer.text


def test_who_has_nothing_to_take_them_for_is_led_to_make_it(client: Client, sides: Sides) -> None:
    client.log_in_as(sides.make.member()).in_english()
    page = text_of(client, f"/listings/{sides.surplus.id}/deals/new")
    assert "Where should they go?" in page
    assert 'href="/projects/new"' in page


def test_by_way_of_a_hub_it_becomes_two_deals(client: Client, session: Session, sides: Sides) -> None:
    operator = sides.make.organisation(name="Mellomlager AS")
    facility = sides.make.facility(
        operator, kind=FacilityKind.INTERIM_STORAGE, name="Skui", capacity_t=9000, capacity_left_t=9000,
        capacity_reported_at=NOW,
    )  # fmt: skip
    hub = sides.make.listing(operator, kind=ListingKind.RECEPTION, facility_id=facility.id, mass_t=9000)
    sides.make.listing(  # too far away
        sides.make.organisation(), kind=ListingKind.RECEPTION, position=(5.3, 60.4), mass_t=9000
    )
    client.log_in_as(sides.taker_owner).in_english()
    page = text_of(client, f"/listings/{sides.surplus.id}/deals/new")
    assert "By way of Skui" in page
    assert page.count("By way of Skui") == 1
    assert "room for 9,000" in page
    answer = client.post(
        f"/listings/{sides.surplus.id}/deals/new",
        data=terms(
            taking=f"listing:{sides.need.id}",
            hub_listing_id=str(hub.id),
            second_entered_value="400",
            second_starts_on=(TODAY + timedelta(days=20)).isoformat(),
            second_ends_on=(TODAY + timedelta(days=60)).isoformat(),
            second_price_kind="taker_pays",
            second_price_nok_per_t="40",
            second_haulage="giver",
        ),
    )
    session.expire_all()
    first, second = session.scalars(select(Deal).order_by(Deal.id))
    assert answer.location == f"/deals/{second.id}"  # the leg that is one's own
    assert (second.source_deal_id, first.destination_facility_id) == (first.id, facility.id)
    assert (second.offers[0].mass_t, second.offers[0].price_nok_per_t) == (400, 40)
    assert first.offers[0].is_suggestion
    page = text_of(client, f"/deals/{second.id}")
    assert "By way of Skui" in page
    assert f'href="/deals/{first.id}"' not in page  # between two others


def test_the_second_leg_within_the_first_is_asked_for_beside_its_own_fields(client: Client, sides: Sides) -> None:
    operator = sides.make.organisation()
    hub = sides.make.listing(operator, kind=ListingKind.RECEPTION, mass_t=9000)
    client.log_in_as(sides.taker_owner).in_english()
    answer = client.post(
        f"/listings/{sides.surplus.id}/deals/new",
        data=terms(
            taking=f"listing:{sides.need.id}",
            hub_listing_id=str(hub.id),
            second_entered_value="600",
            second_starts_on=TODAY.isoformat(),
            second_ends_on=(TODAY + timedelta(days=60)).isoformat(),
            second_price_kind="free",
            second_haulage="giver",
        ),
    )
    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert 'href="#second_entered_value"' in answer.text


# Answering ------------------------------------------------------------------------------------------------------------


def test_the_taker_counters_and_the_giver_accepts(client: Client, session: Session, sides: Sides) -> None:
    deal = sides.deal(mass_t=700)
    client.log_in_as(sides.giver_owner).in_english()
    page = text_of(client, f"/deals/{deal.id}")
    assert "Your turn" in page
    assert "Accept 700" in page
    answer = client.post(f"/deals/{deal.id}/offers/new", data=terms(entered_value="600", message="A bit less"))
    assert answer.location == f"/deals/{deal.id}"

    client.log_in_as(sides.taker_owner)
    standing = only_deal(session).offers[-1]
    answer = client.post(f"/deals/{deal.id}/offers/accept", data={"offer_id": str(standing.id)})
    assert answer.status_code == HTTPStatus.SEE_OTHER
    deal = only_deal(session)
    assert (deal.status, deal.agreed_t) == (DealStatus.AGREED, 600)
    page = text_of(client, f"/deals/{deal.id}")
    assert "Contacts and exact places are open to both sides now." in page


def test_an_offer_that_has_been_replaced_is_not_accepted(client: Client, session: Session, sides: Sides) -> None:
    deal = sides.deal(mass_t=700)
    seen = deal.offers[0].id
    deal.offers[0].status, deal.offers[0].answered_at = OfferStatus.SUPERSEDED, NOW
    session.flush()
    sides.make.offer(deal, number=2, mass_t=750)
    client.log_in_as(sides.giver_owner).in_english()
    answer = client.post(f"/deals/{deal.id}/offers/accept", data={"offer_id": str(seen)})
    assert answer.status_code == HTTPStatus.CONFLICT
    assert "Another offer has taken its place." in answer.text
    assert "Accept 750" in answer.text
    assert only_deal(session).status is DealStatus.NEGOTIATING


def test_who_accepts_too_late_is_told_what_is_left(client: Client, session: Session, sides: Sides) -> None:
    deal = sides.deal(mass_t=700, taking_listing_id=None, destination_project_id=sides.make.project(sides.taker).id)
    sides.make.deal(surplus=sides.surplus, status=DealStatus.AGREED, mass_t=1500)
    client.log_in_as(sides.giver_owner).in_english()
    answer = client.post(f"/deals/{deal.id}/offers/accept", data={"offer_id": str(deal.offers[0].id)})
    assert answer.status_code == HTTPStatus.CONFLICT
    assert "Only 500 t of this surplus is left" in answer.text
    session.expire_all()
    assert session.get_one(Deal, deal.id).status is DealStatus.NEGOTIATING


@pytest.mark.parametrize(("action", "status"), [("decline", DealStatus.DECLINED), ("withdraw", DealStatus.WITHDRAWN)])
def test_a_deal_that_ends_says_why(
    client: Client, session: Session, sides: Sides, action: str, status: DealStatus
) -> None:
    deal = sides.deal()
    client.log_in_as(sides.giver_owner if action == "decline" else sides.taker_owner).in_english()
    data = {"offer_id": str(deal.offers[0].id), "reason": "We found another pit"}
    answer = client.post(f"/deals/{deal.id}/offers/{action}", data=data)
    assert answer.status_code == HTTPStatus.SEE_OTHER
    assert only_deal(session).status is status
    assert "We found another pit" in text_of(client, f"/deals/{deal.id}")


def test_too_long_a_reason_comes_back_open_with_what_was_typed(client: Client, sides: Sides) -> None:
    deal = sides.deal()
    client.log_in_as(sides.giver_owner).in_english()
    data = {"offer_id": str(deal.offers[0].id), "reason": "y" * 50_000}
    answer = client.post(f"/deals/{deal.id}/offers/decline", data=data)
    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert "y" * 50_000 in answer.text
    assert '<details class="mf-answers__more" open>' in answer.text


def test_an_agreed_deal_is_changed_and_shows_only_what_would_be_other(
    client: Client, session: Session, sides: Sides
) -> None:
    deal = sides.deal(status=DealStatus.AGREED, mass_t=500)
    client.log_in_as(sides.taker_owner).in_english()
    offered = deal.offers[0]
    data = terms(
        entered_value="650",
        starts_on=offered.starts_on.isoformat(),
        ends_on=offered.ends_on.isoformat(),
        haulage=offered.haulage.value,
    )
    assert client.post(f"/deals/{deal.id}/offers/new", data=data).status_code == HTTPStatus.SEE_OTHER
    page = text_of(client, f"/deals/{deal.id}")
    table = page.partition('class="ds-table mf-table mf-changes"')[2].partition("</table>")[0]
    assert "650" in table
    assert "Loading" not in table
    assert only_deal(session).agreed_t == 500


def test_a_deal_is_cancelled_with_a_reason_and_frees_what_it_held(
    client: Client, session: Session, sides: Sides
) -> None:
    deal = sides.deal(status=DealStatus.AGREED, mass_t=500)
    client.log_in_as(sides.giver_owner).in_english()
    assert client.post(f"/deals/{deal.id}/cancel", data={"reason": " "}).status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    answer = client.post(f"/deals/{deal.id}/cancel", data={"reason": "The site is closed"})
    assert answer.status_code == HTTPStatus.SEE_OTHER
    session.expire_all()
    assert session.get_one(Listing, sides.surplus.id).left_t == 2000


@pytest.mark.parametrize(
    ("status", "path"),
    [(DealStatus.NEGOTIATING, "cancel"), (DealStatus.DECLINED, "offers/new"), (DealStatus.COMPLETED, "offers/new")],
)
def test_what_cannot_be_done_any_more_leads_back_to_the_deal(
    client: Client, sides: Sides, status: DealStatus, path: str
) -> None:
    deal = sides.deal(status=status)
    client.log_in_as(sides.giver_owner)
    answer = client.get(f"/deals/{deal.id}/{path}", follow_redirects=True)
    assert answer.request.path == f"/deals/{deal.id}"
    assert 'class="ds-alert" data-color="warning"' in answer.text


@pytest.mark.parametrize(
    ("status", "path", "field"),
    [
        (DealStatus.CANCELLED, "cancel", "reason"),
        (DealStatus.WITHDRAWN, "offers/new", "message"),
        (DealStatus.COMPLETED, "offers/new", "message"),
    ],
)
def test_what_was_typed_stays_where_it_cannot_be_sent_any_more(
    client: Client, sides: Sides, status: DealStatus, path: str, field: str
) -> None:
    deal = sides.deal(status=status)
    client.log_in_as(sides.giver_owner)
    answer = client.post(f"/deals/{deal.id}/{path}", data=terms(entered_value="321", **{field: "Skrevet her"}))
    assert answer.status_code == HTTPStatus.CONFLICT
    assert "Skrevet her</textarea>" in answer.text


@pytest.mark.parametrize(
    ("sent_to", "page"),
    [
        ("offers/accept", ""),
        ("offers/decline", ""),
        ("offers/withdraw", ""),
        ("statement/sign", "/statement"),
        ("statement/send-back", "/statement"),
        ("tickets/confirm", "/tickets"),
        ("tickets/7/dispute", "/tickets/7"),
    ],
)
def test_a_form_that_was_refused_may_be_reloaded(client: Client, sides: Sides, sent_to: str, page: str) -> None:
    deal = sides.deal(status=DealStatus.AGREED)
    client.log_in_as(sides.giver_owner)
    answer = client.get(f"/deals/{deal.id}/{sent_to}")
    assert (answer.status_code, answer.location) == (HTTPStatus.SEE_OTHER, f"/deals/{deal.id}{page}")


def test_a_program_is_told_that_an_address_takes_no_such_request(client: Client, sides: Sides) -> None:
    deal = sides.deal()
    client.log_in_as(sides.giver_owner)
    answer = client.get(f"/deals/{deal.id}/offers/accept", headers={"Accept": "application/json"})
    assert answer.status_code == HTTPStatus.METHOD_NOT_ALLOWED


# Who sees what --------------------------------------------------------------------------------------------------------


def test_contacts_open_on_agreement(client: Client, session: Session, sides: Sides) -> None:
    deal = sides.deal(mass_t=500)
    client.log_in_as(sides.giver_owner).in_english()
    assert "tor@mottaker.example" not in text_of(client, f"/deals/{deal.id}")
    client.post(f"/deals/{deal.id}/offers/accept", data={"offer_id": str(deal.offers[0].id)})
    assert "tor@mottaker.example" in text_of(client, f"/deals/{deal.id}")
    client.log_in_as(sides.taker_owner)
    assert "gro@avgiver.example" in text_of(client, f"/deals/{deal.id}")


@pytest.mark.parametrize("is_agreed", [False, True], ids=["before", "after"])
def test_hidden_places_open_on_agreement(
    client: Client, session: Session, make: Factory, sides: Sides, is_agreed: bool
) -> None:
    exact, blurred = SANDVIKA, (10.5301, 59.8951)
    surplus = make.listing(
        sides.giver,
        position=blurred,
        hides_position=True,
        exact_position_25833=make.listing(sides.giver, position=exact).position_25833,
    )
    deal = make.deal(
        surplus=surplus,
        taker=sides.taker,
        status=DealStatus.AGREED if is_agreed else DealStatus.NEGOTIATING,
        origin_position_25833=surplus.exact_position_25833,
    )
    session.expire_all()
    client.log_in_as(sides.taker_owner).in_english()
    for page in (text_of(client, f"/deals/{deal.id}"), text_of(client, f"/listings/{surplus.id}")):
        assert ("59.8906" in page) is is_agreed
        assert ("10.5266" in page) is is_agreed
    client.log_in_as(make.member())
    assert "59.8906" not in text_of(client, f"/listings/{surplus.id}")


def test_before_agreement_the_giver_does_not_learn_where_a_quiet_project_is(client: Client, sides: Sides) -> None:
    project = sides.make.project(sides.taker, position=(10.6123, 59.9234))
    deal = sides.deal(
        taking_listing_id=None,
        destination_project_id=project.id,
        destination_position_25833=project.position_25833,
    )
    client.log_in_as(sides.giver_owner).in_english()
    assert "59.9234" not in text_of(client, f"/deals/{deal.id}")
    client.log_in_as(sides.taker_owner)
    assert "59.9234" in text_of(client, f"/deals/{deal.id}")


def test_a_partner_still_sees_the_listing_when_all_of_it_is_agreed(
    client: Client, session: Session, sides: Sides
) -> None:
    deal = sides.deal(status=DealStatus.AGREED)
    sides.surplus.status, sides.surplus.paused_reason = ListingStatus.PAUSED, PausedReason.FULL
    session.flush()
    session.expire_all()
    assert client.log_in_as(sides.taker_owner).get(f"/listings/{sides.surplus.id}").status_code == HTTPStatus.OK
    stranger = client.log_in_as(sides.make.member())
    assert stranger.get(f"/listings/{sides.surplus.id}").status_code == HTTPStatus.NOT_FOUND
    assert stranger.get(f"/deals/{deal.id}").status_code == HTTPStatus.NOT_FOUND


def test_a_viewer_reads_and_has_no_buttons(client: Client, sides: Sides) -> None:
    deal = sides.deal()
    client.log_in_as(sides.make.member(sides.giver, role=Role.VIEWER)).in_english()
    page = text_of(client, f"/deals/{deal.id}")
    assert "/offers/accept" not in page
    assert "/offers/new" not in page
    assert "Editors and owners of your organisation answer offers." in page


# From listings and matches --------------------------------------------------------------------------------------------


def test_a_listing_leads_to_a_request_and_a_match_to_one_with_it(client: Client, sides: Sides) -> None:
    client.log_in_as(sides.taker_owner).in_english()
    assert f'href="/listings/{sides.surplus.id}/deals/new"' in text_of(client, f"/listings/{sides.surplus.id}")
    own = text_of(client, f"/listings/{sides.need.id}")
    assert f'href="/listings/{sides.surplus.id}/deals/new?own={sides.need.id}"' in own
    assert f'href="/listings/{sides.need.id}/deals/new"' not in own


def test_the_owner_sees_what_of_a_listing_is_agreed(client: Client, session: Session, sides: Sides) -> None:
    sides.deal(status=DealStatus.AGREED, mass_t=500)
    session.expire_all()
    client.log_in_as(sides.giver_owner).in_english()
    assert "500\u00a0t of 2,000\u00a0t agreed, 1,500\u00a0t left" in text_of(client, f"/listings/{sides.surplus.id}")
    client.log_in_as(sides.make.member())
    assert "deals-heading" not in text_of(client, f"/listings/{sides.surplus.id}")


def test_a_visitor_is_led_to_log_in_and_comes_back(client: Client, sides: Sides) -> None:
    answer = client.get(f"/listings/{sides.surplus.id}/deals/new")
    assert answer.location == f"/login?next=/listings/{sides.surplus.id}/deals/new"


# The list and the menu ------------------------------------------------------------------------------------------------


def test_the_list_shows_what_waits_first_and_filters(client: Client, sides: Sides) -> None:
    waiting = sides.deal()
    other = sides.make.deal(surplus=sides.make.listing(sides.giver), status=DealStatus.DECLINED)
    client.log_in_as(sides.giver_owner).in_english()
    page = text_of(client, "/deals")
    assert page.index(f"/deals/{waiting.id}") < page.index(f"/deals/{other.id}")
    assert f'href="/deals/{other.id}"' not in text_of(client, "/deals?show=turn")
    assert f'href="/deals/{waiting.id}"' not in text_of(client, "/deals?show=over")
    assert f'href="/deals/{waiting.id}"' not in text_of(client, "/deals?side=taker")
    assert client.get("/deals?show=nonsense&side=x&unread=7&before=abc").status_code == HTTPStatus.OK
    assert "one waits for you" in page


def test_what_waits_is_not_counted_for_who_may_not_answer(client: Client, sides: Sides) -> None:
    sides.deal()
    client.log_in_as(sides.make.member(sides.giver, role=Role.VIEWER)).in_english()
    assert "waits for you" not in text_of(client, "/deals")


def test_the_list_asks_as_often_for_three_deals_as_for_one(
    client: Client, session: Session, sides: Sides, count_queries: QueryCounter
) -> None:
    sides.deal()
    client.log_in_as(sides.giver_owner)
    client.get("/deals")
    session.expire_all()
    with count_queries() as for_one:
        client.get("/deals")
    for _ in range(2):
        sides.make.deal(surplus=sides.make.listing(sides.giver), status=DealStatus.AGREED)
    session.expire_all()
    with count_queries() as for_three:
        client.get("/deals")
    assert len(for_three) == len(for_one)


def test_a_deals_page_asks_as_often_with_many_offers_and_legs(
    client: Client, session: Session, sides: Sides, count_queries: QueryCounter
) -> None:
    deal = sides.deal()
    client.log_in_as(sides.giver_owner)
    client.get(f"/deals/{deal.id}")
    session.expire_all()
    with count_queries() as with_one:
        client.get(f"/deals/{deal.id}")
    deal = only_deal(session)
    for number in (2, 3, 4):
        maker = sides.make.member(sides.giver if number % 2 == 0 else sides.taker)
        deal.offers[-1].status, deal.offers[-1].answered_at = OfferStatus.SUPERSEDED, NOW
        deal.offers[-1].answered_by_id = maker.id
        session.flush()
        sides.make.offer(
            deal, number=number, made_by=Side.GIVER if number % 2 == 0 else Side.TAKER, made_by_id=maker.id
        )
        session.refresh(deal)
    session.expire_all()
    with count_queries() as with_four:
        client.get(f"/deals/{deal.id}")
    assert len(with_four) == len(with_one)


def test_the_form_asks_as_often_for_three_needs_as_for_one(
    client: Client, session: Session, sides: Sides, count_queries: QueryCounter
) -> None:
    client.log_in_as(sides.taker_owner)
    path = f"/listings/{sides.surplus.id}/deals/new"
    client.get(path)
    session.expire_all()
    with count_queries() as for_one:
        client.get(path)
    for _ in range(2):
        project = sides.make.project(sides.taker)
        sides.make.listing(sides.taker, kind=ListingKind.DEMAND, project=project, project_id=project.id)
        sides.make.listing(sides.make.organisation(), kind=ListingKind.RECEPTION)
    session.expire_all()
    with count_queries() as for_three:
        client.get(path)
    assert len(for_three) == len(for_one)
