"""Photos and documents in the browser: sent from a phone whose network comes and goes, and without scripts."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect
from sqlalchemy import select

from marketplace.models import Document, Membership, Organisation, User
from tests.browser.checks import overflow_px, serious_issues
from tests.browser.served import Site
from tests.browser.visitor import DESKTOP, PEOPLE, PHONE, Complaints, OpenPage, Screen
from tests.files import PDF, SVG, photo_from_phone, picture

POSTS = re.compile(r"/listings/\d+/documents$")
LOST = "net::ERR_FAILED"


@pytest.fixture
def listing_id(site: Site) -> int:
    """A draft of the contractor's, with nothing to it yet."""
    with site.rows() as make:
        organisation = make.session.scalars(
            select(Organisation).join(Membership).join(User).where(User.email == PEOPLE["contractor"])
        ).one()
        return make.listing(organisation, status="draft").id


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    paths = []
    for number, colour in enumerate(("teal", "maroon", "olive"), start=1):
        path = tmp_path / f"IMG_{number}.jpg"
        path.write_bytes(picture(size=(1600, 1200), colour=colour))
        paths.append(path)
    return paths


@pytest.fixture
def phone(open_page: OpenPage, listing_id: int) -> Page:
    page = open_page(PHONE, who="contractor")
    page.goto(f"/listings/{listing_id}/documents")
    return page


def lose(page: Page, *, times: int, after_arrival: bool = False) -> None:
    """Lose so many of the uploads: on their way, or on the way back when the server has them."""

    def handle(route: Route) -> None:
        if route.request.method != "POST":
            route.continue_()
            return
        if after_arrival:
            route.fetch()
        route.abort("failed")

    page.route(POSTS, handle, times=times)


def kept(site: Site, listing_id: int) -> list[Document]:
    with site.sessions() as session:
        return list(session.scalars(select(Document).where(Document.listing_id == listing_id)))


def test_photos_from_a_phone_come_into_the_page_one_after_the_other(
    phone: Page, photos: list[Path], site: Site, listing_id: int
) -> None:
    expect(phone.locator("#photo-camera")).to_have_attribute("capture", "environment")
    phone.locator("#photo-file").set_input_files(photos)
    expect(phone.locator(".mf-photocard")).to_have_count(3)
    expect(phone.locator(".mf-uploads:visible")).to_have_count(0)
    assert len(kept(site, listing_id)) == 3


def test_an_upload_that_is_lost_on_its_way_is_sent_again(
    phone: Page, photos: list[Path], complaints: Complaints
) -> None:
    complaints.expected.append(LOST)
    lose(phone, times=1)
    phone.locator("#photo-file").set_input_files(photos[:1])
    expect(phone.locator(".mf-upload__state")).to_contain_text("Did not get through")
    expect(phone.locator(".mf-photocard")).to_have_count(1)
    expect(phone.locator(".mf-upload")).to_have_count(0)


def test_an_upload_whose_answer_is_lost_counts_once(
    phone: Page, photos: list[Path], complaints: Complaints, site: Site, listing_id: int
) -> None:
    complaints.expected.append(LOST)
    lose(phone, times=1, after_arrival=True)
    phone.locator("#photo-file").set_input_files(photos[:1])
    phone.get_by_role("button", name="Try again: IMG_1.jpg").click()
    expect(phone.locator(".mf-photocard")).to_have_count(1)
    assert len(kept(site, listing_id)) == 1


def test_what_waits_is_still_there_after_a_reload(
    phone: Page, photos: list[Path], complaints: Complaints, site: Site, listing_id: int
) -> None:
    complaints.expected.append(LOST)
    lose(phone, times=2)
    phone.locator("#photo-file").set_input_files(photos[:2])
    expect(phone.get_by_text("Did not get through")).to_have_count(2)

    phone.reload()
    expect(phone.locator(".mf-photocard")).to_have_count(2)
    expect(phone.locator(".mf-upload")).to_have_count(0)
    phone.reload()
    expect(phone.locator(".mf-photocard")).to_have_count(2)
    assert len(kept(site, listing_id)) == 2


def test_without_a_network_the_photo_waits_for_it(phone: Page, photos: list[Path], complaints: Complaints) -> None:
    complaints.expected.append("net::ERR_INTERNET_DISCONNECTED")
    phone.context.set_offline(True)
    phone.locator("#photo-file").set_input_files(photos[:1])
    expect(phone.locator(".mf-upload__state")).to_contain_text("No network. Kept on this device")
    phone.context.set_offline(False)
    expect(phone.locator(".mf-photocard")).to_have_count(1)


def test_who_was_logged_out_meanwhile_loses_nothing(phone: Page, photos: list[Path], complaints: Complaints) -> None:
    complaints.expected.append("400")
    cookies = phone.context.cookies()
    phone.context.clear_cookies()
    phone.locator("#photo-file").set_input_files(photos[:1])
    expect(phone.locator(".mf-upload__state")).to_contain_text("You are logged out")
    phone.context.add_cookies(cookies)  # type: ignore[arg-type] - as they came
    phone.reload()
    expect(phone.locator(".mf-photocard")).to_have_count(1)


