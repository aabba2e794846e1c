"""Laboratory results on their way in: a table to read, what is said of it, or values typed one by one. Shape only."""

from collections.abc import Iterable
from typing import Any

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import FileField, SelectField
from wtforms.fields import SelectChoice

from geo.proof import Medium
from marketplace.forms.fields import DateField, LineField, Required, TextAreaField
from marketplace.forms.quality import document_choices, id_or_none
from marketplace.models import Document
from marketplace.quality_wording import parameter_name
from marketplace.services.lab_results import ReportHead
from marketplace.types import LabSource

UNITS = ("mg/kg TS", "µg/kg TS")
MEDIA = {Medium.MASS: _l("The mass itself"), Medium.COATING: _l("A coating")}
VALUE = "value_"
"""Before the code of a parameter, the name of the field that its value is typed into."""


def medium_choices() -> list[SelectChoice]:
    return [SelectChoice(medium.value, text) for medium, text in MEDIA.items()]


class TableForm(FlaskForm):
    """A file, or cells pasted from a spreadsheet."""

    file = FileField(_l("File from the laboratory"))
    text = TextAreaField(_l("Or paste the table"))


class HeadForm(FlaskForm):
    """What is said of a report as a whole."""

    laboratory = LineField(_l("Laboratory"))
    report_number = LineField(_l("Report number"))
    sampled_on = DateField(_l("Sampled on"))
    document_id = SelectField(
        _l("The report as a document"),
        coerce=id_or_none,
        choices=[],
        validate_choice=False,
        invalid_value_message=_l("Choose one of the documents of this listing."),
    )

    def offer(self, documents: Iterable[Document]) -> None:
        self.document_id.choices = document_choices(documents)

    def head(self, *, source: LabSource, file_name: str | None = None, file_sha256: str | None = None) -> ReportHead:
        return ReportHead(
            source=source,
            laboratory=self.laboratory.data or "",
            report_number=self.report_number.data or "",
            sampled_on=self.sampled_on.data,
            document_id=self.document_id.data,
            file_name=file_name,
            file_sha256=file_sha256,
        )


class PreviewForm(HeadForm):
    """What the preview of a table asks beside its samples."""

    assumed_unit = SelectField(
        _l("Unit of what has none"),
        choices=lambda: [SelectChoice("", _l("Not said")), *(SelectChoice(unit, unit) for unit in UNITS)],
        validate_choice=False,
    )
    sample_name = LineField(_l("Name of a sample that has none"))
    file = FileField(_l("File from the laboratory"))
    text = TextAreaField(_l("Or paste the table"))


class TypedForm(HeadForm):
    """One sample, typed by hand; a field a parameter is added by `typed_form`."""

    sample = LineField(_l("Name of the sample"), [Required(_l("Give the sample a name, as the report calls it."))])
    medium = SelectField(_l("What was sampled"), choices=medium_choices, validate_choice=False)
    layer = LineField(_l("Layer"))
    unit = SelectField(_l("Unit"), choices=lambda: [SelectChoice(unit, unit) for unit in UNITS], validate_choice=False)

    codes: tuple[str, ...] = ()


def typed_form(codes: tuple[str, ...], **data: Any) -> TypedForm:
    """A form with a field for each of these parameters."""
    fields = {f"{VALUE}{code}": LineField(parameter_name(code)) for code in codes}
    form: TypedForm = type("TypedForm", (TypedForm,), {**fields, "codes": codes})(data=data)
    return form
