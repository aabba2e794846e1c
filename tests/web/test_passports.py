"""Material passports: what they say, who reads them, and the paper."""

import re
from datetime import date
from decimal import Decimal
from io import BytesIO
from uuid import uuid4

import pypdf
import pypdfium2
import pytest
from sqlalchemy.orm import Session

from geo.proof import DeclarationKind
from marketplace.models import BackgroundOverride, Declaration, Document, Listing, Organisation, User
from marketplace.services.listings import close_listing
from marketplace.services.quality import refresh_quality
from marketplace.types import ClosedReason, DocumentKind, ListingKind, ListingStatus, PassportAudience, PausedReason
from tests.conftest import NOW, Client, QueryCounter
from tests.factories import Factory

SHA256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"


@pytest.fixture
def ours(make: Factory) -> Organisation:
    return make.organisation(name="Fjell og Grus AS")


@pytest.fixture
def member(make: Factory, ours: Organisation) -> User:
    return make.member(ours)


@pytest.fixture
def declared(make: Factory, ours: Organisation) -> Listing:
    project = make.project(ours, name="E16 Skaret", builder="Statens vegvesen")
    return make.listing(ours, project=project, project_id=project.id, mass_t=12_500)


@pytest.fixture
def visitor(client: Client) -> Client:
    return client.in_english()


def analysed(make: Factory, session: Session, listing: Listing, *, samples: int = 1, **worst: str) -> Listing:
    """The listing with so many clean samples, P1 to Pn, but for what the last one has."""
    for number in range(1, samples + 1):
        make.report(listing, sample=f"P{number}", **(worst if number == samples else {}))
    refresh_quality(session, listing, now=NOW)
    return listing


def page_of(client: Client, listing: Listing) -> str:
    answer = client.get(f"/passports/{listing.passport_token}")
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


def pdf_of(client: Client, listing: Listing) -> bytes:
    answer = client.get(f"/passports/{listing.passport_token}.pdf")
    assert answer.status_code == 200
    assert answer.mimetype == "application/pdf"
    return answer.data


def text_of(pdf: bytes) -> str:
    pages = pypdf.PdfReader(BytesIO(pdf)).pages
    return " ".join(" ".join(page.extract_text() for page in pages).replace("\u202f", " ").replace("\xa0", " ").split())


# What it says -----------------------------------------------------------------------------------------------------


def test_the_page_and_the_paper_say_the_same(visitor: Client, declared: Listing) -> None:
    page, paper = page_of(visitor, declared), text_of(pdf_of(visitor, declared))

    for said in (
        "Blasted rock",
        "E16 Skaret",
        "Statens vegvesen",
        "Bærum (3201)",
        "Fjell og Grus AS",
        "Declared, not tested",
        "never to have been polluted",
        "Kari Nordmann",
        "Urørt grunn",
    ):
        assert said in page, said
        assert said in paper, said
    assert "12,500 t" in page.replace("\xa0", " ")
    assert "12,500 t" in paper
    assert str(declared.passport_token) in paper
    assert "What was analysed" not in paper


def test_of_many_samples_it_shows_the_worst_of_each_parameter(
    make: Factory, session: Session, visitor: Client, declared: Listing
) -> None:
    analysed(make, session, declared, samples=60, Pb="59", PAH16="1.9")
    page, pdf = page_of(visitor, declared), pdf_of(visitor, declared)

    assert "60 samples, class 1" in page
    assert page.count("60 of 60") == page.count('data-label="Samples"')
    assert "P60" in page
    assert "P17" not in page
    assert "Lead (Pb)" in text_of(pdf)
    assert len(pypdf.PdfReader(BytesIO(pdf)).pages) <= 2
    assert "TA-2553" in text_of(pdf)


def test_a_value_is_told_although_another_sample_lacks_the_parameter(
    make: Factory, session: Session, client: Client, ours: Organisation, member: User
) -> None:
    listing = make.listing(ours, material="moraine", is_proven=False)
    make.report(listing, sample="P1", Pb="59")
    other = make.report(listing, sample="X1").samples[0]
    other.values = [value for value in other.values if value.parameter != "Pb"]
    session.flush()
    page = page_of(client.in_english().log_in_as(member), listing)
    row = next(each for each in page.split("<tr>") if ">Lead (Pb)<" in each)
    assert ">59<" in row
    assert ">P1<" in row
    assert "1 of 2" in row
    assert 'data-tone="warning"' in row


def test_a_lot_takes_as_many_statements_with_many_samples_as_with_one(
    make: Factory, session: Session, visitor: Client, ours: Organisation, count_queries: QueryCounter
) -> None:
    one, many = make.listing(ours), make.listing(ours)
    analysed(make, session, one)
    analysed(make, session, many, samples=12)
    page_of(visitor, one)

    with count_queries() as few:
        page_of(visitor, one)
    with count_queries() as more:
        page_of(visitor, many)
    assert len(more) == len(few)


