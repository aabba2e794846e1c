"""What a comparison may credit: who can be L and Q, what it takes to make one material of another, and whose roads."""

from dataclasses import replace
from decimal import Decimal

import pytest
from sqlalchemy.orm import Session

from geo.impact import Comparison
from geo.pyramid import Level
from marketplace.errors import InvalidInput
from marketplace.impact_basis import (
    Basis,
    BasisPlace,
    Chosen,
    basis_of,
    comparison_of,
    kept_basis,
    processing_keys,
    substitution_of,
)
from marketplace.queries.factor_sets import active_set, figures_of
from marketplace.recovery import Recovery
from marketplace.services.impact_baselines import WayStop, bases_of
from marketplace.services.impact_records import answered
from marketplace.services.listings import create_listing
from marketplace.types import FacilityKind, ListingKind
from tests.conftest import NOW
from tests.factories import SANDVIKA, Factory
from tests.services.test_baselines import DRAMMEN, FAR, LIER, SKUI, details, stop, way

BERGEN = (5.3300, 60.3900)

CRUSHING_KG_PER_T = Decimal("3.218")
HANDLING_KG_PER_T = Decimal("1.008")


def compared(session: Session, make: Factory, **values: object) -> tuple[Basis, Comparison]:
    """A way whose three tests hold."""
    (basis,) = bases_of(session, [way(**{"recovery": Recovery.RECOVERY, **values})], today=make.today)
    return basis, comparison_of(basis, figures_of(active_set(session)))


def at(kept: WayStop, **values: object) -> WayStop:
    return replace(kept, place=replace(kept.place, **values))


# What it takes to make one of another ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("material", "needed"), [("asphalt", "base_course"), ("moraine", "sand"), ("brick", "base_course")]
)
def test_making_one_of_another_costs_what_making_that_other_does(
    session: Session, make: Factory, material: str, needed: str
) -> None:
    make.facility(kind=FacilityKind.QUARRY, position=SKUI, accepts=["crushed_rock"])
    basis, comparison = compared(session, make, material_key=material, needed_key=needed)
    assert comparison.processing_kg_per_t.value == CRUSHING_KG_PER_T
    assert processing_keys(basis) == ("material.aggregates.closed_loop",)
    assert basis.level is Level.RECYCLING


def test_storing_on_the_way_costs_the_handling_of_the_mass(session: Session, make: Factory) -> None:
    hub = at(stop(SKUI), kind=FacilityKind.INTERIM_STORAGE)
    basis, comparison = compared(session, make, stops=(stop(SANDVIKA), hub, stop(LIER)))
    assert comparison.processing_kg_per_t.value == HANDLING_KG_PER_T
    assert processing_keys(basis) == ("material.aggregates.handling",)


@pytest.mark.parametrize(
    ("material", "needed"),
    [("crushed_concrete", "base_course"), ("asphalt_granulate", "gravel"), ("concrete", "concrete")],
)
def test_what_is_left_of_concrete_and_asphalt_was_crushed_by_somebody(
    session: Session, make: Factory, material: str, needed: str
) -> None:
    basis, comparison = compared(session, make, material_key=material, needed_key=needed)
    assert comparison.processing_kg_per_t.value == CRUSHING_KG_PER_T
    assert basis.level is Level.RECYCLING
    assert answered(basis, Recovery.RECOVERY).level is Level.RECYCLING


def test_a_hub_that_crushes_it_is_counted_once(session: Session, make: Factory) -> None:
    hub = at(stop(SKUI), kind=FacilityKind.RECYCLING)
    stops = (stop(SANDVIKA), hub, stop(LIER))
    _, comparison = compared(session, make, material_key="concrete", needed_key="base_course", stops=stops)
    assert comparison.processing_kg_per_t.value == CRUSHING_KG_PER_T


def test_a_landfill_takes_concrete_as_it_is(session: Session, make: Factory) -> None:
    end = at(stop(LIER), kind=FacilityKind.LANDFILL)
    basis, comparison = compared(
        session, make, material_key="concrete", needed_key="concrete", stops=(stop(SANDVIKA), end)
    )
    assert comparison.processing_kg_per_t.value == 0
    assert basis.level is Level.DISPOSAL


# What replaces nothing -------------------------------------------------------------------------------------------


def test_a_quarry_that_is_filled_is_not_its_own_supplier(session: Session, make: Factory) -> None:
    quarry = make.facility(kind=FacilityKind.QUARRY, position=LIER, accepts=["blasted_rock", "crushed_rock"])
    other = make.facility(kind=FacilityKind.QUARRY, position=SKUI, accepts=["crushed_rock"])
    use = at(stop(LIER), kind=FacilityKind.QUARRY, facility_id=quarry.id)
    basis, comparison = compared(session, make, stops=(stop(SANDVIKA), use), prior_supplier_id=quarry.id)
    assert basis.quarry is not None
    assert basis.quarry.facility_id == other.id
    assert (basis.quarry_chosen, basis.is_supplier_passed_over) == (Chosen.NEAREST, True)
    assert (basis.level, comparison.substitution) == (Level.BACKFILLING, 0)


def test_what_serves_for_nothing_that_is_needed_replaces_nothing(session: Session, make: Factory) -> None:
    make.facility(kind=FacilityKind.QUARRY, position=SKUI, accepts=["crushed_rock"])
    unfit, comparison = compared(session, make, material_key="clay", needed_key="crushed_rock")
    fit, _ = compared(session, make, material_key="blasted_rock", needed_key="crushed_rock")
    assert (unfit.is_fit, comparison.substitution) == (False, 0)
    assert (fit.is_fit, substitution_of(fit)) == (True, 1)


