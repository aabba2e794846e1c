"""Template filters: numbers, quantities, distances, money and dates in the visitor's language.

A unit follows its number after a no-break space, and thousands in Norwegian stand apart by a narrow no-break space, so
that a figure never breaks over two lines. A missing value is a dash.
"""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

from babel.core import Locale
from babel.dates import format_date, format_datetime, format_timedelta, get_timezone
from babel.numbers import format_decimal, get_group_symbol
from flask import Flask
from flask_babel import get_locale
from flask_babel import gettext as _

from geo.months import Month, MonthPeriod
from marketplace import clock

NO_BREAK_SPACE = "\N{NO-BREAK SPACE}"
NARROW_NO_BREAK_SPACE = "\N{NARROW NO-BREAK SPACE}"
EN_DASH = "\N{EN DASH}"
OSLO = "Europe/Oslo"

type Number = Decimal | int | float

# From this many tonnes on, decimals are noise; below one tonne they are all there is.
WHOLE_FROM_T = 100
SECONDS_IN_MINUTE = MINUTES_IN_HOUR = 60
METRES_IN_KM = 1000
WHOLE_FROM_KM = 100


def _locale() -> Locale:
    """The language of the request; English dates and numbers follow British use, as Norwegian readers expect."""
    chosen = get_locale()
    if chosen is None:
        return Locale.parse("nb")
    return Locale.parse("en_GB") if chosen.language == "en" else chosen


def number(value: Number | None, decimals: int = 0, *, keep_zeros: bool = False) -> str:
    """`value` rounded half up to at most `decimals` decimals; exactly that many with `keep_zeros`."""
    if value is None:
        return EN_DASH
    rounded = Decimal(str(value)).quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP)
    fraction = ("0" if keep_zeros else "#") * decimals
    locale = _locale()
    text = format_decimal(rounded, format="#,##0" + ("." + fraction if fraction else ""), locale=locale)
    if locale.language == "nb":
        text = text.replace(get_group_symbol(locale), NARROW_NO_BREAK_SPACE)
    return text.replace("-", "\N{MINUS SIGN}")


def with_unit(value: Number | None, unit: str, decimals: int = 0) -> str:
    return EN_DASH if value is None else number(value, decimals) + NO_BREAK_SPACE + unit


def tonnes(mass_t: Number | None) -> str:
    """20 000 t; 12,5 t; 0,35 t."""
    return with_unit(mass_t, "t", 0 if mass_t is None else _mass_decimals(mass_t))


def tonnes_number(mass_t: Number | None) -> str:
    """As `tonnes`, without the unit, for figures that set the unit apart."""
    return EN_DASH if mass_t is None else number(mass_t, _mass_decimals(mass_t))


def _mass_decimals(mass_t: Number) -> int:
    size = abs(Decimal(str(mass_t)))
    if size >= WHOLE_FROM_T:
        return 0
    return 1 if size >= 1 else 3


def cubic_metres(volume_m3: Number | None) -> str:
    """7 400 m³."""
    return with_unit(volume_m3, "m³", 0 if volume_m3 is None or abs(Decimal(str(volume_m3))) >= WHOLE_FROM_T else 1)


def distance(distance_m: Number | None, *, is_approximate: bool = False) -> str:
    """850 m; 12,4 km; 310 km. Metres are rounded to tens, since no position here is better than that.

    To or from a hidden position, which is shown up to a kilometre from where it is: ca. 12 km.
    """
    if distance_m is None:
        return EN_DASH
    if is_approximate:
        whole_km = max(1, round(Decimal(str(distance_m)) / METRES_IN_KM))
        return _("about %(distance)s", distance=with_unit(whole_km, "km"))
    tens = Decimal(str(distance_m)).quantize(Decimal("1e1"), rounding=ROUND_HALF_UP)
    if tens < METRES_IN_KM:
        return with_unit(tens, "m")
    km = Decimal(str(distance_m)) / METRES_IN_KM
    return with_unit(km, "km", 0 if km >= WHOLE_FROM_KM else 1)


def driving_time(duration_s: Number | None) -> str:
    """To the minute, at least one: 18 min; 1 t 5 min in Norwegian, 1 h 5 min in English."""
    if duration_s is None:
        return EN_DASH
    hours, minutes = divmod(max(1, round(duration_s / SECONDS_IN_MINUTE)), MINUTES_IN_HOUR)
    hour = "t" if _locale().language == "nb" else "h"
    parts = [with_unit(hours, hour)] if hours else []
    parts += [with_unit(minutes, "min")] if minutes else []
    return NO_BREAK_SPACE.join(parts)


