"""A laboratory's file, from the phone of whoever got it by mail to a lot that may be published."""

import re
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.checks import overflow_px, serious_issues
from tests.browser.visitor import PHONE, Complaints, OpenPage, Screen

LEADING = ("Analyserapport AR-26-EX-0099;;;", "Eksempellab AS;;;", ";;;")
HEADINGS = "Prøvenavn;Arsen (As);Bly (Pb);Kadmium (Cd);Krom (Cr);Kobber (Cu);Kvikksølv (Hg);Nikkel (Ni);Sink (Zn)"
ORGANIC = "Sum PAH(16) EPA;Benzo(a)pyren;Sum PCB(7)"
UNITS = ";".join(["", *["mg/kg TS"] * 11])
CLEAN = "3,2;14;<0,05;31;22;<0,01;28;66;0,45;0,03;<0,007"
DIRTY = "3,2;=SUM(A1:A9);<0,05;31;22;<0,01;28;66;4,2;0,31;<0,007"


def lab_file(folder: Path, name: str, **samples: str) -> Path:
    lines = [*LEADING, f"{HEADINGS};{ORGANIC}", UNITS, *(f"{sample};{values}" for sample, values in samples.items())]
    path = folder / name
    path.write_bytes("\r\n".join(lines).encode("cp1252"))  # as such files still come
    return path


def draft(page: Page) -> None:
    """A draft of moraine whose poster has results, on its quality page."""
    page.goto("/listings/new?kind=surplus")
    page.locator(".mf-materialcard", has=page.locator("input[value=moraine]")).click()
    page.locator("#entered_value").fill("700")
    page.locator(".mf-presscard", has=page.locator("input[value=lab]")).click()
    page.locator("button[value=publish]").click()
    page.wait_for_url(re.compile(r"/listings/\d+/quality$"))


def test_a_file_is_previewed_corrected_confirmed_and_published(
    open_page: OpenPage, screen: Screen, complaints: Complaints, tmp_path: Path
) -> None:
    complaints.expected.append("status of 422")
    page = open_page(screen, who="contractor")
    draft(page)
    expect(page.locator(".mf-verdict__title")).to_have_text("Not documented yet")
    assert serious_issues(page) == []

    page.get_by_role("link", name="Add a file or a table").click()
    page.locator("input[type=file]").set_input_files(lab_file(tmp_path, "først.csv", P1=CLEAN, P2=DIRTY))
    page.get_by_role("button", name="Read the table").click()
    page.wait_for_url(re.compile(r"/quality/tables/\d+$"))
    problems = page.locator(".mf-preview__problems")
    expect(problems).to_contain_text("This is a formula.")
    expect(page.locator(".mf-sample")).to_have_count(2)
    expect(page.locator(".mf-sample", has_text="P2")).to_contain_text("class 2")
    page.locator(".mf-sample", has_text="P1").get_by_text("Show 11 results").click()
    expect(page.get_by_text("Cadmium (Cd): <\u202f0.05 mg/kg").first).to_be_visible()
    assert serious_issues(page) == []
    assert overflow_px(page) == 0

    page.locator("#laboratory").fill("Eksempellab AS")
    page.get_by_label("Layer").first.fill("øvre")
    page.get_by_text("Choose the file again").click()
    wrong = tmp_path / "rapport.pdf"
    wrong.write_bytes(b"%PDF-1.7 nothing to read here")
    page.locator("input[type=file]").set_input_files(wrong)
    page.get_by_role("button", name="Read this one instead").click()
    expect(page.locator(".mf-errors")).to_contain_text("This is a PDF.")
    expect(page.locator("#laboratory")).to_have_value("Eksempellab AS")
    expect(page.locator(".mf-sample")).to_have_count(2)

    page.locator("input[type=file]").set_input_files(lab_file(tmp_path, "rettet.csv", P1=CLEAN, P2=CLEAN, P3=CLEAN))
    page.get_by_role("button", name="Read this one instead").click()
    expect(page.locator(".mf-eyebrow")).to_have_text("rettet.csv")
    expect(page.locator(".mf-preview__problems")).to_have_count(0)
    expect(page.get_by_label("Layer").first).to_have_value("øvre")
    page.locator(".mf-sample", has_text="P3").get_by_role("checkbox").uncheck()
    page.get_by_role("button", name="Store the results").click()

    page.wait_for_url(re.compile(r"/listings/\d+/quality$"))
    expect(page.locator(".mf-verdict__title")).to_have_text("Tested, class 1")
    expect(page.locator(".mf-report")).to_contain_text("2 samples: P1, P2")
    assert serious_issues(page) == []
    assert overflow_px(page) == 0
    page.get_by_role("button", name="Publish").click()
    page.wait_for_url(re.compile(r"/listings/\d+\?published=1"))
    expect(page.locator(".mf-verdict__title")).to_have_text("Tested, class 1")
    assert serious_issues(page) == []


def test_a_dirty_lot_says_why_it_stays_and_what_to_do(open_page: OpenPage, tmp_path: Path) -> None:
    page = open_page(PHONE, who="contractor", locale="nb")
    draft(page)
    page.goto(f"{page.url}/tables/new")
    page.locator("input[type=file]").set_input_files(lab_file(tmp_path, "prøver.csv", P3=DIRTY))
    page.locator(".mf-handin button[type=submit]").click()
    page.locator("button[value=confirm]").click()
    page.wait_for_url(re.compile(r"/listings/\d+/quality$"))
    expect(page.locator(".mf-verdict--stop")).to_be_visible()
    expect(page.locator(".mf-reasons")).to_contain_text("4,2")
    expect(page.locator(".mf-obstacle")).to_be_visible()
    expect(page.locator("button", has_text="Publiser")).to_have_count(0)
    assert overflow_px(page) == 0


def test_results_are_typed_in_without_scripts(open_page: OpenPage) -> None:
    page = open_page(PHONE, who="contractor", java_script_enabled=False)
    draft(page)
    page.get_by_role("link", name="Type them in").click()
    page.get_by_label("Name of the sample").fill("P1")
    codes = ("As", "Pb", "Cd", "Cr", "Cu", "Hg", "Ni", "Zn", "PAH16", "BaP", "PCB7")
    for code, value in zip(codes, CLEAN.split(";"), strict=True):
        page.locator(f"[name='value_{code}']").fill(value)
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator(".mf-verdict__title")).to_have_text("Tested, class 1")


def test_the_question_about_quality_fits_the_material(open_page: OpenPage) -> None:
    page = open_page(PHONE, who="contractor")
    page.goto("/listings/new?kind=surplus")
    asked = page.locator(".mf-proof__ask:visible")
    origin = page.locator(".mf-presscard", has=page.locator("input[value=origin]"))
    page.locator(".mf-materialcard", has=page.locator("input[value=topsoil]")).click()
    expect(asked).to_have_count(0)
    origin.click()
    expect(asked).to_have_count(3)
    page.locator(".mf-materialcard", has=page.locator("input[value=blasted_rock]")).click()
    expect(asked).to_have_count(1)
    page.locator(".mf-materialcard", has=page.locator("input[value=gravel]")).click()
    expect(asked).to_have_count(0)
    page.locator(".mf-presscard", has=page.locator("input[value=lab]")).click()
    page.locator(".mf-materialcard", has=page.locator("input[value=concrete]")).click()
    expect(origin).to_be_hidden()
    expect(page.locator(".mf-proof__samples")).to_be_visible()
    page.locator(".mf-kindcard--demand").click()
    expect(page.locator(".mf-proof")).to_be_hidden()
    assert overflow_px(page) == 0
