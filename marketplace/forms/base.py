"""What every form that is posted has in common."""

from typing import Any

from flask import request
from flask_wtf import FlaskForm
from werkzeug.datastructures import MultiDict


class PostedForm(FlaskForm):
    """A form that takes its answers from a form that was sent, and from nothing else.

    Flask-WTF would also take them from JSON, where an answer can be a number, a list or half a character, and take an
    uploaded file for the answer to a question in words.
    """

    class Meta(FlaskForm.Meta):
        def wrap_formdata(self, form: FlaskForm, formdata: Any) -> Any:
            if formdata is None or isinstance(formdata, MultiDict):
                return formdata
            return request.form if form.is_submitted() else None
