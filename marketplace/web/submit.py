"""Handing a form to a service, so that what the service refuses is shown beside the field it concerns.

    form = ProjectForm()
    if form.validate_on_submit():
        with applying(form) as attempt:
            project = create_project(db.session, current_actor(), ..., now=now())
        if attempt.ok:
            return redirect(...)
    return render_template("projects/edit.html", form=form), unprocessable(form)

The service runs inside a savepoint: where it is refused nothing of it stays, and everything typed is still in the form.
What does not fit with what is there (`Conflict`) goes through; `refused_in` says it in the form:

    except Conflict as refused:
        status = refused_in(form, refused)
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus

from flask import request
from flask_wtf import FlaskForm
from sqlalchemy.exc import IntegrityError

from marketplace import db
from marketplace.errors import CONSTRAINT_ERRORS, Conflict, FieldError, InvalidInput
from marketplace.i18n import translate


@dataclass(slots=True)
class Attempt:
    ok: bool = False


@contextmanager
def applying(form: FlaskForm) -> Iterator[Attempt]:
    """Run the block in a savepoint; refusals become the form's errors and leave `attempt.ok` False."""
    attempt = Attempt()
    try:
        with db.session.begin_nested():
            yield attempt
            db.session.flush()  # constraints speak here, while the form can still show what they say
        attempt.ok = True
    except InvalidInput as refused:
        for error in refused.errors:
            add_error(form, error)
    except IntegrityError as refused:
        add_error(form, constraint_error(refused))


def constraint_error(error: IntegrityError) -> FieldError:
    """The message for the violated constraint; the error itself where the table has none."""
    name = getattr(getattr(error.orig, "diag", None), "constraint_name", None)
    if name not in CONSTRAINT_ERRORS:
        raise error
    return CONSTRAINT_ERRORS[name]


def add_error(form: FlaskForm, error: FieldError) -> None:
    message = translate(error.message, error.params)
    if error.field in form:
        field = form[error.field]
        field.errors = [*field.errors, message]
    else:
        form.form_errors.append(message)


def refused_in(form: FlaskForm, refused: Conflict) -> HTTPStatus:
    """What does not fit with what is there, said in the form; the status of the page that shows it.

    The page reads anew how things stand: nothing that this request had read or held is kept.
    """
    db.session.rollback()
    add_error(form, FieldError(field="", message=refused.message, params=refused.params))
    return HTTPStatus.CONFLICT


def unprocessable(form: FlaskForm) -> HTTPStatus:
    """The status of a page that shows `form`: 422 where it came back with errors."""
    return HTTPStatus.UNPROCESSABLE_ENTITY if request.method == "POST" and form.errors else HTTPStatus.OK
