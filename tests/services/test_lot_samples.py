"""A sample that stands in several reports is one sample, and counts by the worse of what they say."""

from collections.abc import Iterator
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from geo.materials import taxonomy
from geo.proof import Medium, Outcome
from geo.quality import classify
from marketplace.models import LabReport, LabSample, LabValueRow, Listing
from marketplace.services.lot_samples import lot_samples
from marketplace.services.quality import LotQuality, quality_of
from marketplace.types import Documentation, LabSource, ListingStatus
from tests.factories import Factory

METALS = {"As": "2", "Pb": "10", "Cd": "0.2", "Cr": "20", "Cu": "15", "Hg": "0.05", "Ni": "15", "Zn": "50"}
ORGANIC = {"PAH16": "0.5", "BaP": "0.03", "PCB7": "0.002"}


@pytest.fixture
def draft(make: Factory) -> Listing:
    return make.listing(material="moraine", status=ListingStatus.DRAFT, documentation=Documentation.NONE)


def row(name: str, written: dict[str, str], *, medium: Medium = Medium.MASS, layer: str | None = None) -> LabSample:
    """A sample; `<0.5` is below it."""
    values = [
        LabValueRow(
            parameter=code,
            value_mg_kg=Decimal(text.lstrip("<")),
            is_below=text.startswith("<"),
            entered_value=text,
            entered_unit="mg/kg TS",
        )
        for code, text in written.items()
    ]
    return LabSample(name=name, medium=medium, layer=layer, values=values)


def reported(make: Factory, listing: Listing, *samples: LabSample) -> LabReport:
    report = LabReport(
        listing_id=listing.id,
        source=LabSource.TYPED,
        created_by_id=listing.created_by_id,
        samples=list(samples),
    )
    make.session.add(report)
    make.session.flush()
    return report


def judged(session: Session, listing: Listing) -> LotQuality:
    return quality_of(session, listing)


def test_metals_and_organic_compounds_in_separate_reports_make_one_clean_sample(
    session: Session, draft: Listing, make: Factory
) -> None:
    reported(make, draft, row("P1", METALS))
    assert judged(session, draft).outcome is Outcome.UNKNOWN
    reported(make, draft, row(" p1 ", ORGANIC))
    quality = judged(session, draft)
    assert (len(quality.samples), quality.outcome, quality.soil_class) == (1, Outcome.CLEAN, 1)


def test_the_same_report_twice_makes_no_more_samples(session: Session, draft: Listing, make: Factory) -> None:
    make.report(draft)
    once = judged(session, draft)
    make.report(draft)
    twice = judged(session, draft)
    assert len(twice.samples) == 1
    assert twice.judgement == once.judgement


def test_a_removed_report_takes_its_results_with_it(session: Session, draft: Listing, make: Factory) -> None:
    reported(make, draft, row("P1", METALS))
    organic = reported(make, draft, row("P1", ORGANIC))
    organic.removed_at = organic.created_at
    session.flush()
    assert judged(session, draft).outcome is Outcome.UNKNOWN


@pytest.mark.parametrize(
    ("one", "other", "low", "high"),
    [
        ("14", "85", "85", "85"),
        ("85", "<5", "85", "85"),
        ("85", "<100", "85", "100"),
        ("<100", "50", "50", "100"),
        ("<5", "<100", "0", "100"),
    ],
)
@pytest.mark.parametrize("is_reversed", [False, True])
def test_reports_that_differ_count_by_the_worse(
    session: Session, draft: Listing, make: Factory, one: str, other: str, low: str, high: str, is_reversed: bool
) -> None:
    for lead in (other, one) if is_reversed else (one, other):
        reported(make, draft, row("P1", METALS | ORGANIC | {"Pb": lead}))
    judgement = judged(session, draft).judgement
    assert judgement is not None
    found = next(each for each in judgement.samples[0].findings if each.parameter == "Pb")
    assert (found.low_mg_kg, found.high_mg_kg) == (Decimal(low), Decimal(high))
    assert judgement.outcome is not Outcome.CLEAN


def test_a_mass_its_coating_and_other_names_stay_apart(session: Session, make: Factory) -> None:
    wall = make.listing(material="concrete", status=ListingStatus.DRAFT, documentation=Documentation.NONE)
    reported(make, wall, row("B1", METALS), row("B1", {"Pb": "30"}, medium=Medium.COATING))
    reported(make, wall, row("B2", METALS))
    found = [(each.sample.name, each.medium) for each in judged(session, wall).samples]
    assert found == [("B1", Medium.MASS), ("B1", Medium.COATING), ("B2", Medium.MASS)]


@pytest.mark.parametrize(
    ("layers", "found"),
    [
        ((None, "Øvre"), ["Øvre"]),
        (("øvre", "Øvre "), ["øvre"]),
        (("øvre", "nedre", None), ["øvre", "nedre", None]),
    ],
)
def test_layers_that_differ_are_different_samples(layers: tuple[str | None, ...], found: list[str | None]) -> None:
    reports = [LabReport(samples=[row("P1", METALS, layer=layer)]) for layer in layers]
    assert [each.layer for each in lot_samples(reports)] == found


CONTENTS = st.dictionaries(
    st.sampled_from([*METALS, *ORGANIC]),
    st.tuples(st.sampled_from(["", "<"]), st.integers(1, 5000)).map(lambda made: f"{made[0]}{made[1] / 100}"),
    min_size=1,
)


@given(st.lists(CONTENTS, min_size=1, max_size=4))
def test_no_report_makes_another_ones_finding_better(contents: list[dict[str, str]]) -> None:
    merged = _levels(lot_samples([LabReport(samples=[row("P1", each)]) for each in contents]))
    for each in contents:
        for parameter, (least, most) in _levels(lot_samples([LabReport(samples=[row("P1", each)])])).items():
            assert merged[parameter][0] >= least
            assert merged[parameter][1] >= most


def _levels(samples: tuple[object, ...]) -> dict[str, tuple[int, int]]:
    """The best and the worst level that each measured parameter can be of."""
    return dict(_ranks(samples))


def _ranks(samples: tuple[object, ...]) -> Iterator[tuple[str, tuple[int, int]]]:
    judgement = classify(taxonomy().material("moraine"), [each.sample for each in samples])
    (sample,) = judgement.samples
    for finding in sample.findings:
        if finding.high_mg_kg is not None:
            yield finding.parameter, (finding.at_least.rank, finding.at_most.rank)