def nok(amount: Number | None) -> str:
    """1 200 kr in Norwegian, NOK 1,200 in English; øre only where there are any."""
    if amount is None:
        return EN_DASH
    is_whole = Decimal(str(amount)) == Decimal(str(amount)).to_integral_value()
    figure = number(amount) if is_whole else number(amount, 2, keep_zeros=True)
    return f"{figure}{NO_BREAK_SPACE}kr" if _locale().language == "nb" else f"NOK{NO_BREAK_SPACE}{figure}"


def nok_per_t(price: Number | None) -> str:
    """45 kr/t in Norwegian, NOK 45/t in English."""
    return EN_DASH if price is None else nok(price) + "/t"


def date_(day: date | datetime | None) -> str:
    """1. mars 2027; 1 Mar 2027. A moment is shown as its day in Oslo."""
    if day is None:
        return EN_DASH
    if isinstance(day, datetime):
        return format_datetime(day, _date_pattern(), tzinfo=get_timezone(OSLO), locale=_locale())
    return format_date(day, _date_pattern(), locale=_locale())


def datetime_(moment: datetime | None) -> str:
    """1. mars 2027 kl. 14:05; 1 Mar 2027, 14:05; the time in Oslo."""
    if moment is None:
        return EN_DASH
    pattern = "d. MMM y 'kl'. HH:mm" if _locale().language == "nb" else "d MMM y, HH:mm"
    return format_datetime(moment, pattern, tzinfo=get_timezone(OSLO), locale=_locale())


def _date_pattern(*, month: bool = True, year: bool = True) -> str:
    day = "d." if _locale().language == "nb" else "d"
    return " ".join([day, *(["MMM"] if month else []), *(["y"] if year else [])])


def period(days: tuple[date | None, date | None] | None) -> str:
    """A period without saying month or year twice.

    1. mars 2027; 1.–30. juni 2027; 1. mars – 30. juni 2027; 1. des. 2026 – 31. jan. 2027; an open end says so.
    """
    if days is None or days == (None, None):
        return EN_DASH
    first, last = days
    if first is None:
        return _("until %(day)s", day=date_(last))
    if last is None:
        return _("from %(day)s", day=date_(first))
    if first == last:
        return date_(first)
    same_year = first.year == last.year
    same_month = same_year and first.month == last.month
    begin = format_date(first, _date_pattern(month=not same_month, year=not same_year), locale=_locale())
    dash = EN_DASH if same_month else f"{NO_BREAK_SPACE}{EN_DASH} "
    return begin + dash + date_(last)


def month_(month: Month | None) -> str:
    """mars 2027; March 2027."""
    if month is None:
        return EN_DASH
    return format_date(month.first_day, "MMMM y", locale=_locale())


def months_(period: MonthPeriod | None) -> str:
    """mars 2027; januar 2026 – mars 2027."""
    if period is None:
        return EN_DASH
    first, last = month_(period.first), month_(period.last)
    return first if first == last else f"{first}{NO_BREAK_SPACE}{EN_DASH} {last}"


def fraction(sizes_mm: tuple[Number, Number] | None) -> str:
    """Grain fraction d/D: 8/16 mm."""
    if sizes_mm is None:
        return EN_DASH
    least, most = sizes_mm
    return f"{number(least, 3)}/{number(most, 3)}{NO_BREAK_SPACE}mm"


def percent(share: Number | None, decimals: int = 0) -> str:
    """0.42 as 42 % in Norwegian, 42% in English."""
    if share is None:
        return EN_DASH
    figure = number(Decimal(str(share)) * 100, decimals)
    return figure + (f"{NO_BREAK_SPACE}%" if _locale().language == "nb" else "%")


def relative_time(moment: datetime | None, now: datetime | None = None) -> str:
    """How long ago, or in how long: for 3 dager siden; in 2 weeks."""
    if moment is None:
        return EN_DASH
    passed: timedelta = moment - (now or clock.now())
    return format_timedelta(passed, add_direction=True, locale=_locale())


FILTERS: dict[str, Callable[..., str]] = {
    "number": number,
    "with_unit": with_unit,
    "tonnes": tonnes,
    "tonnes_number": tonnes_number,
    "cubic_metres": cubic_metres,
    "distance": distance,
    "driving_time": driving_time,
    "nok": nok,
    "nok_per_t": nok_per_t,
    "date_": date_,
    "datetime_": datetime_,
    "period": period,
    "month_": month_,
    "months_": months_,
    "fraction": fraction,
    "percent": percent,
    "relative_time": relative_time,
}


def init_app(app: Flask) -> None:
    app.jinja_env.filters.update(FILTERS)
