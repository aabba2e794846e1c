"""What is asked on a lot's quality page: statements, and natural background. Shape only."""

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import RadioField, SelectField
from wtforms.fields import SelectChoice

from geo.proof import DeclarationKind
from marketplace.forms.fields import DateField, DecimalField, LineField, Required, TextAreaField
from marketplace.models import Document
from marketplace.quality_messages import STATEMENTS, WHY
from marketplace.services.declarations import StatedBackground, Statement

YES, NO, UNANSWERED = "yes", "no", ""


def _answer(kind: DeclarationKind) -> RadioField:
    return RadioField(
        _l(STATEMENTS[kind]),
        choices=[SelectChoice(YES, _l("Yes")), SelectChoice(NO, _l("No"))],
        description=_l(WHY[kind]),
        validate_choice=False,
    )


def _basis() -> LineField:
    return LineField(_l("What it rests on"))


def id_or_none(value: Any) -> int | None:
    return int(value) if value else None


class StatementsForm(FlaskForm):
    """An answer a kind, named by it, and its basis; who answers and when is said once for all of them."""

    virgin_area = _answer(DeclarationKind.VIRGIN_AREA)
    virgin_basis = TextAreaField(_l("What shows that the area is unpolluted?"))
    document_id = SelectField(
        _l("Document that shows it"),
        coerce=id_or_none,
        choices=[],
        validate_choice=False,
        invalid_value_message=_l("Choose one of the documents of this listing."),
    )
    not_acid_forming = _answer(DeclarationKind.NOT_ACID_FORMING)
    not_acid_forming_basis = _basis()
    alien_species = _answer(DeclarationKind.ALIEN_SPECIES)
    alien_species_basis = _basis()
    farmland_pests = _answer(DeclarationKind.FARMLAND_PESTS)
    farmland_pests_basis = _basis()
    no_plant_waste = _answer(DeclarationKind.NO_PLANT_WASTE)
    no_plant_waste_basis = _basis()
    no_foreign_parts = _answer(DeclarationKind.NO_FOREIGN_PARTS)
    no_foreign_parts_basis = _basis()
    no_coating = _answer(DeclarationKind.NO_COATING)
    no_coating_basis = _basis()
    flakes_stored_since = DateField(_l("The flakes have been stored since"))
    stated_by = LineField(_l("Who answers for it"), [Required(_l("Enter the name of whoever answers for it."))])
    stated_on = DateField(_l("Day"), [Required(_l("Enter the day, today or earlier."))])

    def offer(self, documents: Iterable[Document]) -> None:
        self.document_id.choices = document_choices(documents)

    def statements(self, kinds: Iterable[DeclarationKind]) -> Iterator[Statement]:
        """What was answered, of the kinds that were asked."""
        for kind in kinds:
            statement = self._statement(kind)
            if statement is not None:
                yield statement

    def _statement(self, kind: DeclarationKind) -> Statement | None:
        who, day = self.stated_by.data, self.stated_on.data
        if kind is DeclarationKind.FLAKES_STORED_SINCE:
            since: date | None = self.flakes_stored_since.data
            return None if since is None else Statement(kind=kind, stated_by=who, stated_on=day, since_on=since)
        answer = self[kind.value].data
        if answer not in (YES, NO):
            return None
        is_origin = kind is DeclarationKind.VIRGIN_AREA
        basis = self.virgin_basis if is_origin else self[f"{kind.value}_basis"]
        return Statement(
            kind=kind,
            is_confirmed=answer == YES,
            basis=basis.data or "",
            stated_by=who,
            stated_on=day,
            document_id=self.document_id.data if is_origin else None,
        )


class BackgroundForm(FlaskForm):
    """The documented natural background of one inorganic parameter."""

    parameter = SelectField(_l("Parameter"), choices=[], validate_choice=False)
    background_mg_kg = DecimalField(
        _l("Natural background"), [Required(_l("Enter a content above zero, in mg/kg."))], has_groups=False
    )
    document_id = SelectField(
        _l("Document that shows it"),
        [Required(_l("Choose the document that shows it."))],
        coerce=id_or_none,
        choices=[],
        validate_choice=False,
        invalid_value_message=_l("Choose one of the documents of this listing."),
    )
    stated_by = LineField(_l("Who answers for it"), [Required(_l("Enter the name of whoever answers for it."))])
    stated_on = DateField(_l("Day"), [Required(_l("Enter the day, today or earlier."))])

    def offer(self, documents: Iterable[Document], parameters: Iterable[tuple[str, str]]) -> None:
        self.document_id.choices = document_choices(documents)
        self.parameter.choices = [SelectChoice(code, name) for code, name in parameters]

    @property
    def stated(self) -> StatedBackground:
        """What was stated, once the form is valid."""
        assert self.background_mg_kg.data is not None
        return StatedBackground(
            parameter=self.parameter.data or "",
            background_mg_kg=self.background_mg_kg.data,
            document_id=self.document_id.data,
            stated_by=self.stated_by.data,
            stated_on=self.stated_on.data,
        )


def document_choices(documents: Iterable[Document]) -> list[SelectChoice]:
    return [
        SelectChoice("", _l("No document")),
        *(SelectChoice(str(each.id), each.title or each.file_name) for each in documents),
    ]
