"""Refusals of requests that are not as the API describes them, as problem+json (RFC 9457) in the caller's language."""

from http import HTTPStatus
from typing import Final

from flask import Response, make_response
from pydantic import BaseModel, ValidationError

from marketplace.i18n import translate
from marketplace.i18n_marker import N_

PROBLEM_JSON: Final = "application/problem+json"


class FieldProblem(BaseModel):
    """What is wrong with one field; an empty `field` means the whole request."""

    field: str
    message: str


class Problem(BaseModel):
    """Why a request was refused; nothing of it was kept."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[FieldProblem] = []


MESSAGES: Final = {
    "missing": N_("This field must be there."),
    "extra_forbidden": N_("There is no such field."),
    "string_too_short": N_("This must not be empty."),
    "string_too_long": N_("This is too long."),
    "timezone_aware": N_("Give the time with its offset, for example 2027-03-01T09:30:00+01:00."),
    "json_invalid": N_("This is not JSON."),
    "model_type": N_("Send a JSON object."),
    "uuid_parsing": N_("Give a UUID."),
    "bool_parsing": N_("Write true or false."),
}
BEGINNINGS: Final = {
    "decimal": N_("Give a number, with a point before the decimals."),
    "finite": N_("Give a number, with a point before the decimals."),
    "int": N_("Give a whole number."),
    "greater": N_("This number is too small."),
    "less": N_("This number is too large."),
    "datetime": N_("Give a time as in ISO 8601, for example 2027-03-01T09:30:00+01:00."),
}
OTHERWISE: Final = N_("This is not as the description of the API says.")


def refuse_body(error: ValidationError) -> Response:
    """The answer to a request whose fields cannot be read, field by field."""
    problems = [
        FieldProblem(field=".".join(map(str, each["loc"])), message=translate(_message_of(each["type"]), {}))
        for each in error.errors()
    ]
    status = HTTPStatus.UNPROCESSABLE_ENTITY
    problem = Problem(
        type="about:blank",
        title=status.phrase,
        status=status.value,
        detail=translate(N_("Some of what you sent cannot be used."), {}),
        errors=problems,
    )
    response = make_response(problem.model_dump(), status)
    response.mimetype = PROBLEM_JSON
    return response


def _message_of(kind: str) -> str:
    begun = (message for beginning, message in BEGINNINGS.items() if kind.startswith(beginning))
    return MESSAGES.get(kind) or next(begun, OTHERWISE)
