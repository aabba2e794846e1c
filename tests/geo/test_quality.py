"""Whether a lot is clean: cases worked by hand."""

from decimal import Decimal

import pytest

from geo.errors import LabError, LabFault
from geo.limits import Level, Verified
from geo.materials import MaterialGroup, taxonomy
from geo.proof import Medium, Outcome
from geo.quality import FindingKind, LabValue, Sample, natural_order
from geo.quality_tables import quality_tables
from tests.geo.quality_cases import CLEAN_COATING, CLEAN_CONCRETE, CLEAN_SOIL, PCBS, judge, sample, value

# Written from TA-2553/2009 and forurensningsforskriften ch. 2 annex 1 a second time, so that a slip in one shows.
SOIL_LIMITS = """
As          8        20       50      600      1000
Pb          60       100      300     700      2500
Cd          1.5      10       15      30       1000
Hg          1        2        4       10       1000
Cu          100      200      1000    8500     25000
Zn          200      500      1000    5000     25000
Cr          50       200      500     2800     25000
Cr6         2        5        20      80       1000
Ni          60       135      200     1200     2500
PCB7        0.01     0.5      1       5        50
DDT         0.04     4        12      30       50
PAH16       2        8        50      150      2500
BaP         0.1      0.5      5       15       50
benzene     0.01     0.015    0.04    0.05     1000
C8-C10      10       10       40      50       20000
C10-C12     50       60       130     300      20000
C12-C35     100      300      600     2000     20000
DEHP        2.8      25       40      60       5000
dioxins     0.00001  0.00002  0.0001  0.00036  0.015
phenol      0.1      4        40      400      25000
TCE         0.1      0.2      0.6     0.8      1000
"""
SOIL_TABLE = {
    code: [Decimal(limit) for limit in limits] for code, *limits in map(str.split, SOIL_LIMITS.split("\n")[1:-1])
}
STEP = Decimal("0.0000001")


def expected_class(limits: list[Decimal], content: Decimal) -> int:
    return 1 + sum(content > limit for limit in limits)


def soil(**changed: str):
    return judge("clay", sample(**changed))


@pytest.mark.parametrize("code", SOIL_TABLE)
def test_class_of_every_soil_parameter_at_just_below_and_just_above_each_limit(code):
    limits = SOIL_TABLE[code]
    for number, limit in enumerate(limits, start=1):
        for content in (limit - STEP, limit, limit + STEP):
            lot = Sample(name="P1", values=(*sample().values, LabValue(parameter=code, value_mg_kg=content)))
            assert judge("clay", lot).soil_class == expected_class(limits, content), (code, content)
        assert expected_class(limits, limit) <= number < expected_class(limits, limit + STEP)


def test_table_in_use_is_the_one_written_here():
    limits = quality_tables().limits_for(judge("clay").rule_book, Medium.MASS)
    assert {code: [step.value_mg_kg for step in each.steps] for code, each in limits.items()} == SOIL_TABLE


