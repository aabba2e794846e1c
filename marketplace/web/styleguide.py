"""Every component once, for looking at and for axe. Registered in development and tests only; not translated."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import wtforms
from flask import Blueprint, flash, jsonify, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired

from marketplace.forms.fields import DateField, DecimalField, PinField, SiteField
from marketplace.maps import (
    FacilityLayer,
    ListingLayer,
    MapView,
    PlaceLayer,
    PlaceSearch,
    SiteDrawing,
    compose_map,
)
from marketplace.permissions import Permission
from marketplace.types import ListingKind, ListingStatus, PriceKind
from marketplace.web.access import requires

bp = Blueprint("styleguide", __name__, url_prefix="/styleguide")

AROUND_BAERUM = (10.25, 59.80, 10.95, 60.05)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A listing as the cards want it."""

    id: int
    kind: ListingKind
    material_group: str
    material_name: str
    mass_t: Decimal
    distance_m: float | None
    municipality_name: str = "Bærum"
    organisation_name: str = "Eksempel Anlegg AS"
    title: str | None = None
    period: tuple[date, date] = (date(2027, 3, 1), date(2027, 6, 30))
    price_kind: PriceKind = PriceKind.FREE
    price_nok_per_t: Decimal | None = None
    fraction_mm: tuple[int, int] | None = None
    is_example: bool = True
    status: ListingStatus = ListingStatus.PUBLISHED


SURPLUS, DEMAND = ListingKind.SURPLUS, ListingKind.DEMAND
SAMPLES = (
    Sample(
        id=1, kind=SURPLUS, material_group="stone", material_name="Sprengstein", mass_t=Decimal(20000), distance_m=850
    ),
    Sample(
        id=2,
        kind=DEMAND,
        material_group="stone",
        material_name="Forsterkningslag",
        mass_t=Decimal(12500),
        distance_m=12400,
        fraction_mm=(0, 32),
        price_kind=PriceKind.TAKER_PAYS,
        price_nok_per_t=Decimal(45),
    ),
    Sample(
        id=3,
        kind=SURPLUS,
        material_group="soil",
        material_name="Matjord",
        mass_t=Decimal("1250.5"),
        distance_m=23000,
        municipality_name="Nordre Follo",
        organisation_name="Utbyggingsselskapet for eksempelprosjekter i østlandsområdet AS",
        is_example=False,
    ),
    Sample(
        id=4,
        kind=DEMAND,
        material_group="concrete",
        material_name="Knust betong Gjb/Bm",
        mass_t=Decimal(300),
        distance_m=4100,
        period=(date(2027, 6, 1), date(2027, 6, 30)),
    ),
    Sample(
        id=5,
        kind=SURPLUS,
        material_group="asphalt",
        material_name="Asfaltgranulat",
        mass_t=Decimal("18.4"),
        distance_m=None,
        price_kind=PriceKind.GIVER_PAYS,
        price_nok_per_t=Decimal(120),
    ),
)
PLACES = {1: (10.502, 59.8855), 2: (10.605, 59.9085), 3: (10.83, 59.79), 4: (10.6265, 59.8955), 5: (10.42, 59.928)}


class SampleForm(FlaskForm):
    kind = wtforms.RadioField(
        "Hva gjelder det?",
        choices=[SelectChoice("surplus", "Vi har for mye"), SelectChoice("demand", "Vi trenger")],
        default="surplus",
        validators=[InputRequired()],
    )
    title = wtforms.StringField("Tittel", validators=[InputRequired()])
    quantity = DecimalField("Mengde")
    unit = wtforms.SelectField("Enhet", choices=[SelectChoice("t", "tonn"), SelectChoice("m3_bank", "m³ fast")])
    starts_on = DateField("Fra", validators=[InputRequired()])
    ends_on = DateField("Til", validators=[InputRequired()])
    materials = wtforms.SelectMultipleField(
        "Materialer", choices=[SelectChoice("a", "Sprengstein"), SelectChoice("b", "Pukk"), SelectChoice("c", "Kult")]
    )
    description = wtforms.TextAreaField("Beskrivelse")
    password = wtforms.PasswordField("Passord", validators=[InputRequired()])
    photo = wtforms.FileField("Bilde")
    agree = wtforms.BooleanField("Massene er rene (klasse 1)", validators=[InputRequired()])
    site = SiteField("Prosjektets område")
    lat = wtforms.StringField("Breddegrad")
    lon = wtforms.StringField("Lengdegrad")
    pin = PinField("Hentested")


