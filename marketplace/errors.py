"""What can go wrong, as exceptions, and the one table that gives each its HTTP status.

Services and `geo/` raise; only the edges (web, api, cli, jobs) turn an error into an answer. A message is an English
message id with named parameters and is translated at the edge.
"""

import dataclasses
from dataclasses import dataclass
from http import HTTPStatus

from geo.errors import GeoError
from marketplace.i18n_marker import N_


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldError:
    """What is wrong with one field; `field` is "" when it concerns the whole form."""

    field: str
    message: str
    params: dict[str, object] = dataclasses.field(default_factory=dict)


class DomainError(Exception):
    """Something the person should be told."""

    message = N_("Something went wrong.")

    def __init__(self, message: str | None = None, **params: object) -> None:
        self.message = message or type(self).message
        self.params = params
        super().__init__(self.message)

    def __str__(self) -> str:
        return self.message % self.params if self.params else self.message


class InvalidInput(DomainError):
    """What was sent cannot be taken; each `FieldError` says where and why."""

    message = N_("Some of what you entered cannot be used.")

    def __init__(self, *errors: FieldError) -> None:
        super().__init__()
        self.errors = errors

    def __str__(self) -> str:
        return "; ".join(f"{error.field}: {error.message % error.params}" for error in self.errors)


class NotFound(DomainError):
    message = N_("There is nothing here, or it is not for you to see.")


class NotAuthenticated(DomainError):
    message = N_("Show a token that is still alive: Authorization: Bearer msf_...")


class Forbidden(DomainError):
    message = N_("You may not do this.")


class Conflict(DomainError):
    message = N_("This has changed since you opened it.")


class TooManyAttempts(DomainError):
    message = N_("Too many attempts. Try again in %(minutes)s min.")

    def __init__(self, *, retry_after_s: int) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(None, minutes=max(1, round(retry_after_s / 60)))


class Unavailable(DomainError):
    message = N_("A part of the service is not reachable right now.")


STATUS: dict[type[Exception], HTTPStatus] = {
    InvalidInput: HTTPStatus.UNPROCESSABLE_ENTITY,
    GeoError: HTTPStatus.UNPROCESSABLE_ENTITY,
    NotFound: HTTPStatus.NOT_FOUND,
    NotAuthenticated: HTTPStatus.UNAUTHORIZED,
    Forbidden: HTTPStatus.FORBIDDEN,
    Conflict: HTTPStatus.CONFLICT,
    TooManyAttempts: HTTPStatus.TOO_MANY_REQUESTS,
    Unavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    DomainError: HTTPStatus.BAD_REQUEST,
}


def status_of(error: Exception) -> HTTPStatus:
    """The status of the error's own class, else of the nearest class it derives from."""
    for cls in type(error).__mro__:
        if cls in STATUS:
            return STATUS[cls]
    return HTTPStatus.INTERNAL_SERVER_ERROR


def field_error(field_name: str, message: str, **params: object) -> InvalidInput:
    """One field's error, ready to raise."""
    return InvalidInput(FieldError(field=field_name, message=message, params=params))


CONSTRAINT_ERRORS: dict[str, FieldError] = {
    "uq_app_user_email": FieldError(field="email", message=N_("There is already an account with this e-mail address.")),
    "uq_organisation_org_number": FieldError(
        field="org_number", message=N_("This organisation is already registered. Ask its owner to invite you.")
    ),
    "uq_invitation_open": FieldError(field="email", message=N_("This address has already been invited.")),
    "ck_project_period": FieldError(field="ends_on", message=N_("The period ends before it starts.")),
    "ck_listing_period": FieldError(field="available_to", message=N_("The period ends before it starts.")),
    "ck_listing_mass_t": FieldError(field="entered_value", message=N_("The quantity must be more than zero.")),
    "ck_listing_min_lot_t": FieldError(
        field="min_lot_t", message=N_("The smallest lot cannot be larger than the whole quantity.")
    ),
    "ck_listing_committed_t": FieldError(
        field="entered_value", message=N_("There is not that much left. Look at the deal again.")
    ),
    "uq_listing_plan_row_id_kind": FieldError(
        field="kind", message=N_("The mass plan has a listing of this kind for the same masses already.")
    ),
    "ck_listing_fraction": FieldError(
        field="fraction", message=N_("The largest grain size must be larger than the smallest.")
    ),
    "ck_listing_clean": FieldError(
        field="", message=N_("It is not documented that these masses are clean, so others cannot be shown them.")
    ),
    "ck_listing_organisation_banned": FieldError(
        field="", message=N_("This organisation is banned, so nothing of it can be published.")
    ),
    "uq_listing_report_open_by_person": FieldError(
        field="", message=N_("You have reported this listing already. A moderator will look at it.")
    ),
    "uq_listing_report_open_by_address": FieldError(
        field="", message=N_("You have reported this listing already. A moderator will look at it.")
    ),
    "uq_appeal_open_listing": FieldError(field="", message=N_("Your organisation has answered already.")),
    "uq_appeal_open_organisation": FieldError(field="", message=N_("Your organisation has answered already.")),
    "uq_verification_request_open": FieldError(
        field="", message=N_("Your organisation has asked already, and is answered by mail.")
    ),
    "uq_document_organisation_id_upload_id": FieldError(
        field="file", message=N_("This upload belongs to another page. Choose the file again.")
    ),
    "uq_saved_search_user_id_query": FieldError(field="", message=N_("You keep this search already.")),
    "ck_listing_price_nok_per_t": FieldError(field="price_nok_per_t", message=N_("Enter a price above zero.")),
}
"""Constraint violations become messages beside a field, by the constraint's name."""