@pytest.mark.parametrize(
    ("changed", "outcome", "soil_class", "says"),
    [
        # a clean sample, and one parameter of it in each class
        ({}, Outcome.CLEAN, 1, None),
        ({"Pb": "60"}, Outcome.CLEAN, 1, None),
        ({"Pb": "60.001"}, Outcome.CONTAMINATED, 2, ("Pb", FindingKind.EXCEEDS, "60")),
        ({"PAH16": "4.2"}, Outcome.CONTAMINATED, 2, ("PAH16", FindingKind.EXCEEDS, "2")),
        ({"PAH16": "8.1"}, Outcome.CONTAMINATED, 3, ("PAH16", FindingKind.EXCEEDS, "8")),
        ({"As": "600"}, Outcome.CONTAMINATED, 4, ("As", FindingKind.EXCEEDS, "50")),
        ({"Hg": "999"}, Outcome.CONTAMINATED, 5, ("Hg", FindingKind.EXCEEDS, "10")),
        ({"Zn": "25000.1"}, Outcome.HAZARDOUS, 6, ("Zn", FindingKind.EXCEEDS, "25000")),
        # the worst parameter decides
        ({"Pb": "150", "BaP": "0.2"}, Outcome.CONTAMINATED, 3, ("Pb", FindingKind.EXCEEDS, "100")),
        # below the limit of quantification, which is below or above the limit
        ({"BaP": "<0.1"}, Outcome.CLEAN, 1, None),
        ({"BaP": "<0.01"}, Outcome.CLEAN, 1, None),
        ({"BaP": "<0.5"}, Outcome.UNKNOWN, None, ("BaP", FindingKind.HIDDEN_BY_LOQ, "0.1")),
        ({"BaP": "<0.11"}, Outcome.UNKNOWN, None, ("BaP", FindingKind.HIDDEN_BY_LOQ, "0.1")),
        # what is contaminated for certain stays so, whatever is hidden beside it
        ({"BaP": "<0.5", "Pb": "150"}, Outcome.CONTAMINATED, 3, ("Pb", FindingKind.EXCEEDS, "100")),
        # one more parameter than the suite
        ({"C12_C35": "101"}, Outcome.CONTAMINATED, 2, ("C12-C35", FindingKind.EXCEEDS, "100")),
        ({"C12_C35": "<120"}, Outcome.UNKNOWN, None, ("C12-C35", FindingKind.HIDDEN_BY_LOQ, "100")),
        # known, and without a limit
        ({"TOC": "20000", "Ba": "400"}, Outcome.CLEAN, 1, None),
        # one of the basic suite was not analysed
        ({"PCB7": None}, Outcome.UNKNOWN, None, ("PCB7", FindingKind.NOT_ANALYSED, "0.01")),
        ({"PCB7": None, "Pb": "61"}, Outcome.CONTAMINATED, 2, ("Pb", FindingKind.EXCEEDS, "60")),
    ],
)  # fmt: skip
def test_soil_sample_is_judged_by_its_worst_parameter(changed, outcome, soil_class, says):
    judgement = soil(**changed)
    assert (judgement.outcome, judgement.soil_class) == (outcome, soil_class)
    first = judgement.reasons[0] if judgement.reasons else None
    assert (first and (first.parameter, first.kind, str(first.limit_mg_kg))) == says
    assert judgement.limits_version == "TA-2553/2009"


def test_reason_carries_what_a_sentence_needs():
    """Sample P3: PAH16 4.2 mg/kg > 2, class 2."""
    (reason,) = judge("clay", sample("P1"), sample("P3", PAH16="4.2")).reasons
    assert (reason.sample, reason.parameter, reason.high_mg_kg, reason.limit_mg_kg) == (
        "P3", "PAH16", Decimal("4.2"), Decimal(2),
    )  # fmt: skip
    assert (reason.at_least, reason.verified) == (Level(outcome=Outcome.CONTAMINATED, soil_class=2), Verified.YES)


def test_lot_takes_the_class_of_its_worst_sample():
    judgement = judge("moraine", sample("P1"), sample("P2", Pb="101"), sample("P3", Pb="61"))
    assert judgement.soil_class == 3
    assert judgement.worst_sample.name == "P2"
    assert [each.soil_class for each in judgement.samples] == [1, 3, 2]
    assert [each.sample for each in judgement.reasons] == ["P2", "P3"]


def test_one_unknown_sample_leaves_a_clean_lot_unknown_and_a_contaminated_one_contaminated():
    hidden = sample("P2", BaP="<1")
    assert judge("clay", sample("P1"), hidden).outcome is Outcome.UNKNOWN
    contaminated = judge("clay", sample("P1", Pb="61"), hidden)
    assert (contaminated.soil_class, contaminated.may_be_worse) == (2, True)


