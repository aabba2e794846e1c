import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from geo.geometry import Position
from marketplace.registers import AddressKind, FoundAddress, NoAddressRegister
from marketplace.services.geocoding import (
    PATIENCE_S,
    SHORT_PATIENCE_S,
    CombinedGeocoder,
    FoundKind,
    OfflineGeocoder,
    Place,
    make_geocoder,
    read_typed_position,
)


@pytest.fixture
def geocoder(session: Session) -> OfflineGeocoder:
    return OfflineGeocoder(session)


@pytest.mark.parametrize(
    ("typed", "label"),
    [
        ("Sandvika", "Sandvika, Bærum"),
        ("sandvika", "Sandvika, Bærum"),
        ("SANDVIKA  ", "Sandvika, Bærum"),
        ("sandv", "Sandvika, Bærum"),
        ("Sanvika", "Sandvika, Bærum"),
        ("Sandvikka", "Sandvika, Bærum"),
        ("Sandvika, Bærum", "Sandvika, Bærum"),
        ("Sandvika, Lierne", "Sandvika, Lierne"),
        ("sandvika baerum", "Sandvika, Bærum"),
        ("Bærum", "Bærum, Akershus"),
        ("baerum", "Bærum, Akershus"),
        ("Bærum kommune", "Bærum, Akershus"),
        ("Fornebu", "Fornebu, Bærum"),
        ("Lysaker", "Lysaker, Bærum"),
        ("skoyen", "Skøyen, Oslo"),
        ("Oslo", "Oslo"),
        ("Aalesund", "Ålesund"),
        ("Tromso", "Tromsø"),
        ("Gaivuotna", "Kåfjord, Troms"),
        ("Herøy, Nordland", "Herøy, Nordland"),
        ("Herøy, Møre og Romsdal", "Herøy, Møre og Romsdal"),
        ("Akershus", "Akershus"),
        ("3201", "Bærum, Akershus"),
        ("3024", "Bærum, Akershus"),
    ],
)
def test_what_is_typed_finds_the_place(geocoder: OfflineGeocoder, typed: str, label: str) -> None:
    assert geocoder.search(typed)[0].label == label


@pytest.mark.parametrize("typed", ["", "   ", "%", "_", "\\", "qqqqxyz", "1580", "9999", "'; DROP TABLE listing; --"])
def test_what_is_no_name_finds_nothing(geocoder: OfflineGeocoder, typed: str) -> None:
    assert geocoder.search(typed) == []


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(typed=st.text(max_size=150))
def test_anything_may_be_typed(geocoder: OfflineGeocoder, typed: str) -> None:
    assert len(geocoder.search(typed, limit=5)) <= 5


def test_a_label_typed_again_finds_the_same_place(geocoder: OfflineGeocoder) -> None:
    for typed in ("Sandvika", "Herøy", "Nes", "Våler", "Strand", "Frogner"):
        for place in geocoder.search(typed):
            assert place.position in [again.position for again in geocoder.search(place.label)], place.label


def test_where_the_map_looks_decides_between_places_of_one_name(geocoder: OfflineGeocoder) -> None:
    in_lierne = Position(lon=13.6, lat=64.46)
    assert geocoder.search("Sandvika", near=in_lierne)[0].label == "Sandvika, Lierne"
    assert geocoder.search("Sandvika", near=Position(lon=10.7, lat=59.9))[0].label == "Sandvika, Bærum"


def test_a_municipality_and_a_county_come_with_the_box_to_show(geocoder: OfflineGeocoder) -> None:
    municipality, county = geocoder.search("Bærum")[0], geocoder.search("Akershus")[0]
    assert (municipality.kind, county.kind) == (FoundKind.MUNICIPALITY, FoundKind.COUNTY)
    for place in (municipality, county):
        assert place.bbox is not None
        assert place.bbox.west < place.position.lon < place.bbox.east


def test_a_municipality_stands_where_its_people_are(geocoder: OfflineGeocoder) -> None:
    baerum, sandvika = geocoder.search("Bærum")[0], geocoder.search("Sandvika, Bærum")[0]
    assert baerum.position.distance_m(sandvika.position) < 10


