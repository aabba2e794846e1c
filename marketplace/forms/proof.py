"""How the poster of a surplus knows that it is clean, asked in the listing form itself: shape only."""

from collections.abc import Iterator
from datetime import date
from enum import StrEnum
from typing import Any

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import BooleanField, Field, RadioField
from wtforms.fields import SelectChoice

from geo.declarations import may_be_declared
from geo.materials import Material, taxonomy
from geo.proof import DeclarationKind
from marketplace.forms.fields import LineField, TextAreaField
from marketplace.i18n_marker import N_
from marketplace.quality_messages import STATEMENTS
from marketplace.services.declarations import Statement
from marketplace.services.quality import asked_of
from marketplace.types import ListingKind

ASKED = tuple(
    kind for kind in DeclarationKind if kind not in (DeclarationKind.VIRGIN_AREA, DeclarationKind.FLAKES_STORED_SINCE)
)
"""What is a box to tick."""


class CleanBy(StrEnum):
    """How the poster knows."""

    LAB = "lab"
    ORIGIN = "origin"


CLEAN_BY_LABELS = {
    CleanBy.LAB: N_("Laboratory results"),
    CleanBy.ORIGIN: N_("They come from an unpolluted area"),
}


def _tick(kind: DeclarationKind) -> BooleanField:
    return BooleanField(_l(STATEMENTS[kind]))


class ProofFields(FlaskForm):
    """Fields of the listing form that only a surplus asks for. Boxes are named by what they state."""

    clean_by = RadioField(
        _l("How do you know that the masses are clean?"),
        choices=[SelectChoice(member.value, _l(text)) for member, text in CLEAN_BY_LABELS.items()],
        validate_choice=False,
    )
    virgin_basis = TextAreaField(_l("What shows that the area is unpolluted?"))
    stated_by = LineField(_l("Who answers for it"))
    not_acid_forming = _tick(DeclarationKind.NOT_ACID_FORMING)
    alien_species = _tick(DeclarationKind.ALIEN_SPECIES)
    farmland_pests = _tick(DeclarationKind.FARMLAND_PESTS)
    no_plant_waste = _tick(DeclarationKind.NO_PLANT_WASTE)
    no_foreign_parts = _tick(DeclarationKind.NO_FOREIGN_PARTS)
    no_coating = _tick(DeclarationKind.NO_COATING)

    wants_publishing = False
    """Whether it was sent by the button that publishes."""

    @property
    def material(self) -> Material | None:
        field: Any = self["material_key"]
        return taxonomy().materials.get(field.data or "")

    @property
    def is_surplus(self) -> bool:
        field: Any = self["kind"]
        return bool(field.data == ListingKind.SURPLUS)

    @property
    def by_origin(self) -> bool:
        return self.is_surplus and self.clean_by.data == CleanBy.ORIGIN

    @property
    def by_lab(self) -> bool:
        """Whether results are what it rests on; the only answer where a material cannot be declared."""
        material = self.material
        needs_samples = material is not None and not may_be_declared(material)
        return self.is_surplus and (self.clean_by.data == CleanBy.LAB or (needs_samples and not self.clean_by.data))

    def proof_fields(self) -> tuple[Field, ...]:
        boxes = (self[kind.value] for kind in ASKED)
        return (self.clean_by, self.virgin_basis, self.stated_by, *boxes)

    def ask_for_proof(self) -> None:
        """Where a surplus is to be published and nobody has said how it is known to be clean, ask."""
        if self.is_surplus and not (self.by_origin or self.by_lab):
            self.clean_by.errors = [str(_l("Choose how you know that the masses are clean."))]

    def statements(self, *, today: date) -> Iterator[Statement]:
        """What was stated and counts for this material."""
        material = self.material
        if material is None or not self.is_surplus:
            return
        who = self.stated_by.data or ""
        for kind in asked_of(material):
            if self.by_origin and self[kind.value].data:
                yield Statement(kind=kind, stated_by=who, stated_on=today)
        if self.by_origin:
            basis = self.virgin_basis.data or ""
            yield Statement(kind=DeclarationKind.VIRGIN_AREA, stated_by=who, stated_on=today, basis=basis)
