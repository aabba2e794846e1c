"""A place drawn on a map, or typed as two numbers where there is no map."""

from flask_babel import lazy_gettext as _l
from shapely import Point
from wtforms import Field

from geo.errors import GeometryError
from geo.geometry import Position, Site, read_position
from marketplace.forms.base import PostedForm
from marketplace.forms.fields import LineField, PinField, SiteField
from marketplace.geo_messages import message_of
from marketplace.i18n import translate
from marketplace.i18n_marker import N_


class TypedPlace(PostedForm):
    """Typed coordinates beside a drawing. Where given they hold; the drawing's script keeps both in step."""

    lat = LineField(_l("Latitude (north)"))
    lon = LineField(_l("Longitude (east)"))

    typed: Position | None = None

    def read_typed(self) -> None:
        """Take the coordinates, or put what is wrong with them beside them."""
        lon, lat = self.lon.data or "", self.lat.data or ""
        if not lon and not lat:
            return
        if not (lon and lat):
            _add_error(self.lat if lon else self.lon, translate(N_("Give both numbers."), {}))
            return
        try:
            self.typed = read_position(lon, lat)
        except GeometryError as error:
            _add_error(self.lat, translate(message_of(error), error.params))

    @property
    def was_typed(self) -> bool:
        return bool(self.lon.data or self.lat.data)


def forgive(field: Field) -> None:
    """What is wrong with a field that does not count here is nobody's business."""
    field.errors = []


def _add_error(field: Field, message: str) -> None:
    field.errors = [*field.errors, message]


def site_from(form: TypedPlace, field: SiteField) -> Site | None:
    return field.data if form.typed is None else Point(form.typed.lon, form.typed.lat)


def position_from(form: TypedPlace, field: PinField) -> Position | None:
    return field.data if form.typed is None else form.typed