@bp.route("", methods=["GET", "POST"])
@requires(Permission.PUBLIC)
def index() -> ResponseReturnValue:
    """The components; `?errors` shows the forms as they come back, `?flash` the messages."""
    form = SampleForm()
    if "errors" in request.args:
        form.title.errors = ["Skriv en tittel."]
        form.quantity.errors = ["Mengden må være større enn 0 t."]
        form.kind.errors = ["Velg det ene eller det andre."]
        form.agree.errors = ["Må bekreftes."]
        form.site.errors = ["Området krysser seg selv. Tegn det på nytt."]
    if "flash" in request.args:
        flash("Annonsen er publisert.", "success")
        flash("Noe gikk galt.", "error")
    return render_template("styleguide/index.html", form=form, listings=SAMPLES)


@bp.get("/map")
@requires(Permission.PUBLIC)
def maps() -> ResponseReturnValue:
    form = SampleForm()
    live = compose_map(
        "live",
        view=MapView(bbox=AROUND_BAERUM),
        layers=[
            ListingLayer(data_url=url_for("styleguide.points")),
            FacilityLayer(data_url=url_for("styleguide.facilities")),
            PlaceSearch(input_id="place", url=url_for("geocode.search")),
        ],
    )
    drawing = compose_map(
        "drawing",
        view=MapView(bbox=AROUND_BAERUM),
        layers=[SiteDrawing(target_id="site", lon_id="lon", lat_id="lat")],
    )
    place = compose_map(
        "place", layers=[PlaceLayer([pin(SAMPLES[0], role="self"), *map(pin, SAMPLES[1:4])])], is_still=True
    )
    return render_template("styleguide/maps.html", form=form, listings=SAMPLES, live=live, drawing=drawing, place=place)


@bp.get("/points")
@requires(Permission.PUBLIC)
def points() -> ResponseReturnValue:
    cluster = {
        "count": 1240,
        "quantity": "2 412 000 t",
        "groups": {"stone": 700, "soil": 320, "concrete": 120, "asphalt": 100},
        "surplus": 900,
        "demand": 340,
        "bounds": [10.70, 59.90, 10.90, 59.98],
    }
    few = {**cluster, "count": 7, "quantity": "8 400 t", "groups": {"soil": 5, "asphalt": 2}, "bounds": AROUND_BAERUM}
    features = [pin(sample) for sample in SAMPLES]
    features += [feature((10.79, 59.94), cluster), feature((10.33, 59.99), few)]
    return jsonify({"type": "FeatureCollection", "features": features})


@bp.get("/facilities")
@requires(Permission.PUBLIC)
def facilities() -> ResponseReturnValue:
    found = [
        feature((10.526, 59.9385), {"id": 1, "kind": "quarry", "title": "Steinskogen", "details": ["Pukk"]}),
        feature((10.385, 59.955), {"id": 2, "kind": "interim_storage", "title": "Avtjerna"}),
        feature((10.829, 59.931), {"id": 3, "kind": "recycling", "title": "Haraldrud"}),
        feature((10.45, 59.83), {"id": 4, "kind": "landfill", "title": "Deponi"}),
    ]
    return jsonify({"type": "FeatureCollection", "features": found})


def pin(sample: Sample, *, role: str = "") -> dict[str, object]:
    return feature(
        PLACES[sample.id],
        {
            "id": sample.id,
            "kind": sample.kind.value,
            "group": sample.material_group,
            "title": sample.material_name,
            "quantity": f"{sample.mass_t} t",
            "details": [sample.municipality_name, sample.organisation_name],
            "is_example": sample.is_example,
            "url": url_for("styleguide.index"),
            "role": role,
        },
    )


def feature(place: tuple[float, float], properties: dict[str, object]) -> dict[str, object]:
    return {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": list(place)},
        "properties": properties,
    }
