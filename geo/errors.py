"""What can be wrong with spatial or numeric input: a code and its parameters, for the caller to put into words."""

from enum import StrEnum


class GeometryFault(StrEnum):
    """Each member names its parameters; lengths in metres, areas in square metres, lon and lat in degrees."""

    NOT_JSON = "not_json"
    """The text is no GeoJSON object."""
    TOO_LONG = "too_long"
    """count, limit: characters of text."""
    UNSUPPORTED_TYPE = "unsupported_type"
    """type: the GeoJSON type that was given; allowed: those that are read, joined by commas."""
    BAD_COORDINATES = "bad_coordinates"
    """The coordinates are not nested as the type asks, or one of them is not a number."""
    NOT_FINITE = "not_finite"
    """A coordinate is NaN or infinite."""
    NOT_DEGREES = "not_degrees"
    """x, y: beyond 180 and 90 degrees, most often UTM metres."""
    SWAPPED_LAT_LON = "swapped_lat_lon"
    """lon, lat as given; exchanged, they lie in Norway."""
    OUTSIDE_NORWAY = "outside_norway"
    """lon, lat of the first position outside."""
    EMPTY = "empty"
    """There is no position in it."""
    TOO_FEW_POINTS = "too_few_points"
    """A ring has fewer than three different corners."""
    NO_AREA = "no_area"
    """All corners of a ring lie on one line."""
    SELF_CROSSING = "self_crossing"
    """lon, lat: where the outline crosses or touches itself."""
    INVALID_SHAPE = "invalid_shape"
    """lon, lat: where a hole leaves its polygon, or cuts it in two."""
    TOO_LARGE_AREA = "too_large_area"
    """area_m2, limit_m2."""
    TOO_MANY_VERTICES = "too_many_vertices"
    """count, limit."""
    WRONG_RANGE = "wrong_range"
    """west, south, east, north of a box whose edges are in the wrong order."""


class QuantityFault(StrEnum):
    """Each member names its parameters; masses in tonnes, densities in t/m3."""

    UNKNOWN_UNIT = "unknown_unit"
    """unit: as given."""
    NOT_FINITE = "not_finite"
    """NaN or infinite."""
    NOT_POSITIVE = "not_positive"
    """Zero, negative, or less than a kilogram."""
    TOO_LARGE = "too_large"
    """limit_t."""
    NO_DENSITY = "no_density"
    """unit: the material has no density in the state this unit is measured in."""
    DENSITY_OUT_OF_RANGE = "density_out_of_range"
    """density_t_per_m3, low_t_per_m3, high_t_per_m3."""
    BAD_RANGE = "bad_range"
    """low, value, high: not in that order."""
    UNITS_DIFFER = "units_differ"
    """one, other: units that cannot be added."""


class FactorFault(StrEnum):
    """What is wrong with a factor set. Each member names its parameters."""

    MISSING = "missing"
    """key, version: the set has no such figure."""
    UNKNOWN_KEY = "unknown_key"
    """key: the method knows no figure of that name."""
    WRONG_UNIT = "wrong_unit"
    """key, unit, units: those that the figure may be in."""
    NEGATIVE = "negative"
    """key: a low end below zero."""
    NOT_POSITIVE = "not_positive"
    """key: zero, of what is divided by or cannot be nothing."""
    NOT_A_SHARE = "not_a_share"
    """key: a share above 1."""
    BAD_TABLE = "bad_table"
    """table, line, reason: a row of the seed tables that cannot be read."""


class ImpactFault(StrEnum):
    """What is wrong with a comparison. Each member names its parameters."""

    BAD_SHARE = "bad_share"
    """share: not between 0 and 1."""
    BAD_LENGTH = "bad_length"
    """length_km: negative or not finite."""
    BAD_PAYLOAD = "bad_payload"
    """payload_t: not more than zero."""
    NEGATIVE_MASS = "negative_mass"
    """mass_t."""
    UNREADABLE = "unreadable"
    """reason: a kept comparison cannot be read again."""


class BalanceFault(StrEnum):
    """What is wrong with a mass balance. Each member names its parameters; masses in tonnes."""

    NEGATIVE = "negative"
    """A mass below zero."""
    REUSED_ABOVE_EXCAVATED = "reused_above_excavated"
    """bound (likely or high), reused_t, limit_t: more is reused than is dug out."""
    REUSED_ABOVE_NEEDED = "reused_above_needed"
    """bound (likely or high), reused_t, limit_t: more is reused than is needed."""