def test_natural_background_and_documents_stand_with_their_numbers(
    make: Factory, session: Session, visitor: Client, declared: Listing
) -> None:
    document = Document(
        organisation_id=declared.organisation_id,
        listing_id=declared.id,
        kind=DocumentKind.LAB_REPORT,
        title="Bakgrunnsnivå arsen",
        file_name="bakgrunn.pdf",
        media_type="application/pdf",
        size_bytes=1200,
        sha256=SHA256,
        upload_id=uuid4(),
        uploaded_by_id=declared.created_by_id,
    )
    session.add(document)
    session.flush()
    session.add(
        BackgroundOverride(
            listing_id=declared.id,
            parameter="As",
            background_mg_kg=Decimal(14),
            document_id=document.id,
            stated_by="Ola Geolog",
            stated_on=date(2027, 2, 1),
            created_by_id=declared.created_by_id,
        )
    )
    session.flush()
    analysed(make, session, declared, As="12")
    page, paper = page_of(visitor, declared), text_of(pdf_of(visitor, declared))

    assert SHA256 in page
    assert SHA256 in paper.replace(" ", "")
    for said in (
        "Natural background",
        "14 mg/kg",
        "8 (background 14)",
        "Ola Geolog",
        "Bakgrunnsnivå arsen",
        "no more than the natural",
    ):
        assert said in page, said
        assert said in paper, said


def test_a_document_for_members_only_is_not_named_to_others(
    session: Session, visitor: Client, declared: Listing, member: User
) -> None:
    session.add(
        Document(
            organisation_id=declared.organisation_id,
            listing_id=declared.id,
            kind=DocumentKind.OTHER,
            title="Internt notat",
            file_name="notat.pdf",
            media_type="application/pdf",
            size_bytes=1200,
            sha256=SHA256,
            upload_id=uuid4(),
            uploaded_by_id=declared.created_by_id,
            is_shared=False,
        )
    )
    session.flush()

    assert "Internt notat" not in page_of(visitor, declared)
    assert "Internt notat" not in text_of(pdf_of(visitor, declared))
    assert "Internt notat" in page_of(visitor.log_in_as(member), declared)


# Where it ends ----------------------------------------------------------------------------------------------------


def test_once_it_is_not_clean_others_are_warned_and_members_see_why(
    make: Factory, session: Session, visitor: Client, declared: Listing, member: User
) -> None:
    analysed(make, session, declared, samples=2, PAH16="4.2")
    assert declared.paused_reason is PausedReason.QUALITY

    page, paper = page_of(visitor, declared), text_of(pdf_of(visitor, declared))
    for said in (page, paper):
        assert "Withdrawn" in said
        assert "Ask Fjell og Grus AS" in said
        assert "4.2" not in said
        assert "Urørt grunn" not in said
    assert "Not offered" in paper

    visitor.log_in_as(member)
    inside = text_of(pdf_of(visitor, declared))
    assert "Kept inside your organisation" in inside
    assert "4.2" in inside
    assert "class 2" in inside
    assert "Not offered" in inside


def test_it_follows_the_mass_when_the_listing_is_closed(
    make: Factory, session: Session, visitor: Client, declared: Listing, member: User
) -> None:
    close_listing(session, make.actor(member), listing_id=declared.id, now=NOW)

    assert declared.closed_reason is ClosedReason.OWNER
    assert visitor.get(f"/listings/{declared.id}").status_code != 200
    page = page_of(visitor, declared)
    assert "Closed on 1 Mar 2027" in page
    assert "holds for what was delivered before" in page
    assert "Urørt grunn" in page
    assert "Valid until" not in page


def test_a_draft_is_marked_as_not_offered(visitor: Client, make: Factory, ours: Organisation, member: User) -> None:
    draft = make.listing(ours, status=ListingStatus.DRAFT)

    assert visitor.get(f"/passports/{draft.passport_token}").status_code == 302
    assert "Not offered" in text_of(pdf_of(visitor.log_in_as(member), draft))
    assert visitor.log_in_as(make.member()).get(f"/passports/{draft.passport_token}.pdf").status_code == 404


def test_flakes_are_valid_until_they_would_be_a_landfill(
    make: Factory, session: Session, visitor: Client, ours: Organisation
) -> None:
    flakes = make.listing(ours, material="asphalt")
    session.add(
        Declaration(
            listing_id=flakes.id,
            kind=DeclarationKind.FLAKES_STORED_SINCE,
            is_confirmed=True,
            since_on=date(2024, 3, 20),
            stated_by="Kari Nordmann",
            stated_on=NOW.date(),
            created_by_id=flakes.created_by_id,
        )
    )
    session.flush()
    page = page_of(visitor, flakes)

    assert flakes.available_to > date(2027, 3, 20)
    assert re.search(r"Valid until</dt><dd>20 Mar 2027", page)
    assert "Must be used before 20 Mar 2027" in page


