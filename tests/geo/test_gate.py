"""Whether a lot may be offered as clean, and what it says is in the way."""

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.declarations import Declaration, may_be_declared, required_declarations, storage_deadline
from geo.gate import ConditionKind, ObstacleKind, Remedy, may_be_clean
from geo.materials import taxonomy
from geo.proof import DeclarationKind, Documentation, Medium
from tests.geo.quality_cases import CLEAN_COATING, CLEAN_CONCRETE, judge, sample
from tests.geo.strategies import MATERIALS

TODAY = date(2027, 3, 1)
ORIGIN = Declaration(kind=DeclarationKind.VIRGIN_AREA, basis="Grunnundersøkelse 2026, skog siden 1900")


def needed(material: str, **kwargs) -> list[Declaration]:
    return [Declaration(kind=kind) for kind in required_declarations(taxonomy().material(material), **kwargs)]


def verdict(material: str, *samples, declarations=None, **kwargs):
    return may_be_clean(
        taxonomy().material(material),
        judgement=judge(material, *samples) if samples else None,
        declarations=needed(material) if declarations is None else declarations,
        today=TODAY,
        **kwargs,
    )


def obstacles(found) -> list[ObstacleKind]:
    return [each.kind for each in found.obstacles]


def test_tested_clean_soil_may_be_published():
    found = verdict("clay", sample())
    assert (found.may_be_published, found.documentation, found.conditions) == (True, Documentation.TESTED, ())


def test_virgin_rock_may_be_published_as_declared():
    found = verdict("blasted_rock", declarations=[ORIGIN, *needed("blasted_rock")])
    assert (found.may_be_published, found.documentation) == (True, Documentation.DECLARED)


@pytest.mark.parametrize("key", MATERIALS)
def test_nothing_is_clean_without_documentation(key):
    found = verdict(key)
    assert not found.may_be_published
    assert found.documentation is Documentation.NONE
    assert found.obstacles[0].kind is ObstacleKind.NOT_DOCUMENTED
    assert Remedy.ENTER_LAB_RESULTS in found.obstacles[0].remedies
    assert (Remedy.DECLARE_ORIGIN in found.obstacles[0].remedies) == may_be_declared(taxonomy().material(key))


@pytest.mark.parametrize("key", ["concrete", "crushed_concrete", "brick", "asphalt", "asphalt_granulate"])
def test_what_people_made_cannot_be_declared_clean(key):
    found = verdict(key, declarations=[ORIGIN, *needed(key)])
    assert obstacles(found) == [ObstacleKind.CANNOT_BE_DECLARED]


@pytest.mark.parametrize("basis", ["", "  "])
def test_declared_origin_needs_its_basis(basis):
    bare = Declaration(kind=DeclarationKind.VIRGIN_AREA, basis=basis)
    assert obstacles(verdict("clay", declarations=[bare])) == [ObstacleKind.BASIS_MISSING]


def test_declaration_never_stands_against_a_value():
    found = verdict("clay", sample("P1", Pb="101"), declarations=[ORIGIN])
    (obstacle,) = found.obstacles
    assert (obstacle.kind, obstacle.soil_class, obstacle.parameters) == (ObstacleKind.CONTAMINATED, 3, ("Pb",))
    assert Remedy.KEEP_INSIDE in obstacle.remedies


def test_declared_origin_carries_a_lot_whose_values_do_not_settle_it():
    assert verdict("clay", sample(BaP="<0.5"), declarations=[ORIGIN]).documentation is Documentation.DECLARED


@pytest.mark.parametrize(
    ("changed", "remedies", "parameters"),
    [
        ({"BaP": "<0.5"}, (Remedy.LOWER_LOQ,), ("BaP",)),
        ({"PCB7": None}, (Remedy.ANALYSE_MISSING,), ("PCB7",)),
        ({"PCB28": "0.02"}, (Remedy.ASK_LABORATORY,), ("PCB7",)),
    ],
)
def test_unknown_says_what_to_have_analysed(changed, remedies, parameters):
    (obstacle,) = verdict("clay", sample(**changed)).obstacles
    assert (obstacle.kind, obstacle.remedies, obstacle.parameters) == (ObstacleKind.UNKNOWN, remedies, parameters)


def test_possible_hazardous_waste_goes_to_an_expert():
    (obstacle,) = verdict("clay", sample(As="1001")).obstacles
    assert (obstacle.kind, obstacle.soil_class) == (ObstacleKind.HAZARDOUS_POSSIBLE, 6)
    assert obstacle.remedies[0] is Remedy.ASK_EXPERT


@pytest.mark.parametrize(
    ("key", "kinds"),
    [
        ("clay", []),
        ("gravel", []),
        ("blasted_rock", ["not_acid_forming"]),
        ("tbm_rock", ["not_acid_forming"]),
        ("crushed_rock", ["not_acid_forming"]),
        ("topsoil", ["alien_species", "farmland_pests", "no_plant_waste"]),
        ("subsoil", ["alien_species", "no_plant_waste"]),
        ("peat", ["alien_species", "no_plant_waste"]),
        ("concrete", ["no_foreign_parts", "no_coating"]),
        ("brick", ["no_foreign_parts", "no_coating"]),
        ("asphalt", []),
    ],
)
def test_material_says_what_must_be_declared(key, kinds):
    assert list(required_declarations(taxonomy().material(key))) == kinds


