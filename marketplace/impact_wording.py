"""What a comparison says, in words and figures of the visitor's language."""

from decimal import Decimal
from typing import Final

from flask_babel import gettext as _

from geo.certainty import is_sign_certain
from geo.impact import Comparison, Ledger, Measure, Role
from geo.quantities import Quantity
from marketplace.factor_words import unit_words
from marketplace.filters import EN_DASH, NO_BREAK_SPACE, number
from marketplace.i18n import translate
from marketplace.i18n_marker import N_
from marketplace.impact_basis import Basis, Chosen
from marketplace.labels import material_name
from marketplace.types import FacilityKind, ImpactReason

DECIMALS: Final = {
    Measure.TKM: 0,
    Measure.TRIPS: 0,
    Measure.VEHICLE_KM: 1,
    Measure.LITRES: 1,
    Measure.TRANSPORT_CO2E_KG: 1,
    Measure.LANDFILL_T: 3,
    Measure.LANDFILL_M3: 1,
    Measure.LANDFILL_M2: 1,
    Measure.VIRGIN_T: 3,
    Measure.MATERIAL_CO2E_KG: 1,
    Measure.DISPOSAL_CO2E_KG: 1,
    Measure.HAULAGE_NOK: 0,
    Measure.GATE_FEE_NOK: 0,
    Measure.PURCHASE_NOK: 0,
}
"""What a hand calculation is compared to; pages that only tell round more."""

WHOLE_FROM: Final = Decimal(100)

MAIN: Final = (
    Measure.TKM,
    Measure.VEHICLE_KM,
    Measure.TRANSPORT_CO2E_KG,
    Measure.LANDFILL_T,
    Measure.VIRGIN_T,
    Measure.MATERIAL_CO2E_KG,
    Measure.DISPOSAL_CO2E_KG,
    Measure.HAULAGE_NOK,
)
"""What a page tells at a glance; the rest stands where it is worked out."""

ROLES: Final[dict[Role, str]] = {
    Role.TO_LANDFILL: N_("Without the deal: the surplus"),
    Role.FROM_QUARRY: N_("Without the deal: new material"),
    Role.HAUL: N_("With the deal"),
}

REASONS: Final[dict[ImpactReason, str]] = {
    ImpactReason.AGREED: N_("The deal was agreed"),
    ImpactReason.AMENDED: N_("The terms were changed"),
    ImpactReason.RECOVERY: N_("The tests of recovery were answered"),
    ImpactReason.ROUTE: N_("The leg it goes on from was agreed otherwise"),
    ImpactReason.BACKFILLED: N_("Worked out afterwards, for a deal that was agreed before"),
}


def exact(measure: Measure, value: Decimal | None) -> str:
    """A figure with its unit, for checking by hand; a price that nobody knows is not known, and never nothing."""
    if value is None:
        return _("not known")
    return number(value, DECIMALS[measure]) + _unit(measure)


def rounded(measure: Measure, value: Decimal) -> str:
    """A figure with its unit, for telling."""
    decimals = 0 if abs(value) >= WHOLE_FROM else 1
    return number(value, min(decimals, DECIMALS[measure])) + _unit(measure)


def rounded_range(measure: Measure, figure: Quantity) -> str:
    """From low to high, in words where it goes below nothing; empty where there is no range."""
    if figure.low == figure.high:
        return ""
    decimals = 0 if max(abs(figure.low), abs(figure.high)) >= WHOLE_FROM else 1
    decimals = min(decimals, DECIMALS[measure])
    low, high = number(figure.low, decimals), number(figure.high, decimals)
    if figure.low < 0:
        return _("%(low)s to %(high)s", low=low, high=high)
    return f"{low}{EN_DASH}{high}"


def _unit(measure: Measure) -> str:
    if measure is Measure.TRIPS:
        return ""
    unit = unit_words(measure.unit).replace("m3", "m³").replace("m2", "m²")
    return NO_BREAK_SPACE + unit


def in_short(ledger: Ledger, *, comparison: Comparison | None = None) -> str:
    """The transport that is spared, with its range, in a line; the other ledgers stand where it is worked out."""
    km, co2e = ledger[Measure.VEHICLE_KM], ledger[Measure.TRANSPORT_CO2E_KG]
    sign = Decimal(1 if km.value >= 0 else -1)
    words = {
        "km": _with_range(Measure.VEHICLE_KM, km.scaled(sign)),
        "co2e": _with_range(Measure.TRANSPORT_CO2E_KG, co2e.scaled(sign)),
    }
    if km.value >= 0:
        said = _("Expected to spare %(km)s of lorry driving, %(co2e)s of transport", **words)
    else:
        said = _("Expected to add %(km)s of lorry driving, %(co2e)s of transport", **words)
    if comparison is None or is_sign_certain(comparison):
        return said
    return f"{said}. {sign_words()}"


def _with_range(measure: Measure, figure: Quantity) -> str:
    words = rounded_range(measure, figure)
    return rounded(measure, figure.value) + (f" ({words})" if words else "")


def sign_words() -> str:
    return _("The sign is not certain: roads differ from leg to leg")


def gross_words() -> str:
    return _("Gross: what the parties pay each other is not in it.")


def landfill_words(basis: Basis) -> str:
    """How L was chosen."""
    if basis.landfill is None:
        if basis.reach_km is not None:
            return _(
                "No open landfill within %(km)s km, as the crow flies, takes in this material, so nothing is counted "
                "as kept out of one.",
                km=number(basis.reach_km),
            )
        return _("No landfill that is open takes in this material, so nothing is counted as kept out of one.")
    if basis.landfill_chosen is Chosen.DECLARED:
        if basis.landfill.kind is FacilityKind.LANDFILL:
            return _("The owner of the surplus has said that it would have gone there.")
        return _("The owner of the surplus has said that it would have gone there, which is no landfill.")
    if basis.is_taken_to_be_accepted:
        return _(
            "The nearest landfill that accepts %(accepted)s; %(material)s is taken to be accepted there, too (not "
            "verified). The owner has not said where it would have gone.",
            accepted=in_a_sentence(basis.landfill_key),
            material=in_a_sentence(basis.material_key),
        )
    return _("The nearest landfill that takes in the material; the owner has not said where it would have gone.")


def in_a_sentence(material_key: str) -> str:
    """A material's name in the middle of a sentence; what begins with two capitals keeps them."""
    name = material_name(material_key)
    return name if name[1:2].isupper() else name[:1].lower() + name[1:]


def quarry_words(basis: Basis) -> str:
    """How Q was chosen."""
    if basis.quarry is None:
        if basis.reach_km is not None:
            return _(
                "No quarry within %(km)s km, as the crow flies, is known to sell what it replaces, so no new material "
                "is counted as replaced.",
                km=number(basis.reach_km),
            )
        return _("No quarry is known to sell what it replaces, so no new material is counted as replaced.")
    if basis.quarry_chosen is Chosen.DECLARED:
        return _("Whoever needs it has said that they would have bought it there.")
    if basis.is_supplier_passed_over:
        return _(
            "The nearest quarry that sells what it replaces. The supplier that was named does not sell it, or takes "
            "part in the deal itself."
        )
    return _(
        "The nearest quarry that sells what it replaces; whoever needs it has not said where they would have bought."
    )


def role_words(role: Role) -> str:
    return translate(ROLES[role], {})


def reason_words(reason: ImpactReason) -> str:
    return translate(REASONS[reason], {})