class FractionFault(StrEnum):
    """Each member names its parameters; sieve sizes in millimetres."""

    NOT_A_FRACTION = "not_a_fraction"
    """The text is not two sizes such as 8/16."""
    NEGATIVE = "negative"
    """A sieve size below zero."""
    WRONG_ORDER = "wrong_order"
    """lower_mm, upper_mm: the upper size is not above the lower."""
    TOO_LARGE = "too_large"
    """limit_mm."""


class MaterialFault(StrEnum):
    """Each member names its parameters."""

    UNKNOWN_MATERIAL = "unknown_material"
    """key: not in the taxonomy."""
    BAD_TABLE = "bad_table"
    """line, reason: a row of the seed tables that cannot be read."""


class LabFault(StrEnum):
    """What is wrong with a laboratory value or a table of limits. Each member names its parameters."""

    NOT_A_NUMBER = "not_a_number"
    """text: as given."""
    AMBIGUOUS = "ambiguous"
    """text: as given. whole, fraction: the two numbers that it may be, 1234 and 1,234 for `1.234`."""
    FORMULA = "formula"
    """The cell is a formula of a spreadsheet, which says nothing about its value."""
    NEGATIVE = "negative"
    """A content below zero, or a limit of quantification that is not above it."""
    ZERO = "zero"
    """A laboratory finds less than its limit of quantification, never nothing."""
    NOT_FINITE = "not_finite"
    """NaN or infinite."""
    TOO_LARGE = "too_large"
    """limit_mg_kg: more than there can be in a kilogram."""
    NOT_DETECTED_WITHOUT_LOQ = "not_detected_without_loq"
    """Not detected, without the limit of quantification."""
    ABOVE_RANGE = "above_range"
    """text: `>500`, which sets no upper bound."""
    NO_UNIT = "no_unit"
    """Neither the value, the heading nor the table names a unit."""
    UNKNOWN_UNIT = "unknown_unit"
    """unit: as given."""
    UNITS_DIFFER = "units_differ"
    """one, other: the value names another unit than its heading."""
    LEACHATE = "leachate"
    """unit: of water (mg/l) or of a leaching test (L/S), which no limit of content applies to."""
    RADIOACTIVITY = "radioactivity"
    """unit: Bq/kg and the like, which is judged by other rules."""
    WET_WEIGHT = "wet_weight"
    """unit: of the wet sample; limits are for dry matter."""
    UNKNOWN_PARAMETER = "unknown_parameter"
    """name: as given."""
    NO_SAMPLE = "no_sample"
    """The result does not say which sample it is of."""
    CONFLICT = "conflict"
    """lines: of the results that are of the same parameter in the same sample, and differ."""
    NO_HEADING = "no_heading"
    """No row or column of the table names parameters."""
    TOO_MANY_RESULTS = "too_many_results"
    """limit."""
    NOT_INORGANIC = "not_inorganic"
    """parameter: natural background excuses inorganic parameters only."""
    BACKGROUND_DOES_NOT_APPLY = "background_does_not_apply"
    """Natural background is a matter of ground, not of concrete, brick or asphalt."""
    BAD_TABLE = "bad_table"
    """table, line, reason: a row of the seed tables that cannot be read."""


class GeoError[Fault: StrEnum](Exception):
    """Something given to `geo` cannot be used: `code` says what, `params` the values a message needs."""

    def __init__(self, code: Fault, **params: object) -> None:
        super().__init__(code, params)
        self.code = code
        self.params = params

    def __str__(self) -> str:
        """Give the code and parameters on one line, for logs."""
        return " ".join([self.code, *(f"{name}={value}" for name, value in self.params.items())])


class GeometryError(GeoError[GeometryFault]):
    """A position, outline or box cannot be used."""


class QuantityError(GeoError[QuantityFault]):
    """A quantity cannot be used."""


class FactorError(GeoError[FactorFault]):
    """A factor set cannot be used."""


class ImpactError(GeoError[ImpactFault]):
    """What is avoided cannot be worked out."""


class BalanceError(GeoError[BalanceFault]):
    """A mass balance cannot be drawn up."""


class FractionError(GeoError[FractionFault]):
    """A grain fraction cannot be used."""


class MaterialError(GeoError[MaterialFault]):
    """A material, or a table of materials, cannot be used."""


class LabError(GeoError[LabFault]):
    """A laboratory value, or a table of limits, cannot be used."""