def test_farmland_is_what_the_owner_says_it_is():
    subsoil, topsoil, clay = (taxonomy().material(key) for key in ("subsoil", "topsoil", "clay"))
    assert DeclarationKind.FARMLAND_PESTS in required_declarations(subsoil, is_from_farmland=True)
    assert DeclarationKind.FARMLAND_PESTS not in required_declarations(topsoil, is_from_farmland=False)
    assert required_declarations(clay, is_from_farmland=True) == ()


@pytest.mark.parametrize("key", ["blasted_rock", "topsoil", "concrete"])
def test_each_declaration_is_needed_and_none_may_be_denied(key):
    base = CLEAN_CONCRETE if key == "concrete" else None
    all_of_them = needed(key)
    assert verdict(key, sample(base=base), declarations=all_of_them).may_be_published
    for each in all_of_them:
        others = [other for other in all_of_them if other is not each]
        missing = verdict(key, sample(base=base), declarations=others)
        assert [(o.kind, o.declaration) for o in missing.obstacles] == [(ObstacleKind.DECLARATION_MISSING, each.kind)]
        denied = verdict(key, sample(base=base), declarations=[Declaration(kind=each.kind, is_met=False), *all_of_them])
        assert [(o.kind, o.declaration) for o in denied.obstacles] == [(ObstacleKind.DECLARATION_DENIED, each.kind)]
        assert denied.obstacles[0].remedies


def test_rock_that_may_be_acid_forming_is_not_clean_until_sampled():
    denied = Declaration(kind=DeclarationKind.NOT_ACID_FORMING, is_met=False)
    (obstacle,) = verdict("blasted_rock", sample(), declarations=[denied, ORIGIN]).obstacles
    assert obstacle.remedies == (Remedy.DOCUMENT_BY_SAMPLING, Remedy.KEEP_INSIDE)


def test_sampled_coating_needs_no_declaration_that_there_is_none():
    parts = Declaration(kind=DeclarationKind.NO_FOREIGN_PARTS)
    mass = sample("betong", base=CLEAN_CONCRETE)

    def coated(**changed: str):
        coating = sample("maling", Medium.COATING, CLEAN_COATING, **changed)
        return verdict("concrete", mass, coating, declarations=[parts])

    assert coated().conditions == ()
    conditional = coated(PCB7="0.5")
    assert conditional.documentation is Documentation.TESTED
    assert [each.kind for each in conditional.conditions] == [ConditionKind.COATING]
    destroyed = coated(PCB7="50").obstacles[0]
    assert (destroyed.kind, destroyed.remedies[0]) == (ObstacleKind.HAZARDOUS_POSSIBLE, Remedy.REMOVE_COATING)


def test_coating_without_the_concrete_asks_for_a_sample_of_it():
    (obstacle,) = verdict("brick", sample(medium=Medium.COATING, base=CLEAN_COATING)).obstacles
    assert obstacle.remedies[0] is Remedy.SAMPLE_MASS


def test_asphalt_flakes_are_offered_for_processing_only_and_granulate_as_a_product():
    flakes = verdict("asphalt", sample(PAH16="20"))
    assert [each.kind for each in flakes.conditions] == [ConditionKind.PROCESS_BEFORE_USE]
    assert verdict("asphalt_granulate", sample(PAH16="20")).conditions == ()


@pytest.mark.parametrize(
    ("stored_since", "due_on", "is_too_late"),
    [
        (date(2024, 3, 2), date(2027, 3, 2), False),
        (date(2024, 3, 1), date(2027, 3, 1), True),
        (date(2024, 2, 29), date(2027, 3, 1), True),
        (date(2026, 1, 1), date(2029, 1, 1), False),
    ],
)
def test_asphalt_flakes_become_a_landfill_after_three_years(stored_since, due_on, is_too_late):
    found = verdict("asphalt", sample(PAH16="20"), stored_since=stored_since)
    assert storage_deadline(taxonomy().material("asphalt"), stored_since) == due_on
    assert obstacles(found) == ([ObstacleKind.STORED_TOO_LONG] if is_too_late else [])
    assert is_too_late or found.conditions[-1].due_on == due_on
    assert storage_deadline(taxonomy().material("clay"), stored_since) is None


@settings(deadline=None)
@given(
    key=st.sampled_from(MATERIALS),
    kinds=st.lists(st.builds(Declaration, kind=st.sampled_from(DeclarationKind), is_met=st.booleans()), max_size=6),
    basis=st.sampled_from(["", "rapport"]),
    shuffled=st.randoms(),
)
def test_order_of_declarations_is_irrelevant_and_more_denied_ones_never_help(key, kinds, basis, shuffled):
    stated = [*kinds, Declaration(kind=DeclarationKind.VIRGIN_AREA, basis=basis)]
    turned = shuffled.sample(stated, len(stated))
    assert verdict(key, declarations=turned) == verdict(key, declarations=stated)
    denied = [*stated, *(Declaration(kind=kind, is_met=False) for kind in DeclarationKind)]
    assert len(verdict(key, declarations=denied).obstacles) >= len(verdict(key, declarations=stated).obstacles)
