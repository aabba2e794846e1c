"""Saving an edit that must not overwrite in silence what somebody else has written meanwhile."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus

from marketplace.errors import FieldError
from marketplace.forms.facilities import FacilityForm
from marketplace.forms.listings import ListingForm
from marketplace.forms.projects import ProjectForm
from marketplace.services.editing import ChangedMeanwhile
from marketplace.web.submit import add_error, applying


@dataclass(slots=True)
class Edit:
    ok: bool = False
    status: HTTPStatus = HTTPStatus.UNPROCESSABLE_ENTITY
    """Of the page that shows the form again."""


@contextmanager
def saving(form: FacilityForm | ListingForm | ProjectForm, *, version_now: Callable[[], str]) -> Iterator[Edit]:
    """As `applying`. Where the row was changed meanwhile, the form comes back with everything typed and says so.

    The form's `version` is then the one that was found, so that sending it once more is a decision to overwrite.
    """
    edit = Edit()
    try:
        with applying(form) as attempt:
            yield edit
        edit.ok = attempt.ok
    except ChangedMeanwhile as conflict:
        edit.status = HTTPStatus.CONFLICT
        add_error(form, FieldError(field="", message=conflict.message))
        form.version.data = version_now()
        form.version.raw_data = [form.version.data]
