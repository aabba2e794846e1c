"""What the taker of a deal is asked of recovery. The files themselves are read by the view."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import wtforms
from flask_babel import lazy_gettext as _l
from wtforms.fields import SelectChoice

from marketplace.forms.base import PostedForm
from marketplace.forms.documents import FILES
from marketplace.forms.fields import TextAreaField
from marketplace.models import RecoveryAnswer
from marketplace.recovery_wording import HINTS, QUESTIONS, TITLES
from marketplace.services.recovery import Answer, EvidenceFile
from marketplace.types import RecoveryTest

YES: Final = "yes"
NO: Final = "no"


def _holds(test: RecoveryTest) -> wtforms.RadioField:
    return wtforms.RadioField(
        _l(QUESTIONS[test]),
        choices=[SelectChoice(YES, _l("Yes")), SelectChoice(NO, _l("No"))],
        description=_l(HINTS[test]),
        validate_choice=False,
    )


def _evidence() -> TextAreaField:
    return TextAreaField(_l("What shows it, or why not"))


def _file() -> wtforms.FileField:
    return wtforms.FileField(
        _l("Document that shows it"),
        description=_l("PDF, XLSX, DOCX, CSV or a picture, at most 25 MB. Only the two sides of the deal can open it."),
        render_kw={"accept": FILES},
    )


def _drop() -> wtforms.BooleanField:
    return wtforms.BooleanField(_l("The answer no longer rests on this document"))


class RecoveryForm(PostedForm):
    """An answer a test, named by it."""

    upload_id = wtforms.HiddenField()
    carried_out_regardless_holds = _holds(RecoveryTest.CARRIED_OUT_REGARDLESS)
    carried_out_regardless_evidence = _evidence()
    carried_out_regardless_file = _file()
    carried_out_regardless_drop = _drop()
    quantity_matches_need_holds = _holds(RecoveryTest.QUANTITY_MATCHES_NEED)
    quantity_matches_need_evidence = _evidence()
    quantity_matches_need_file = _file()
    quantity_matches_need_drop = _drop()
    suitable_holds = _holds(RecoveryTest.SUITABLE)
    suitable_evidence = _evidence()
    suitable_file = _file()
    suitable_drop = _drop()

    @property
    def full_names(self) -> dict[str, Any]:
        """What the summary of errors calls the fields whose label says enough only under its question."""
        return {f"{test}_{part}": _l(TITLES[test]) for test in RecoveryTest for part in ("evidence", "file", "drop")}

    def answers(self, files: Mapping[RecoveryTest, EvidenceFile]) -> tuple[Answer, ...]:
        return tuple(self._answer(test, files.get(test)) for test in RecoveryTest)

    def _answer(self, test: RecoveryTest, file: EvidenceFile | None) -> Answer:
        said = self[f"{test}_holds"].data
        return Answer(
            test=test,
            holds=said == YES if said in (YES, NO) else None,
            evidence=self[f"{test}_evidence"].data or "",
            file=file,
            keeps_document=not self[f"{test}_drop"].data,
        )


def said_before(answers: Iterable[RecoveryAnswer]) -> dict[str, object]:
    """What the form starts with."""
    data: dict[str, object] = {}
    for each in answers:
        data[f"{each.test}_holds"] = YES if each.holds else NO
        data[f"{each.test}_evidence"] = each.evidence
    return data
