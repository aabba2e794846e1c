"""What the component macros print: names, hints and errors a screen reader finds; nothing lost of what was typed."""

from collections.abc import Callable, Iterator
from html.parser import HTMLParser

import pytest
import wtforms
from flask import Flask, get_template_attribute
from werkzeug.datastructures import MultiDict
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired

from marketplace.forms.fields import DateField, DecimalField, SiteField

Render = Callable[..., str]
VOID = {"input", "br", "link", "meta", "path", "circle"}


class SampleForm(wtforms.Form):
    name = wtforms.StringField("Name", description="As in the register", validators=[InputRequired("Say the name.")])
    mass = DecimalField("Mass")
    day = DateField("Day")
    unit = wtforms.SelectField("Unit", choices=[SelectChoice("t", "tonnes"), SelectChoice("m3", "cubic metres")])
    kind = wtforms.RadioField(
        "Kind",
        choices=[SelectChoice("a", "First"), SelectChoice("b", "Second")],
        validators=[InputRequired("Choose one.")],
    )
    materials = wtforms.SelectMultipleField("Materials", choices=[SelectChoice("x", "X"), SelectChoice("y", "Y")])
    text = wtforms.TextAreaField("Text")
    agree = wtforms.BooleanField("I agree", validators=[InputRequired("Must be agreed to.")])
    password = wtforms.PasswordField("Password")
    site = SiteField("Site")


class Elements(HTMLParser):
    """Every start tag with its attributes, in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def named(self, name: str) -> list[dict[str, str | None]]:
        return [attributes for _, attributes in self.found if attributes.get("name") == name]

    def ids(self) -> set[str | None]:
        return {attributes["id"] for _, attributes in self.found if "id" in attributes}


@pytest.fixture(autouse=True)
def _in_english(app: Flask) -> Iterator[None]:
    from flask import session

    with app.test_request_context("/"):
        session["locale"] = "en"
        yield


@pytest.fixture
def field() -> Render:
    return get_template_attribute("components/forms.html", "field")


def typed(**values: object) -> SampleForm:
    form = SampleForm(MultiDict(values))
    form.validate()
    return form


@pytest.mark.parametrize("name", ["name", "mass", "day", "unit", "text", "password", "agree"])
def test_every_input_has_its_label(field: Render, name: str) -> None:
    form = SampleForm()
    found = Elements(field(form[name]))
    assert [a["for"] for tag, a in found.found if tag == "label"] == [found.named(name)[0]["id"]]


def test_hint_and_error_are_tied_to_the_input(field: Render) -> None:
    found = Elements(field(typed().name))
    (name,) = found.named("name")
    assert name["aria-invalid"] == "true"
    assert name["aria-describedby"] == "name-hint name-error"
    assert {"name-hint", "name-error"} <= found.ids()


def test_an_input_without_hint_or_error_points_nowhere(field: Render) -> None:
    (mass,) = Elements(field(SampleForm().mass)).named("mass")
    assert "aria-describedby" not in mass
    assert "aria-invalid" not in mass


def test_only_what_may_be_left_out_is_marked(field: Render) -> None:
    assert "(optional)" not in field(SampleForm().name)
    assert "(optional)" in field(SampleForm().mass)
    assert "(optional)" not in field(SampleForm().mass, optional=False)


def test_numbers_get_the_decimal_keyboard_and_stay_text(field: Render) -> None:
    (mass,) = Elements(field(typed(mass="12,5 tonn").mass, suffix="t")).named("mass")
    assert mass["inputmode"] == "decimal"
    assert mass["type"] == "text"
    assert mass["value"] == "12,5 tonn"


def test_choices_are_a_group_with_its_question(field: Render) -> None:
    html = field(typed().kind)
    found = Elements(html)
    assert [tag for tag, _ in found.found][:2] == ["fieldset", "legend"]
    assert found.found[0][1]["aria-describedby"] == "kind-error"
    assert [a["value"] for a in found.named("kind")] == ["a", "b"]
    assert all(a["type"] == "radio" for a in found.named("kind"))


def test_what_was_chosen_stays_chosen(field: Render) -> None:
    form = SampleForm(
        MultiDict([("kind", "b"), ("materials", "x"), ("materials", "y"), ("unit", "m3"), ("agree", "y")])
    )
    assert [a["value"] for a in Elements(field(form.kind)).named("kind") if "checked" in a] == ["b"]
    assert [a["value"] for a in Elements(field(form.materials)).named("materials") if "checked" in a] == ["x", "y"]
    assert 'selected value="m3"' in field(form.unit)
    assert "checked" in Elements(field(form.agree)).named("agree")[0]


def test_a_password_is_not_sent_back(field: Render) -> None:
    assert "secret" not in field(typed(password="secret").password)


def test_what_people_typed_is_not_markup(field: Render) -> None:
    html = field(typed(name='"><script>alert(1)</script>', text="</textarea><b>").name)
    assert "<script>" not in html
    assert "</textarea><b>" not in field(typed(text="</textarea><b>").text)


def test_the_summary_leads_to_every_field_with_an_error() -> None:
    form = typed(mass="much")
    summary = get_template_attribute("components/forms.html", "form_errors")(form)
    fields = "".join(get_template_attribute("components/forms.html", "field")(f) for f in form)
    targets = {a["href"].lstrip("#") for tag, a in Elements(summary).found if tag == "a"}  # type: ignore[union-attr]
    assert {"name", "mass", "kind-0", "agree"} <= targets
    assert targets <= Elements(fields).ids()


def test_the_summary_counts_what_must_be_put_right() -> None:
    form = SampleForm()
    form.name.errors = ["Say the name."]
    summary = get_template_attribute("components/forms.html", "form_errors")
    assert "One thing must be put right" in summary(form)
    form.form_errors.append("The period is over.")
    assert "2 things must be put right" in summary(form)
    assert "The period is over." in summary(form)


def test_a_form_without_errors_has_no_summary() -> None:
    assert get_template_attribute("components/forms.html", "form_errors")(SampleForm()).strip() == ""


def test_a_row_of_a_list_names_its_listing_for_the_map() -> None:
    from marketplace.web.styleguide import SAMPLES

    card = get_template_attribute("components/cards.html", "listing_card")
    for sample in SAMPLES:
        html = card(sample, "/listings/1", sample.distance_m)
        assert f'data-listing-id="{sample.id}"' in html
        assert ("Example" in html) is sample.is_example
        assert ("Surplus" if sample.kind == "surplus" else "Demand") in html


def test_facts_without_a_value_are_left_out() -> None:
    html = get_template_attribute("components/lists.html", "facts")(
        [("Mass", "20 t"), ("Fraction", None), ("Text", "")]
    )
    assert html.count("<dt>") == 1


def test_every_reason_says_in_words_whether_it_fits() -> None:
    term = get_template_attribute("components/lists.html", "term")
    words = [Elements(term(state, "Period")).found for state in ("ok", "treatment", "miss", "unknown")]
    assert [next(a["aria-label"] for _, a in found if "aria-label" in a) for found in words] == [
        "Fits",
        "Fits after treatment",
        "Does not fit",
        "Not known",
    ]