def test_what_cannot_be_taken_is_said_and_can_be_left_out(phone: Page, tmp_path: Path, complaints: Complaints) -> None:
    complaints.expected.append("422")
    (tmp_path / "tegning.jpg").write_bytes(SVG)
    phone.locator("#photo-file").set_input_files(tmp_path / "tegning.jpg")
    expect(phone.locator(".mf-upload--failed")).to_contain_text("This kind of file is not taken.")
    phone.get_by_role("button", name="Leave out: tegning.jpg").click()
    expect(phone.locator(".mf-upload")).to_have_count(0)
    phone.reload()
    expect(phone.locator(".mf-upload")).to_have_count(0)


def test_a_large_photo_is_made_smaller_on_the_phone_and_holds_no_position(
    phone: Page, tmp_path: Path, site: Site, listing_id: int
) -> None:
    (tmp_path / "IMG_9.jpg").write_bytes(photo_from_phone(size=(4000, 3000)) + bytes(1_000_000))
    with phone.expect_request(lambda request: request.method == "POST") as sent:
        phone.locator("#photo-file").set_input_files(tmp_path / "IMG_9.jpg")
    body = sent.value.post_data_buffer or b""
    expect(phone.locator(".mf-photocard")).to_have_count(1)
    assert len(body) < 500_000
    assert b"Telefon AS" not in body
    (document,) = kept(site, listing_id)
    assert (document.width_px, document.height_px) == (1800, 2400)  # upright, as the phone was held


def test_what_is_being_typed_stays_while_another_photo_arrives(phone: Page, photos: list[Path]) -> None:
    phone.locator("#photo-file").set_input_files(photos[:1])
    text = phone.get_by_label("What photo 1 shows")
    text.fill("Haugen sett fra veien")
    phone.locator("#photo-file").set_input_files(photos[1:2])
    expect(phone.locator(".mf-photocard")).to_have_count(2)
    expect(text).to_have_value("Haugen sett fra veien")

    phone.get_by_role("button", name="Move photo 1 towards the end").click()
    expect(phone.locator(".mf-photocard").nth(1).locator("img")).to_have_attribute("alt", "Haugen sett fra veien")


def test_a_document_goes_through_the_same_queue(phone: Page, tmp_path: Path, complaints: Complaints) -> None:
    complaints.expected.append(LOST)
    (tmp_path / "rapport.pdf").write_bytes(PDF)
    lose(phone, times=1)
    phone.locator("#file-file").set_input_files(tmp_path / "rapport.pdf")
    phone.locator("#file-title").fill("Grunnundersøkelse")
    phone.get_by_role("button", name="Add the document").click()
    expect(phone.locator("#files").get_by_label("Laboratory report")).to_have_value("Grunnundersøkelse")


def test_without_scripts_the_forms_do_it(
    open_page: OpenPage, photos: list[Path], site: Site, listing_id: int, screen: Screen
) -> None:
    page = open_page(screen, who="contractor", java_script_enabled=False)
    page.goto(f"/listings/{listing_id}/documents")
    page.locator("#photo-file").set_input_files(photos[:2])
    page.get_by_role("button", name="Send the photos").click()
    assert page.locator(".mf-photocard").count() == 2
    _first, second = (each.id for each in sorted(kept(site, listing_id), key=lambda each: each.id))
    page.get_by_label("What photo 1 shows").fill("Haugen")
    page.get_by_role("button", name="Move photo 2 towards the front").click()
    assert page.locator(".mf-photocard").first.get_attribute("id") == f"document-{second}"
    assert page.get_by_label("What photo 2 shows").input_value() == "Haugen"
    assert overflow_px(page) == 0


def test_the_pages_can_be_used_by_all(
    open_page: OpenPage, photos: list[Path], tmp_path: Path, listing_id: int, screen: Screen
) -> None:
    (tmp_path / "rapport.pdf").write_bytes(PDF)
    page = open_page(screen, who="contractor")
    page.goto(f"/listings/{listing_id}/documents")
    page.locator("#photo-file").set_input_files(photos[:2])
    page.locator("#file-file").set_input_files(tmp_path / "rapport.pdf")
    page.get_by_role("button", name="Add the document").click()
    expect(page.locator(".mf-photocard")).to_have_count(2)
    expect(page.locator(".mf-filerow")).to_have_count(1)
    for address in (page.url, f"/listings/{listing_id}"):
        page.goto(address)
        assert serious_issues(page) == []
        assert overflow_px(page) == 0
    page.locator(".mf-photostrip__link").first.click()
    page.get_by_role("link", name="Next").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Photo 2 of 2")
    assert serious_issues(page) == []
    assert overflow_px(page) == 0
    assert screen in {PHONE, DESKTOP}
