"""What `geo` found wrong, in words.

`geo` says it with a code and parameters; here each code has the sentence that stands beside the field.
"""

from enum import StrEnum
from typing import Any

from geo.errors import (
    BalanceFault,
    FactorFault,
    FractionFault,
    GeoError,
    GeometryFault,
    LabFault,
    MaterialFault,
    QuantityFault,
)
from marketplace.errors import FieldError, InvalidInput
from marketplace.i18n_marker import N_

_UNREADABLE_POSITION = N_("The position could not be read. Place it again on the map.")
_NO_SHAPE = N_("The outline has too few corners to enclose an area. Draw it again.")
_NOT_A_NUMBER = N_("Enter a number.")

# A member of one fault can equal a member of another (both are text), so the kind of fault is part of the key.
MESSAGES: dict[type[StrEnum], dict[StrEnum, str]] = {
    GeometryFault: {
        GeometryFault.NOT_JSON: _UNREADABLE_POSITION,
        GeometryFault.TOO_LONG: N_("The outline has too much detail. Draw it with fewer corners."),
        GeometryFault.UNSUPPORTED_TYPE: N_("Only a point or an area can be used here."),
        GeometryFault.BAD_COORDINATES: _UNREADABLE_POSITION,
        GeometryFault.NOT_FINITE: _UNREADABLE_POSITION,
        GeometryFault.NOT_DEGREES: N_(
            "These are not degrees of longitude and latitude. Enter for example 10.5266 east and 59.8906 north."
        ),
        GeometryFault.SWAPPED_LAT_LON: N_(
            "Longitude and latitude seem to be swapped: the other way round the position lies in Norway."
        ),
        GeometryFault.OUTSIDE_NORWAY: N_("The position is outside Norway."),
        GeometryFault.EMPTY: N_("Place the position on the map."),
        GeometryFault.TOO_FEW_POINTS: _NO_SHAPE,
        GeometryFault.NO_AREA: _NO_SHAPE,
        GeometryFault.SELF_CROSSING: N_(
            "The outline crosses itself near %(lat)s north, %(lon)s east. Move a corner so that it does not."
        ),
        GeometryFault.INVALID_SHAPE: N_(
            "A hole in the area is not inside it near %(lat)s north, %(lon)s east. Draw it again."
        ),
        GeometryFault.TOO_LARGE_AREA: N_("The area is too large to be one site. Draw only the site itself."),
        GeometryFault.TOO_MANY_VERTICES: N_("The outline has %(count)s corners; at most %(limit)s can be used."),
        GeometryFault.WRONG_RANGE: N_("The edges of the map view are in the wrong order."),
    },
    QuantityFault: {
        QuantityFault.UNKNOWN_UNIT: N_("Choose tonnes or one of the kinds of cubic metres."),
        QuantityFault.NOT_FINITE: _NOT_A_NUMBER,
        QuantityFault.NOT_POSITIVE: N_("The quantity must be more than zero."),
        QuantityFault.TOO_LARGE: N_("The quantity is larger than any project in Norway. Check the unit and the zeros."),
        QuantityFault.NO_DENSITY: N_(
            "No density is known for this material in this state. Enter the density, or the quantity in tonnes."
        ),
        QuantityFault.DENSITY_OUT_OF_RANGE: N_(
            "The density must be between %(low_t_per_m3)s and %(high_t_per_m3)s tonnes per cubic metre."
        ),
        QuantityFault.BAD_RANGE: N_("Low, likely and high are not in that order."),
        QuantityFault.UNITS_DIFFER: N_("Quantities in different units cannot be added."),
    },
    FactorFault: {
        FactorFault.MISSING: N_("The factor set %(version)s has no figure %(key)s."),
        FactorFault.UNKNOWN_KEY: N_("The method knows no figure %(key)s."),
        FactorFault.WRONG_UNIT: N_("%(key)s is given in %(units)s, not in %(unit)s."),
        FactorFault.NEGATIVE: N_("A factor cannot be negative."),
        FactorFault.NOT_POSITIVE: N_("This factor must be more than zero."),
        FactorFault.NOT_A_SHARE: N_("A share is between 0 and 1."),
        FactorFault.BAD_TABLE: N_("The table of factors of the program cannot be read."),
    },
    BalanceFault: {
        BalanceFault.NEGATIVE: N_("A mass cannot be negative."),
        BalanceFault.REUSED_ABOVE_EXCAVATED: N_(
            "No more can be reused (%(reused_t)s t) than is excavated (%(limit_t)s t)."
        ),
        BalanceFault.REUSED_ABOVE_NEEDED: N_("No more can be reused (%(reused_t)s t) than is needed (%(limit_t)s t)."),
    },
    FractionFault: {
        FractionFault.NOT_A_FRACTION: N_("Enter the smallest and largest grain size with a slash, for example 8/16."),
        FractionFault.NEGATIVE: N_("A grain size cannot be negative."),
        FractionFault.WRONG_ORDER: N_("The largest grain size must be larger than the smallest, for example 0/32."),
        FractionFault.TOO_LARGE: N_("The largest grain size cannot be more than %(limit_mm)s mm."),
    },
    MaterialFault: {
        MaterialFault.UNKNOWN_MATERIAL: N_("Choose a material from the list."),
        MaterialFault.BAD_TABLE: N_("The material table of the program cannot be read."),
    },
    LabFault: {
        LabFault.NOT_A_NUMBER: N_("“%(text)s” is not a number."),
        LabFault.AMBIGUOUS: N_(
            "“%(text)s” can be %(whole)s or %(fraction)s. Write it as the one it is, without a thousands separator."
        ),
        LabFault.FORMULA: N_("This is a formula. Paste its value instead."),
        LabFault.NEGATIVE: N_("A content cannot be below zero, and a limit of quantification is above it."),
        LabFault.ZERO: N_("A laboratory never finds nothing. Enter its limit of quantification, for example <0.01."),
        LabFault.NOT_FINITE: _NOT_A_NUMBER,
        LabFault.TOO_LARGE: N_("There cannot be more than %(limit_mg_kg)s mg in a kilogram. Check the unit."),
        LabFault.NOT_DETECTED_WITHOUT_LOQ: N_(
            "“Not detected” says nothing without the limit of quantification. Enter it, for example <0.01."
        ),
        LabFault.ABOVE_RANGE: N_("“%(text)s” does not say how much there is. Ask the laboratory for the value."),
        LabFault.NO_UNIT: N_("No unit is given. State it, for example mg/kg dry matter."),
        LabFault.UNKNOWN_UNIT: N_("The unit “%(unit)s” is not known. Use mg/kg, µg/kg, g/t or %%."),
        LabFault.UNITS_DIFFER: N_("The value is in %(one)s and its heading in %(other)s. Say which is right."),
        LabFault.LEACHATE: N_(
            "%(unit)s is a result of water or of a leaching test. The limits are for the content in mg/kg dry matter."
        ),
        LabFault.RADIOACTIVITY: N_("%(unit)s is radioactivity, which other rules judge. It is not read here."),
        LabFault.WET_WEIGHT: N_(
            "%(unit)s is of the wet sample. The limits are for dry matter: ask for mg/kg dry matter."
        ),
        LabFault.UNKNOWN_PARAMETER: N_("“%(name)s” is not a parameter we know."),
        LabFault.NO_SAMPLE: N_("It does not say which sample this is a result of."),
        LabFault.CONFLICT: N_(
            "The same parameter of the same sample has different values in rows %(lines)s. None of them is used."
        ),
        LabFault.NO_HEADING: N_(
            "No headings with names of parameters, such as As, Pb and PAH16, were found in the table."
        ),
        LabFault.TOO_MANY_RESULTS: N_(
            "The table has more than %(limit)s results, which is more than one lot has. Send one lot at a time."
        ),
        LabFault.NOT_INORGANIC: N_("Natural background can be stated for metals and other inorganic parameters only."),
        LabFault.BACKGROUND_DOES_NOT_APPLY: N_("Natural background applies to soil and rock only."),
        LabFault.BAD_TABLE: N_("The table of limits of the program cannot be read."),
    },
}


def message_of(error: GeoError[Any]) -> str:
    """The English message id of the error; its parameters are `error.params`."""
    return MESSAGES[type(error.code)][error.code]


def refused_at(field: str, error: GeoError[Any]) -> InvalidInput:
    """The error as one field's message, ready to raise."""
    return InvalidInput(FieldError(field=field, message=message_of(error), params=dict(error.params)))