def test_what_is_needed_has_no_passport(visitor: Client, make: Factory, ours: Organisation, member: User) -> None:
    need = make.listing(ours, kind=ListingKind.DEMAND)
    visitor.log_in_as(member)

    assert visitor.get(f"/passports/{need.passport_token}").status_code == 404
    assert visitor.get(f"/listings/{need.id}/passport").status_code == 404
    assert "Material passport" not in visitor.get(f"/listings/{need.id}").get_data(as_text=True)


# Who reads it -----------------------------------------------------------------------------------------------------


def test_only_one_that_is_open_to_everybody_is_linked_and_found(
    session: Session, visitor: Client, declared: Listing
) -> None:
    link, listing = f"/passports/{declared.passport_token}", f"/listings/{declared.id}"

    assert link not in visitor.get(listing).get_data(as_text=True)
    assert "noindex" in visitor.get(link).headers["X-Robots-Tag"]
    assert "noindex" in visitor.get(f"{link}.pdf").headers["X-Robots-Tag"]
    assert visitor.get(link).headers["Referrer-Policy"] == "no-referrer"

    declared.passport_audience = PassportAudience.PUBLIC
    session.flush()
    assert link in visitor.get(listing).get_data(as_text=True)
    assert "X-Robots-Tag" not in visitor.get(link).headers


def test_the_owner_chooses_its_readers_and_makes_a_new_link(
    session: Session, visitor: Client, declared: Listing, member: User
) -> None:
    visitor.log_in_as(member)
    settings, old = f"/listings/{declared.id}/passport", f"/passports/{declared.passport_token}"
    assert old in visitor.get(settings).get_data(as_text=True)

    assert visitor.post(settings, data={"audience": "public"}).status_code == 302
    session.expire_all()
    assert declared.passport_audience is PassportAudience.PUBLIC
    assert visitor.post(settings, data={"audience": "nobody"}).status_code == 422

    visitor.post(f"{settings}/new-link")
    session.expire_all()
    assert visitor.get(old).status_code == 404
    assert visitor.get(f"{old}.pdf").status_code == 404
    assert page_of(visitor, declared)


@pytest.mark.parametrize("token", ["00000000-0000-4000-8000-000000000000", "not-a-token", "1"])
def test_an_address_that_names_nothing_is_not_found(visitor: Client, token: str) -> None:
    assert visitor.get(f"/passports/{token}").status_code == 404
    assert visitor.get(f"/passports/{token}.pdf").status_code == 404


# The paper --------------------------------------------------------------------------------------------------------


def test_the_paper_is_for_archives_and_screen_readers_and_names_itself(visitor: Client, declared: Listing) -> None:
    answer = visitor.get(f"/passports/{declared.passport_token}.pdf")
    reader = pypdf.PdfReader(BytesIO(answer.data))

    assert reader.metadata is not None
    assert reader.metadata.title == "Material passport: Blasted rock"
    assert reader.root_object["/Lang"] == "en"
    assert b"<pdfaid:part>2</pdfaid:part>" in answer.data
    assert b"<pdfuaid:part>1</pdfuaid:part>" in answer.data
    assert answer.headers["Content-Disposition"].startswith("inline; filename=")
    assert answer.headers["Content-Disposition"].endswith(".pdf")


def test_the_same_lot_gives_the_same_paper(visitor: Client, declared: Listing) -> None:
    assert pdf_of(visitor, declared) == pdf_of(visitor, declared)


def test_it_speaks_norwegian_too(client: Client, declared: Listing) -> None:
    assert pypdf.PdfReader(BytesIO(pdf_of(client, declared))).root_object["/Lang"] == "nb"
    assert "Sprengstein" in text_of(pdf_of(client, declared))


def test_what_people_write_is_printed_and_never_run(session: Session, visitor: Client, declared: Listing) -> None:
    written = '#panic("no") ] } $x$ <b>'
    declared.organisation.name = written
    session.flush()

    assert written in text_of(pdf_of(visitor, declared))
    assert "<b>" not in page_of(visitor, declared)


def test_it_draws_a_sheet_with_a_code_in_its_corner(visitor: Client, declared: Listing) -> None:
    with pypdfium2.PdfDocument(pdf_of(visitor, declared)) as document:
        page = document[0]
        width, height = page.get_size()
        picture = page.render(scale=1, grayscale=True).to_pil()
        page.close()

    assert (round(width), round(height)) == (595, 842)
    corner = picture.crop((455, 80, 550, 160))
    dark = sum(corner.histogram()[:128]) / (corner.width * corner.height)
    assert 0.1 < dark < 0.7, "half black, half white: a code"
    assert picture.crop((0, 0, 20, 842)).getextrema() == (255, 255), "nothing in the margin"
