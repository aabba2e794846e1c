"""Forms of a mass-balance plan: one row at a time, a year as a grid, a copied quarter, a target."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, FieldList, Form, FormField, HiddenField, SelectField
from wtforms.fields import SelectChoice

from geo.materials import MaterialGroup, taxonomy
from geo.quarters import Quarter
from marketplace.forms.base import PostedForm
from marketplace.forms.fields import DecimalField, LineField, TextAreaField
from marketplace.labels import label, material_name
from marketplace.plan_values import ACTUALS, NOTHING, PARTS, PlanRange, PlanRowValues

MOST_LINES = 300
"""Lines of a grid; a year of all materials has fewer."""


def quarter_value(quarter: Quarter) -> str:
    return f"{quarter.year}-{quarter.number}"


def quarter_label(quarter: Quarter) -> str:
    return _("Q%(number)s %(year)s", number=quarter.number, year=quarter.year)


def read_quarter(text: str) -> Quarter:
    """The quarter of a choice's value. Raises ValueError: it is none."""
    year, _dash, number = text.partition("-")
    return Quarter(int(year), int(number))


def material_options() -> list[SelectChoice]:
    """Every material under its group, in the visitor's language."""
    return [
        SelectChoice(material.key, material_name(material.key), optgroup=label(group))
        for group in MaterialGroup
        for material in taxonomy().in_group(group)
    ]


class MassesMixin:
    """The nine figures of a row, and how they are read."""

    excavated_low_t = DecimalField(_l("Low"))
    excavated_t = DecimalField(_l("Likely"))
    excavated_high_t = DecimalField(_l("High"))
    reused_low_t = DecimalField(_l("Low"))
    reused_t = DecimalField(_l("Likely"))
    reused_high_t = DecimalField(_l("High"))
    needed_low_t = DecimalField(_l("Low"))
    needed_t = DecimalField(_l("Likely"))
    needed_high_t = DecimalField(_l("High"))

    def range_of(self, part: str) -> PlanRange | None:
        """What was entered for a part; None where nothing was. Raises ValueError: its likely figure is missing."""
        low, likely, high = (self._figure(f"{part}_{end}t") for end in ("low_", "", "high_"))
        return PlanRange.of(low, likely, high)

    def _figure(self, name: str) -> Decimal | None:
        value: Decimal | None = self[name].data  # type: ignore[index]  # of the form that this is mixed into
        return value

    def tell_missing_likely(self) -> None:
        """Say beside the likely figure where only an end of its range was entered."""
        for part in PARTS:
            cells = [self[f"{part}_{end}t"] for end in ("low_", "", "high_")]  # type: ignore[index]
            if any(cell.errors for cell in cells):
                continue
            try:
                self.range_of(part)
            except ValueError:
                cells[1].errors = [_("Enter the likely figure too.")]

    @property
    def full_names(self) -> dict[str, str]:
        """What each figure is called away from its group: `Excavated, likely`."""
        names = {"excavated": _("Excavated"), "reused": _("Reused on site"), "needed": _("Needed in all")}
        return {
            name: f"{names[part]}, {str(self[name].label.text).lower()}"  # type: ignore[index]
            for part in PARTS
            for name in (f"{part}_low_t", f"{part}_t", f"{part}_high_t")
        }

    def masses(self) -> dict[str, Any]:
        return {
            "excavated": self.range_of("excavated") or NOTHING,
            "reused": self.range_of("reused") or NOTHING,
            "needed": self.range_of("needed"),
        }


