"""A file of listings in a real browser: sent, watched, put right and applied, at both widths."""

import re
from datetime import date, timedelta
from pathlib import Path

from playwright.sync_api import expect

from tests.browser.checks import overflow_px, serious_issues
from tests.browser.served import Site
from tests.browser.visitor import OpenPage, Screen
from tests.services.test_bulk import csv_file, row


def rows(name: str) -> list[dict[str, str]]:
    first = date.today()
    days = {"Fra_dato": first.isoformat(), "Til_dato": (first + timedelta(days=90)).isoformat()}
    return [row(Referanse=f"{name}-{n}", **days, **({"Mengde": "omtrent 40"} if n == 2 else {})) for n in range(5)]


def test_a_file_is_sent_watched_put_right_and_applied(
    open_page: OpenPage, screen: Screen, site: Site, tmp_path: Path
) -> None:
    page = open_page(screen, who="contractor")
    page.goto("/listings")
    page.get_by_role("link", name="Import a file").click()
    page.get_by_role("link", name="Import a file").first.click()
    page.get_by_text("The columns of a file of listings").click()
    expect(page.get_by_text("Format the cells as text, or 4/8 becomes a day.")).to_be_visible()
    assert serious_issues(page) == []
    assert overflow_px(page) == 0
    with page.expect_download() as template:
        page.get_by_role("link", name="Excel").first.click()
    assert template.value.suggested_filename.endswith(".xlsx")

    path = tmp_path / f"{screen.name}.csv"
    path.write_bytes(csv_file(rows(screen.name)))
    page.locator("input[type=file]").set_input_files(path)
    page.get_by_role("button", name="Check the file").click()
    page.wait_for_url(re.compile(r"/imports/\d+$"))
    expect(page.locator("#progress")).to_contain_text("Checked 0 of 5 rows")
    assert serious_issues(page) == []
    site.do_jobs()
    expect(page.get_by_role("heading", name="One row cannot be used as it is")).to_be_visible()  # by itself
    expect(page.locator(".mf-import__lines")).to_contain_text("omtrent 40")
    expect(page.locator(".mf-import__lines")).to_contain_text("Enter a number, with digits only.")
    assert serious_issues(page) == []
    assert overflow_px(page) == 0
    with page.expect_download() as bad:
        page.get_by_role("link", name="Download the bad rows").click()

    page.get_by_role("link", name="See the good rows").click()
    expect(page.locator(".mf-import__understood tbody tr")).to_have_count(4)
    expect(page.locator(".mf-import__understood")).to_contain_text("Demand: Blasted rock")
    assert serious_issues(page) == []
    assert overflow_px(page) == 0

    page.get_by_role("button", name="Apply the good rows").click()
    expect(page.locator("#progress")).to_contain_text("Applied 0 of 4 rows")
    site.do_jobs()
    expect(page.get_by_role("heading", name="4 rows were applied")).to_be_visible()
    assert serious_issues(page) == []

    put_right = tmp_path / "rettet.csv"
    put_right.write_bytes(Path(bad.value.path()).read_bytes().replace(b"omtrent 40", b"40"))
    page.goto("/imports/new")
    page.locator("input[type=file]").set_input_files(put_right)
    page.get_by_role("button", name="Check the file").click()
    page.wait_for_url(re.compile(r"/imports/\d+$"))
    site.do_jobs()
    expect(page.get_by_role("button", name="Apply all rows")).to_be_visible()
