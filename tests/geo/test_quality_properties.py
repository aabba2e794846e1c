"""What holds of every judgement, whatever the laboratory found."""

from dataclasses import replace
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from geo.limits import RuleBook
from geo.proof import Medium, Outcome
from geo.quality import LabValue, Sample
from geo.quality_tables import quality_tables
from tests.geo.quality_cases import CLEAN_CONCRETE, PCBS, judge, value

SOIL = quality_tables().limits_for(RuleBook.SOIL, Medium.MASS)
JUDGED = sorted(SOIL)
MATERIALS = ["clay", "blasted_rock", "concrete", "asphalt"]
contents = st.decimals("0.000001", "30000", places=6) | st.sampled_from(
    [step.value_mg_kg for limits in SOIL.values() for step in limits.steps]
)


@st.composite
def samples(draw: st.DrawFn) -> Sample:
    """Most of the suite clean, some of it anything; now and then a sum left out, or a coating."""
    medium = draw(st.sampled_from([Medium.MASS, Medium.MASS, Medium.COATING]))
    base = {value(code, written).parameter: value(code, written) for code, written in CLEAN_CONCRETE.items()}
    for code in draw(st.lists(st.sampled_from([*JUDGED, *PCBS]), max_size=4)):
        base[code] = LabValue(parameter=code, value_mg_kg=draw(contents), is_below=draw(st.booleans()))
    if draw(st.booleans()):
        base.pop("PCB7", None)
        for code in PCBS:
            base.setdefault(code, LabValue(parameter=code, value_mg_kg=Decimal("0.001"), is_below=True))
    return Sample(name=draw(st.sampled_from(["P1", "P2", "P10"])), medium=medium, values=tuple(base.values()))


lots = st.lists(samples(), min_size=1, max_size=3)
patient = settings(deadline=None, max_examples=50)
"""A lot takes long to draw where the machine is busy."""
backgrounds = st.dictionaries(st.sampled_from(["As", "Pb", "Ni"]), contents, max_size=2)


@patient
@given(lot=lots, material=st.sampled_from(MATERIALS), shuffled=st.randoms())
def test_order_of_samples_and_values_is_irrelevant(lot, material, shuffled):
    turned = [replace(each, values=tuple(shuffled.sample(each.values, len(each.values)))) for each in lot]
    shuffled.shuffle(turned)
    assert judge(material, *turned) == judge(material, *lot)


@patient
@given(
    lot=lots,
    material=st.sampled_from(MATERIALS),
    which=st.integers(0, 1000),
    by=st.decimals("1", "1000", places=3),
    becomes_found=st.booleans(),
    background=backgrounds,
)
def test_worse_value_never_gives_a_better_class(lot, material, which, by, becomes_found, background):
    background = background if material in {"clay", "blasted_rock"} else {}
    place = which % len(lot)
    values = list(lot[place].values)
    at = which % len(values)
    values[at] = replace(
        values[at],
        value_mg_kg=values[at].value_mg_kg * by,
        is_below=values[at].is_below and not becomes_found,
    )
    worse = [*lot[:place], replace(lot[place], values=tuple(values)), *lot[place + 1 :]]
    before = judge(material, *lot, background_mg_kg=background)
    after = judge(material, *worse, background_mg_kg=background)
    assert after.at_least.rank >= before.at_least.rank
    assert after.at_most.rank >= before.at_most.rank
    if before.outcome is not Outcome.CLEAN:
        assert after.outcome is not Outcome.CLEAN


@patient
@given(lot=lots, more=samples(), material=st.sampled_from(MATERIALS))
def test_another_sample_never_makes_a_lot_better_than_those_it_has(lot, more, material):
    has_mass = any(each.medium is Medium.MASS for each in lot)
    before, after = judge(material, *lot), judge(material, *lot, more)
    assert after.at_least.rank >= before.at_least.rank
    assert not has_mass or after.at_most.rank >= before.at_most.rank


@patient
@given(lot=lots, material=st.sampled_from(MATERIALS))
def test_lot_is_clean_only_where_every_value_is_within_its_limit(lot, material):
    judgement = judge(material, *lot)
    if judgement.outcome is Outcome.CLEAN:
        findings = [each for judged in judgement.samples for each in judged.findings]
        assert findings
        assert all(each.high_mg_kg <= each.limit_mg_kg for each in findings)


@patient
@given(lot=lots, background=backgrounds)
def test_background_never_makes_it_worse(lot, background):
    assert judge("clay", *lot, background_mg_kg=background).at_most.rank <= judge("clay", *lot).at_most.rank