class PlanRowForm(MassesMixin, PostedForm):
    """One material in one quarter, with what it came to."""

    material_key = SelectField(
        _l("Material"),
        invalid_value_message=_l("Choose a material from the list."),
        invalid_choice_message=_l("Choose a material from the list."),
    )
    time = SelectField(
        _l("Quarter"),
        invalid_value_message=_l("Choose a quarter."),
        invalid_choice_message=_l("Choose a quarter."),
    )
    note = LineField(_l("Note"), description=_l("For your own use, for example which part of the site."))
    actual_excavated_t = DecimalField(_l("Actually excavated"))
    actual_reused_t = DecimalField(_l("Actually reused on site"))
    actual_passed_on_t = DecimalField(_l("Passed on to others"))
    actual_disposed_t = DecimalField(_l("Disposed of in landfill"))
    version = HiddenField()

    def offer(self, quarters: Iterable[Quarter]) -> None:
        self.material_key.choices = [SelectChoice("", _("Choose a material")), *material_options()]
        self.time.choices = [SelectChoice(quarter_value(each), quarter_label(each)) for each in quarters]

    def fix_place(self) -> None:
        """A row that is there already keeps its material and quarter."""
        del self.material_key
        del self.time

    def validate(self, extra_validators: Any = None) -> bool:
        super().validate(extra_validators)
        self.tell_missing_likely()
        if "material_key" in self and not self.material_key.data and not self.material_key.errors:
            self.material_key.errors = [_("Choose a material from the list.")]
        return not self.errors

    def values(self, *, material_key: str, quarter: Quarter) -> PlanRowValues:
        return PlanRowValues(
            material_key=material_key,
            year=quarter.year,
            quarter=quarter.number,
            note=self.note.data or "",
            **self.masses(),
        )

    def actuals(self) -> dict[str, Decimal | None]:
        return {name: self[name].data for name in ACTUALS}


class GridLine(MassesMixin, Form):
    """A line of the grid: a row that is there, or a new one."""

    row_id = HiddenField()
    material_key = SelectField(
        _l("Material"),
        invalid_value_message=_l("Choose a material from the list."),
        invalid_choice_message=_l("Choose a material from the list."),
    )
    quarter = SelectField(
        _l("Quarter"),
        choices=[SelectChoice(str(number), str(number)) for number in range(1, 5)],
        invalid_value_message=_l("Choose a quarter."),
        invalid_choice_message=_l("Choose a quarter."),
    )
    is_removed = BooleanField(_l("Remove"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.material_key.choices = [SelectChoice("", _("Material")), *material_options()]

    @property
    def is_blank(self) -> bool:
        """Whether nobody has written anything in a new line."""
        typed = (self[f"{part}_{end}t"] for part in PARTS for end in ("low_", "", "high_"))
        return (
            not self.row_id.data
            and not self.material_key.data
            and not any(str(cell.raw_data[0]).strip() for cell in typed if cell.raw_data)
        )

    @property
    def is_new_and_removed(self) -> bool:
        return bool(self.is_removed.data and not self.row_id.data)

    def validate(self, extra_validators: Any = None) -> bool:
        if self.is_blank or self.is_removed.data:
            return True
        super().validate(extra_validators)
        self.tell_missing_likely()
        if not self.material_key.data and not self.material_key.errors:
            self.material_key.errors = [_("Choose a material from the list.")]
        return not self.errors

    def values(self, *, year: int) -> PlanRowValues:
        return PlanRowValues(
            material_key=self.material_key.data, year=year, quarter=int(self.quarter.data), **self.masses()
        )


class GridForm(PostedForm):
    """A year of a plan."""

    rows = FieldList(FormField(GridLine), max_entries=MOST_LINES)
    version = HiddenField()

    @property
    def lines(self) -> list[GridLine]:
        return [entry.form for entry in self.rows.entries]


class CopyQuarterForm(PostedForm):
    source = SelectField(_l("From"), invalid_choice_message=_l("Choose a quarter."))
    target = SelectField(_l("To"), invalid_choice_message=_l("Choose a quarter."))

    def offer(self, *, planned: Iterable[Quarter], offered: Iterable[Quarter]) -> None:
        self.source.choices = [SelectChoice(quarter_value(each), quarter_label(each)) for each in planned]
        self.target.choices = [SelectChoice(quarter_value(each), quarter_label(each)) for each in offered]


class TargetForm(PostedForm):
    surplus_target_t = DecimalField(
        _l("Most surplus to leave the site"), description=_l("Empty takes the target away.")
    )
    measures = TextAreaField(
        _l("Measures"), description=_l("What is done to have less surplus, and to use more of it again.")
    )
    version = HiddenField()
