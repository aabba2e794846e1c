"""The fields of a search that are typed into. They show what was typed; `web.search_state` reads it."""

import wtforms
from flask_babel import lazy_gettext as _l
from wtforms.widgets import DateInput


class SearchForm(wtforms.Form):
    q = wtforms.SearchField(_l("Words"))
    near = wtforms.SearchField(_l("Place or address"))
    mass_min = wtforms.StringField(_l("At least"))
    mass_max = wtforms.StringField(_l("At most"))
    from_day = wtforms.StringField(_l("From"), widget=DateInput())
    to_day = wtforms.StringField(_l("To"), widget=DateInput())
    price_max = wtforms.StringField(_l("The taker pays at most"))
