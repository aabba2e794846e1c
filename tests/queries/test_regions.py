import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.disclosure import Disclosure
from marketplace.errors import NotFound
from marketplace.models import Municipality
from marketplace.queries.regions import (
    EVERYWHERE,
    Region,
    disclosure_of,
    find_region,
    region_around,
    region_of_municipality,
)
from marketplace.types import OrganisationKind
from tests.conftest import QueryCounter
from tests.factories import Factory

OSLO, ASKER, BAERUM, DRAMMEN, BERGEN = "0301", "3203", "3201", "3301", "4601"
AKERSHUS = "32"


def region(session: Session, *, counties: tuple[str, ...] = (), municipalities: tuple[str, ...] = ()) -> Region:
    found = find_region(session, counties=counties, municipalities=municipalities)
    assert found is not None
    return found


def test_an_address_that_asks_for_nothing_asks_for_no_region(session: Session) -> None:
    assert find_region(session) is None


def test_a_county_is_all_its_municipalities(session: Session) -> None:
    akershus = region(session, counties=(AKERSHUS,))

    assert {ASKER, BAERUM} < akershus.numbers
    assert OSLO not in akershus.numbers
    assert akershus.name == "Akershus"


def test_municipalities_beside_each_other_are_named_in_the_order_asked(session: Session) -> None:
    together = region(session, municipalities=(OSLO, ASKER))

    assert together.numbers == {OSLO, ASKER}
    assert together.name == "Oslo, Asker"


def test_a_municipality_of_a_county_that_is_asked_for_adds_nothing(session: Session) -> None:
    both = region(session, counties=(AKERSHUS,), municipalities=(ASKER,))

    assert both.parameters == {"county": [AKERSHUS]}


def test_a_region_is_found_again_by_its_parameters(session: Session) -> None:
    first = region(session, counties=(AKERSHUS,), municipalities=(OSLO, DRAMMEN))

    again = region(
        session,
        counties=tuple(first.parameters["county"]),
        municipalities=tuple(first.parameters["municipality"]),
    )

    assert again == first


def test_of_many_the_first_are_named_and_the_rest_counted(session: Session) -> None:
    many = region(session, municipalities=(OSLO, ASKER, BAERUM, DRAMMEN, BERGEN))

    assert many.name.endswith(" + 2")


def test_an_old_number_stands_for_what_it_became(session: Session) -> None:
    assert region(session, municipalities=("3025",)).numbers == {ASKER}


def test_many_municipalities_are_looked_up_together(session: Session, count_queries: QueryCounter) -> None:
    numbers = tuple(session.scalars(select(Municipality.number).where(Municipality.area_25833.is_not(None)).limit(300)))
    with count_queries() as statements:
        many = region(session, municipalities=(*numbers, "3025"))

    assert many.numbers == {*numbers, ASKER}
    assert len(statements) <= 3


@pytest.mark.parametrize(("counties", "municipalities"), [(("99",), ()), ((), ("9999",)), ((AKERSHUS, "00"), ())])
def test_a_number_of_nothing_is_not_found(
    session: Session, counties: tuple[str, ...], municipalities: tuple[str, ...]
) -> None:
    with pytest.raises(NotFound):
        find_region(session, counties=counties, municipalities=municipalities)


def test_a_municipality_is_compared_with_its_county_and_a_county_with_the_country(session: Session) -> None:
    asker = region_of_municipality(session, ASKER)
    assert asker is not None

    county = region_around(session, asker)

    assert county.name == "Akershus"
    assert region_around(session, county) == EVERYWHERE


def test_everywhere_leaves_nothing_out(session: Session) -> None:
    numbers = session.scalars(select(Municipality.number).where(EVERYWHERE.has(Municipality.number))).all()

    assert OSLO in numbers
    assert len(numbers) > 350


def test_a_verified_municipality_sees_all_of_its_county(session: Session, make: Factory) -> None:
    asker = make.organisation(kind=OrganisationKind.MUNICIPALITY, municipality_number=ASKER)
    member = make.member(asker)
    admin = make.user(is_admin=True)
    own, other = region(session, municipalities=(ASKER,)), region(session, municipalities=(ASKER, OSLO))

    assert disclosure_of(session, make.actor(member), own) is Disclosure.OPEN  # nobody has verified it yet
    asker.verified_at, asker.verified_by_id, asker.verification_note = make.now, admin.id, "seen"
    session.flush()

    assert disclosure_of(session, make.actor(member), own) is Disclosure.FULL
    assert disclosure_of(session, make.actor(member), other) is Disclosure.OPEN
    assert disclosure_of(session, make.actor(member), EVERYWHERE) is Disclosure.OPEN
    assert disclosure_of(session, make.actor(admin), EVERYWHERE) is Disclosure.FULL


def test_a_contractor_in_the_municipality_sees_what_everybody_sees(session: Session, make: Factory) -> None:
    admin = make.user(is_admin=True)
    contractor = make.organisation(
        municipality_number=ASKER, verified_at=make.now, verified_by_id=admin.id, verification_note="seen"
    )
    own = region(session, municipalities=(ASKER,))

    assert disclosure_of(session, make.actor(make.member(contractor)), own) is Disclosure.OPEN