def test_single_clean_value_makes_no_clean_lot():
    judgement = judge("clay", Sample(name="P1", values=(value("Pb", "5"),)))
    assert judgement.outcome is Outcome.UNKNOWN
    assert {each.parameter for each in judgement.reasons} == CLEAN_SOIL.keys() - {"Pb"}
    assert "C12-C35" in judgement.not_analysed  # told, though it keeps nothing from being clean


@pytest.mark.parametrize("samples", [(), (Sample(name="P1", values=()),), (sample(medium=Medium.COATING),)])
def test_lot_that_nothing_is_known_of_is_unknown(samples):
    judgement = judge("clay", *samples)
    assert (judgement.outcome, judgement.soil_class, judgement.may_be_worse) == (Outcome.UNKNOWN, None, True)


def test_same_parameter_twice_in_a_sample_counts_by_the_worse():
    both = Sample(name="P1", values=(*sample(Pb="150").values, value("Pb", "5")))
    assert judge("clay", both).soil_class == 3


def test_parameters_without_a_limit_are_told_and_judge_nothing():
    (judged,) = soil(TOC="900000", Ba="9000").samples
    assert judged.not_judged == ("Ba", "TOC")
    assert judged.outcome is Outcome.CLEAN


def test_unknown_parameter_is_refused():
    with pytest.raises(LabError, match="unknown_parameter name=gold"):
        judge("clay", Sample(name="P1", values=(value("gold", "1"),)))


@pytest.mark.parametrize(("content", "fault"), [("NaN", LabFault.NOT_FINITE), ("-1", LabFault.NEGATIVE)])
def test_value_that_is_no_content_is_refused(content, fault):
    with pytest.raises(LabError) as caught:
        LabValue(parameter="Pb", value_mg_kg=Decimal(content))
    assert caught.value.code is fault


# Sums -----------------------------------------------------------------------------------------------------------


def pcbs(*written: str) -> dict[str, str | None]:
    return {"PCB7": None, **dict(zip(PCBS, written, strict=True))}


@pytest.mark.parametrize(
    ("written", "outcome", "soil_class", "low", "high"),
    [
        (["<0.001"] * 7, Outcome.CLEAN, 1, "0", "0.007"),
        (["<0.002"] * 7, Outcome.UNKNOWN, None, "0", "0.014"),
        (["0.004", "0.004", *["<0.0001"] * 5], Outcome.CLEAN, 1, "0.008", "0.0085"),
        (["0.006", "0.005", *["<0.001"] * 5], Outcome.CONTAMINATED, 2, "0.011", "0.016"),
        (["0.004", "0.004", *["<0.001"] * 5], Outcome.UNKNOWN, None, "0.008", "0.013"),
    ],
)
def test_sum_that_the_laboratory_left_out_lies_between_nothing_and_the_loq_of_its_parts(
    written, outcome, soil_class, low, high
):
    judgement = soil(**pcbs(*written))
    (finding,) = [each for each in judgement.samples[0].findings if each.parameter == "PCB7"]
    assert (judgement.outcome, judgement.soil_class) == (outcome, soil_class)
    assert (finding.low_mg_kg, finding.high_mg_kg, finding.is_computed) == (Decimal(low), Decimal(high), True)
    assert (finding.kind is FindingKind.SUM_STRADDLES) == (outcome is Outcome.UNKNOWN)


def test_sum_with_a_part_missing_is_not_made_up():
    judgement = soil(**pcbs(*["<0.0001"] * 6, None))
    assert [each.kind for each in judgement.reasons] == [FindingKind.NOT_ANALYSED]


def test_sum_of_the_laboratory_stands_beside_parts_below_their_loq():
    assert soil(**pcbs(*["<0.01"] * 7) | {"PCB7": "<0.007"}).outcome is Outcome.CLEAN


def test_sum_that_is_less_than_the_parts_found_is_in_doubt():
    doubtful = soil(PCB7="0.005", PCB28="0.02")
    assert doubtful.outcome is Outcome.UNKNOWN
    assert [each.kind for each in doubtful.reasons] == [FindingKind.SUM_BELOW_PARTS]
    assert soil(PCB7="0.005", PCB28="0.006").outcome is Outcome.CLEAN  # either way within the limit


