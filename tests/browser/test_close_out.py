"""The end of a deal on a phone: recovery answered, the statement read and signed, and its PDF looked at."""

import re
from io import BytesIO

import pypdf
import pypdfium2
from playwright.sync_api import Page, expect

from tests.browser.checks import overflow_px, serious_issues, wait_for_maps
from tests.browser.visitor import PHONE, Complaints, OpenPage, Thumb

READABLE_PX = 60
"""A sheet that is not blank has at least so many rows with ink, of a hundred."""


def look(page: Page) -> None:
    page.wait_for_load_state()  # with its stylesheets
    assert overflow_px(page) == 0
    assert serious_issues(page) == []


def pdf_at(page: Page, link: str) -> tuple[str, pypdfium2.PdfDocument]:
    address = page.get_by_role("link", name=link).first.get_attribute("href")
    answer = page.request.get(address)
    assert answer.headers["content-type"] == "application/pdf"
    text = " ".join(" ".join(each.extract_text() for each in pypdf.PdfReader(BytesIO(answer.body())).pages).split())
    return text, pypdfium2.PdfDocument(answer.body())


def rows_with_ink(pdf: pypdfium2.PdfDocument) -> int:
    """Of the first sheet, drawn a hundred rows high."""
    sheet = pdf[0].render(scale=100 / pdf[0].get_height(), grayscale=True).to_pil()
    pixels = sheet.load()
    return sum(any(pixels[x, y] < 235 for x in range(sheet.width)) for y in range(sheet.height))


def test_the_receiver_reads_signs_and_files_the_statement(open_page: OpenPage) -> None:
    page = open_page(PHONE, who="receiver")
    thumb = Thumb(page)
    page.goto("/deals")
    page.get_by_role("link", name=re.compile("Subsoil|Undergrunnsjord")).first.click()
    wait_for_maps(page)
    look(page)
    thumb.tap(page.get_by_role("link", name="Read and sign"))
    page.wait_for_url(re.compile("/statement$"))
    look(page)
    text, _ = pdf_at(page, "Statement (PDF)")
    assert "Not signed by both" in text

    page.get_by_role("button", name="Sign the statement").click()
    page.get_by_role("dialog").get_by_role("button", name="Sign the statement").click()
    expect(page.locator(".mf-flashes")).to_contain_text("Both have signed")
    expect(page.locator(".mf-closing__mark").first).to_have_attribute("data-tone", "good")
    look(page)

    text, pdf = pdf_at(page, "Statement (PDF)")
    assert "Signed by both" in text
    assert "Marit Eksempel" in text
    assert rows_with_ink(pdf) >= READABLE_PX
    text, pdf = pdf_at(page, "Agreement (PDF)")
    assert "Eksempel Massemottak AS" in text
    assert len(pdf) <= 2
    assert rows_with_ink(pdf) >= READABLE_PX


def test_the_three_tests_are_answered_on_a_phone(open_page: OpenPage, complaints: Complaints) -> None:
    complaints.expected.append("422")  # what is forgotten first
    page = open_page(PHONE, who="receiver")
    thumb = Thumb(page)
    page.goto("/deals")
    page.get_by_role("link", name=re.compile("^Clay")).first.click()
    wait_for_maps(page)
    thumb.tap(page.get_by_role("link", name="Answer the three tests"))
    page.wait_for_url(re.compile("/recovery$"))
    look(page)
    for group, answer in ((0, "Yes"), (1, "Yes"), (2, "No")):
        test = page.locator(".mf-recoveryform__test").nth(group)
        test.get_by_role("radio", name=answer).check()
        if group != 2:
            test.get_by_role("textbox").fill("Reguleringsplan 2026")
    page.get_by_role("button", name="Save the answers").click()
    expect(page.locator(".mf-errors")).to_contain_text("Say why not.")
    look(page)
    page.locator(".mf-recoveryform__test").nth(2).get_by_role("textbox").fill("Leira er for bløt under vei")
    page.get_by_role("button", name="Save the answers").click()
    expect(page.locator("#recovery")).to_contain_text("Not recovery")
    expect(page.locator("#recovery")).to_contain_text("No virgin material is credited")
