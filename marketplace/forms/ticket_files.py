"""Handing in a weighbridge's file, and saying what is to become of it."""

import wtforms
from flask_babel import lazy_gettext as _l

from marketplace.forms.base import PostedForm
from marketplace.forms.bulk import FILES


class TicketFileForm(PostedForm):
    file = wtforms.FileField(
        _l("The weighbridge's file"),
        description=_l("CSV or XLSX, at most 3 MB and 5 000 rows."),
        render_kw={"accept": FILES},
    )


class ApplyTicketFileForm(PostedForm):
    only_good = wtforms.BooleanField(_l("Leave out the rows that cannot be used"))