def test_as_many_as_asked_for_are_given_and_none_twice(geocoder: OfflineGeocoder) -> None:
    found = geocoder.search("s", limit=5)
    assert len(found) == 5
    assert len({(place.label, place.kind) for place in found}) == 5


def test_names_that_are_merely_similar_stay_away_from_names_that_fit(geocoder: OfflineGeocoder) -> None:
    assert all("sandvika" in place.label.casefold() for place in geocoder.search("Sandvika"))
    assert not any(place.is_good for place in geocoder.search("Sanvika"))


@pytest.mark.parametrize(
    "typed",
    [
        "59.8906, 10.5266",
        "59.8906 10.5266",
        "10.5266, 59.8906",
        "10.5266 59.8906",
        "59,8906 10,5266",
        "59,8906; 10,5266",
        " 59.8906,10.5266 ",
    ],
)
def test_a_position_is_read_in_either_order(geocoder: OfflineGeocoder, typed: str) -> None:
    (place,) = geocoder.search(typed)
    assert place.kind is FoundKind.POSITION
    assert place.label == "59.89060, 10.52660 (Bærum)"
    assert place.municipality_name == "Bærum"


@pytest.mark.parametrize("typed", ["48.8, 2.3", "59.8906", "1, 2, 3", "999 999", "10.5, nan", "0301 1507"])
def test_what_is_no_position_in_norway_is_none(typed: str) -> None:
    assert read_typed_position(typed) is None


def test_a_search_asks_few_questions(geocoder: OfflineGeocoder, count_queries: object) -> None:
    with count_queries() as one_hit:  # type: ignore[operator]
        geocoder.search("Fornebu")
    with count_queries() as many_hits:  # type: ignore[operator]
        geocoder.search("s")
    assert len(one_hit) == len(many_hits) <= 3


# With an online register


class Register:
    """A register that answers at once, and notes how long it was given."""

    is_online = True

    def __init__(self, *found: FoundAddress) -> None:
        self.found = list(found)
        self.waits: list[float] = []

    def search(self, query: str, *, limit: int, wait_s: float) -> list[FoundAddress]:
        self.waits.append(wait_s)
        return self.found[:limit]


ADDRESS = FoundAddress(
    kind=AddressKind.ADDRESS,
    name="Løkketangen 12A, 1337 Sandvika",
    municipality_number="3201",
    municipality_name="Bærum",
    lon=10.5221,
    lat=59.8898,
)
NAME = FoundAddress(
    kind=AddressKind.PLACE,
    name="Sandvika",
    municipality_number="3201",
    municipality_name="Bærum",
    lon=10.5270,
    lat=59.8905,
)


def search_with(geocoder: OfflineGeocoder, register: Register, typed: str) -> list[Place]:
    return CombinedGeocoder(geocoder, register).search(typed)


def test_an_address_is_found_online(geocoder: OfflineGeocoder) -> None:
    register = Register(ADDRESS)
    place = search_with(geocoder, register, "Løkketangen 12")[0]
    assert (place.label, place.kind) == ("Løkketangen 12A, 1337 Sandvika", FoundKind.ADDRESS)
    assert register.waits == [PATIENCE_S]


def test_a_name_the_gazetteer_knows_hardly_waits_and_is_not_doubled(geocoder: OfflineGeocoder) -> None:
    register = Register(ADDRESS, NAME)
    labels = [place.label for place in search_with(geocoder, register, "Sandvika")]
    assert labels[0] == "Sandvika, Bærum"
    assert labels.count("Sandvika, Bærum") == 1
    assert labels[-1] == "Løkketangen 12A, 1337 Sandvika"
    assert register.waits == [SHORT_PATIENCE_S]


@pytest.mark.parametrize("typed", ["", "Sa", "59.8906, 10.5266"])
def test_some_things_are_not_asked_online(geocoder: OfflineGeocoder, typed: str) -> None:
    register = Register(ADDRESS)
    search_with(geocoder, register, typed)
    assert register.waits == []


def test_without_a_register_the_gazetteer_answers_alone(session: Session) -> None:
    assert isinstance(make_geocoder(session, NoAddressRegister()), OfflineGeocoder)
    assert isinstance(make_geocoder(session, Register()), CombinedGeocoder)
