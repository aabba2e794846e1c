"""Numbers of days as people say them: three weeks, twelve days, about seven weeks."""

from flask_babel import gettext as _
from flask_babel import ngettext

from marketplace.filters import number
from marketplace.i18n import translate
from marketplace.i18n_marker import N_

COUNT_WORDS = {
    2: N_("two"),
    3: N_("three"),
    4: N_("four"),
    5: N_("five"),
    6: N_("six"),
    7: N_("seven"),
    8: N_("eight"),
    9: N_("nine"),
    10: N_("ten"),
    11: N_("eleven"),
    12: N_("twelve"),
}
"""Written out up to twelve, as both languages do in running text."""

DAYS_A_WEEK = 7
DAYS_A_MONTH = 30.44
EXACT_UP_TO_DAYS = 21
MONTHS_FROM_DAYS = 75


def days_in_words(days: int) -> str:
    """To the day up to three weeks, and for whole weeks; else about so many weeks, from ten weeks on so many months."""
    if days < MONTHS_FROM_DAYS and days % DAYS_A_WEEK == 0 and days:
        return weeks(days // DAYS_A_WEEK)
    if days <= EXACT_UP_TO_DAYS:
        return ngettext("one day", "%(count)s days", days, count=count_word(days))
    if days < MONTHS_FROM_DAYS:
        return _("about %(duration)s", duration=weeks(round(days / DAYS_A_WEEK)))
    months = round(days / DAYS_A_MONTH)
    return _("about %(duration)s", duration=ngettext("one month", "%(count)s months", months, count=count_word(months)))


def weeks(count: int) -> str:
    return ngettext("one week", "%(count)s weeks", count, count=count_word(count))


def count_word(count: int) -> str:
    return translate(COUNT_WORDS[count], {}) if count in COUNT_WORDS else number(count)