def test_a_supplier_must_sell_what_is_replaced(session: Session, make: Factory) -> None:
    named = make.facility(kind=FacilityKind.QUARRY, position=SKUI, accepts=["sand"])
    basis, comparison = compared(session, make, prior_supplier_id=named.id)
    assert (basis.quarry, basis.is_supplier_passed_over, comparison.substitution) == (None, True, 0)


def test_a_form_refuses_a_supplier_that_does_not_sell_it(session: Session, make: Factory) -> None:
    organisation = make.organisation()
    named = make.facility(kind=FacilityKind.QUARRY, accepts=["sand"])
    demand = details(make, kind=ListingKind.DEMAND, material_key="blasted_rock", baseline_facility_id=named.id)
    actor = make.actor(make.member(organisation))
    with pytest.raises(InvalidInput) as refused:
        create_listing(session, actor, organisation_id=organisation.id, details=demand, now=NOW)
    assert [each.field for each in refused.value.errors] == ["baseline_facility_id"]
    named.accepts = ["crushed_rock"]
    session.flush()
    assert create_listing(session, actor, organisation_id=organisation.id, details=demand, now=NOW).id


# Who is near -----------------------------------------------------------------------------------------------------


def test_a_landfill_that_accepts_the_very_material_goes_before_one_that_accepts_its_like(
    session: Session, make: Factory
) -> None:
    alike = make.facility(kind=FacilityKind.LANDFILL, position=SANDVIKA, accepts=["moraine"])
    basis, _ = compared(session, make, material_key="gravel", needed_key="gravel")
    assert basis.landfill is not None
    assert (basis.landfill.facility_id, basis.landfill_key) == (alike.id, "moraine")
    assert basis.is_taken_to_be_accepted
    the_very = make.facility(kind=FacilityKind.LANDFILL, position=FAR, accepts=["moraine", "gravel"])
    basis, _ = compared(session, make, material_key="gravel", needed_key="gravel")
    assert basis.landfill is not None
    assert (basis.landfill.facility_id, basis.landfill_key) == (the_very.id, "gravel")
    assert not basis.is_taken_to_be_accepted


def test_nobody_beyond_the_greatest_distance_is_compared_with(session: Session, make: Factory) -> None:
    make.facility(kind=FacilityKind.LANDFILL, position=BERGEN, accepts=["blasted_rock"])
    make.facility(kind=FacilityKind.QUARRY, position=BERGEN, accepts=["crushed_rock"])
    basis, comparison = compared(session, make)
    assert (basis.landfill, basis.quarry, basis.reach_km) == (None, None, 100)
    assert (comparison.landfill_share.value, comparison.substitution, len(comparison.legs)) == (0, 0, 1)


# Whose roads -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("landfill", "region"),
    [
        pytest.param(FAR, "oslo_region", id="a saving is not made larger by winding roads"),
        pytest.param(SANDVIKA, "fjord_counties", id="a loss is not made smaller by straight ones"),
    ],
)
def test_of_two_regions_the_one_that_gives_the_smaller_saving_holds(
    session: Session, make: Factory, landfill: tuple[float, float], region: str
) -> None:
    make.facility(kind=FacilityKind.LANDFILL, position=landfill)
    stops = (stop(SANDVIKA), stop(LIER, number="4601"))
    basis, comparison = compared(session, make, stops=stops)
    circuity = figures_of(active_set(session)).circuity(region)
    assert (basis.region, comparison.circuity.value) == (region, circuity.value)


def test_only_the_two_ends_say_whose_roads(session: Session, make: Factory) -> None:
    make.facility(kind=FacilityKind.LANDFILL, position=DRAMMEN)
    basis, _ = compared(session, make, stops=(stop(SANDVIKA), at(stop(SKUI), municipality_number="4601"), stop(LIER)))
    assert basis.region == "oslo_region"


def test_answers_that_turn_a_loss_into_a_saving_change_whose_roads(session: Session, make: Factory) -> None:
    make.facility(kind=FacilityKind.LANDFILL, position=SANDVIKA)
    make.facility(kind=FacilityKind.QUARRY, position=FAR, accepts=["crushed_rock"])
    stops = (stop(SANDVIKA), stop(LIER, number="4601"))
    basis, _ = compared(session, make, stops=stops, recovery=Recovery.UNANSWERED)
    assert basis.region == "fjord_counties"
    assert answered(basis, Recovery.RECOVERY).region == "oslo_region"


# What is kept ----------------------------------------------------------------------------------------------------


def test_what_would_have_been_bought_is_kept_in_words(session: Session, make: Factory) -> None:
    basis, comparison = compared(session, make)
    kept = kept_basis(basis, comparison)
    assert kept["replaced_note_en"] == "New blasted or crushed rock from a quarry."
    assert (kept["is_replaced_verified"], basis_of(kept)) == (False, basis)


def test_a_record_from_before_these_were_kept_is_read(session: Session, make: Factory) -> None:
    basis, comparison = compared(session, make)
    kept = kept_basis(basis, comparison)
    for name in ("is_fit", "landfill_key", "reach_km", "replaced_note_no", "replaced_note_en"):
        del kept[name]
    assert isinstance(basis_of(kept).stops[0], BasisPlace)
    assert basis_of(kept).is_fit