# Natural background ---------------------------------------------------------------------------------------------


def with_background(arsenic: str, background: str):
    return judge("clay", sample(As=arsenic), background_mg_kg={"As": Decimal(background)})


@pytest.mark.parametrize(
    ("arsenic", "background", "soil_class"),
    [("25", "30", 1), ("30", "30", 1), ("30.1", "30", 3), ("5", "30", 1), ("25", "3", 3), ("<30", "30", 1)],
)
def test_content_no_higher_than_the_natural_background_is_no_contamination(arsenic, background, soil_class):
    assert with_background(arsenic, background).soil_class == soil_class


def test_what_only_the_background_excuses_is_told():
    (reason,) = with_background("25", "30").reasons
    assert (reason.kind, reason.background_mg_kg, reason.limit_mg_kg) == (
        FindingKind.WITHIN_BACKGROUND, Decimal(30), Decimal(8),
    )  # fmt: skip
    assert with_background("5", "30").reasons == ()


@pytest.mark.parametrize(
    ("material", "code", "fault"),
    [
        ("clay", "PAH16", LabFault.NOT_INORGANIC),
        ("clay", "gold", LabFault.UNKNOWN_PARAMETER),
        ("concrete", "As", LabFault.BACKGROUND_DOES_NOT_APPLY),
        ("asphalt", "As", LabFault.BACKGROUND_DOES_NOT_APPLY),
    ],
)
def test_background_excuses_nothing_but_metals_in_the_ground(material, code, fault):
    with pytest.raises(LabError) as caught:
        judge(material, sample(), background_mg_kg={code: Decimal(1)})
    assert caught.value.code is fault


# Concrete, brick, asphalt ---------------------------------------------------------------------------------------

CONCRETE_LIMITS = {
    "PCB7": "0.01", "Pb": "60", "Cd": "1.5", "Hg": "1", "Cr6": "8", "As": "15",
    "Ni": "75", "Cr": "100", "Cu": "100", "Zn": "200", "PAH16": "2", "BaP": "0.1",
}  # fmt: skip


@pytest.mark.parametrize(("code", "limit"), CONCRETE_LIMITS.items())
@pytest.mark.parametrize("material", ["concrete", "crushed_concrete", "brick"])
def test_concrete_has_limits_of_its_own(material, code, limit):
    def lot(content: Decimal):
        return judge(material, sample(base=CLEAN_CONCRETE | {code: str(content)}))

    assert lot(Decimal(limit) - STEP).outcome is Outcome.CLEAN
    assert lot(Decimal(limit)).outcome is Outcome.CLEAN
    above = lot(Decimal(limit) + STEP)
    assert (above.outcome, above.soil_class, above.limits_version) == (Outcome.CONTAMINATED, None, "14A/2020-07-01")
    assert above.verified is Verified.NO


def test_what_soil_is_judged_by_and_concrete_is_not():
    """Arsenic of 12 is class 2 soil and within chapter 14A; oil has no limit there."""
    assert judge("clay", sample(As="12")).soil_class == 2
    assert judge("concrete", sample(base=CLEAN_CONCRETE, As="12", C12_C35="5000")).outcome is Outcome.CLEAN


def test_concrete_without_chromium_vi_is_unknown():
    judgement = judge("concrete", sample(base=CLEAN_SOIL))
    assert [(each.parameter, each.kind) for each in judgement.reasons] == [("Cr6", FindingKind.NOT_ANALYSED)]


@pytest.mark.parametrize(
    ("changed", "outcome"),
    [
        ({}, Outcome.CLEAN),
        ({"PCB7": "0.01"}, Outcome.CLEAN),
        ({"PCB7": "0.011"}, Outcome.CONDITIONAL),
        ({"PCB7": "1"}, Outcome.CONDITIONAL),
        ({"PCB7": "1.01"}, Outcome.CONTAMINATED),
        ({"PCB7": "49.9"}, Outcome.CONTAMINATED),
        ({"PCB7": "50"}, Outcome.HAZARDOUS),
        ({"PCB7": "<0.01"}, Outcome.CLEAN),
        ({"PCB7": "<0.05"}, Outcome.UNKNOWN),
        ({"Pb": "60"}, Outcome.CLEAN),
        ({"Pb": "60.1"}, Outcome.CONDITIONAL),
        ({"Pb": "1500"}, Outcome.CONDITIONAL),
        ({"Pb": "1501"}, Outcome.CONTAMINATED),
        ({"Cd": "40"}, Outcome.CONDITIONAL),
        ({"Cd": "40.1"}, Outcome.CONTAMINATED),
        ({"Hg": "1.1"}, Outcome.CONDITIONAL),
        ({"Hg": "40.1"}, Outcome.CONTAMINATED),
        ({"Zn": "90000"}, Outcome.CLEAN),
        ({"Cd": None}, Outcome.UNKNOWN),
    ],
)
def test_coating_is_judged_apart(changed, outcome):
    coating = sample("maling", Medium.COATING, CLEAN_COATING, **changed)
    judgement = judge("concrete", sample("betong", base=CLEAN_CONCRETE), coating)
    assert judgement.outcome is outcome


def test_coating_that_may_be_worse_than_conditional_is_unknown():
    coating = sample("maling", Medium.COATING, CLEAN_COATING, PCB7="0.5", Pb="<2000")
    assert judge("concrete", sample("betong", base=CLEAN_CONCRETE), coating).outcome is Outcome.UNKNOWN


def test_coating_alone_says_nothing_of_the_concrete():
    assert judge("concrete", sample("maling", Medium.COATING, CLEAN_COATING)).outcome is Outcome.UNKNOWN


@pytest.mark.parametrize("material", ["asphalt", "asphalt_granulate"])
@pytest.mark.parametrize(
    ("pah16", "outcome"),
    [
        ("999.9", Outcome.CLEAN),
        ("1000", Outcome.CLEAN),
        ("1000.1", Outcome.HAZARDOUS),
        ("<50", Outcome.CLEAN),
        ("<1500", Outcome.UNKNOWN),
        (None, Outcome.UNKNOWN),
    ],
)
def test_asphalt_is_judged_by_its_pah(material, pah16, outcome):
    assert judge(material, sample(base={"Pb": "500"}, PAH16=pah16)).outcome is outcome


def test_every_material_has_a_rule_book():
    books = {group: {judge(each.key).rule_book.value for each in taxonomy().in_group(group)} for group in MaterialGroup}
    assert books == {
        MaterialGroup.STONE: {"soil"},
        MaterialGroup.SOIL: {"soil"},
        MaterialGroup.CONCRETE: {"chapter_14a"},
        MaterialGroup.ASPHALT: {"asphalt"},
    }


def test_names_sort_as_people_count():
    assert sorted(["P10", "P2", "p1", "P2b"], key=natural_order) == ["p1", "P2", "P2b", "P10"]


# The tables -----------------------------------------------------------------------------------------------------


def test_every_limit_has_a_source_and_a_mark():
    for limits in quality_tables().limits.values():
        for each in limits.values():
            assert each.source
            assert all(step.verified in Verified for step in each.steps)


def test_sums_have_their_parts():
    tables = quality_tables()
    assert (len(tables.parts_of("PAH16")), len(tables.parts_of("PCB7"))) == (16, 7)
    assert tables.parts_of("Pb") == ()


@pytest.mark.parametrize(("volume_m3", "needed"), [("1", 4), ("4000", 4), ("4000.1", 5), ("12500", 13)])
def test_acid_forming_rock_wants_one_sample_per_thousand_cubic_metres_and_four_at_least(volume_m3, needed):
    rule = quality_tables().sampling["acid_forming_rock"]
    assert (rule.samples_needed(Decimal(volume_m3)), rule.min_layers) == (needed, 2)
