"""The preview of a laboratory's table: what each row was understood as, what is wrong, and what will be kept."""

from collections.abc import Mapping, Set
from dataclasses import dataclass
from typing import Any, Final

from geo.errors import LabFault
from geo.lab_tables import LabReading, LabRow, RowStatus
from geo.materials import Material
from geo.proof import Medium
from geo.quality import Sample, classify
from geo.quality_tables import quality_tables
from marketplace.geo_messages import message_of
from marketplace.i18n import translate
from marketplace.i18n_marker import N_
from marketplace.quality_wording import content, level_name, parameter_name
from marketplace.services.lab_drafts import answer_about, key_of

PROBLEMS_SHOWN: Final = 100
ROWS_SHOWN: Final = 3_000
"""A page with more is too heavy for a phone; what is not shown is counted."""

STATUS_TEXTS: Final = {
    RowStatus.UNDERSTOOD: N_("understood"),
    RowStatus.INFORMATIONAL: N_("kept, without a limit"),
    RowStatus.NOT_ANALYSED: N_("not analysed"),
    RowStatus.REPEATED: N_("repeats a row above"),
    RowStatus.NO_SAMPLE: N_("no sample"),
    RowStatus.PROBLEM: N_("cannot be used"),
}

ADDED_UP: Final = N_("added up from its parts")

type _SumKey = tuple[str, Medium, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class RowView:
    line: int
    sample: str
    written: str
    """As it stands in the table: the parameter, the value, the unit."""
    understood: str
    status: str
    problem: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleView:
    """A sample as it will be kept; `index` numbers its fields."""

    index: int
    key: str
    name: str
    is_kept: bool
    medium: Medium
    layer: str
    value_count: int
    level: str
    rows: tuple[RowView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewView:
    samples: tuple[SampleView, ...]
    problems: tuple[RowView, ...]
    problem_count: int
    sheet: str
    """The sheet that was read; "" for what has none."""
    result_count: int
    understood_count: int
    kept_count: int
    without_unit: bool
    """Whether some rows could be used if their unit were known."""
    without_sample: bool
    others: tuple[RowView, ...]
    """Rows of no sample."""


def answers_from(form: Mapping[str, str], reading: LabReading, before: Mapping[str, Any]) -> dict[str, Any]:
    """What the sent preview says of each sample, beside what was said of samples that this table lacks."""
    said = dict(before)
    for index, sample in enumerate(reading.samples):
        if f"seen-{index}" in form and form[f"seen-{index}"] == key_of(sample):
            said[key_of(sample)] = {
                "keep": f"keep-{index}" in form,
                "medium": form.get(f"medium-{index}", Medium.MASS.value),
                "layer": form.get(f"layer-{index}", "").strip()[:40],
            }
    return said


def preview_of(reading: LabReading, *, material: Material, said: Mapping[str, Any]) -> PreviewView:
    by_sample: dict[tuple[str, Medium], list[LabRow]] = {}
    for row in reading.rows:
        by_sample.setdefault((row.sample.casefold(), row.medium), []).append(row)
    has_room = len(reading.rows) <= ROWS_SHOWN
    computed = _computed(reading)
    problems = [row for row in reading.problems if _sum_key(row) not in computed]
    samples = tuple(
        _sample(index, sample, by_sample if has_room else {}, computed=computed, material=material, said=said)
        for index, sample in enumerate(reading.samples)
    )
    codes = {row.problem.code.value for row in problems if row.problem is not None}
    own = {(sample.name.casefold(), sample.medium) for sample in reading.samples}
    left = [row for row in reading.rows if (row.sample.casefold(), row.medium) not in own and row.problem is None]
    return PreviewView(
        samples=samples,
        problems=tuple(_row(row) for row in problems[:PROBLEMS_SHOWN]),
        problem_count=len(problems),
        sheet=reading.sheet,
        result_count=len(reading.rows),
        understood_count=sum(row.value is not None for row in reading.rows),
        kept_count=sum(sample.is_kept for sample in samples),
        without_unit="no_unit" in codes,
        without_sample="no_sample" in codes,
        others=tuple(_row(row) for row in left[:PROBLEMS_SHOWN]),
    )


def _sample(
    index: int,
    sample: Sample,
    by_sample: Mapping[tuple[str, Medium], list[LabRow]],
    *,
    computed: Set[_SumKey],
    material: Material,
    said: Mapping[str, Any],
) -> SampleView:
    answer = answer_about(sample, said)
    medium = Medium(answer["medium"])
    judged = classify(material, [Sample(name=sample.name, values=sample.values, medium=medium)]).samples[0]
    return SampleView(
        index=index,
        key=key_of(sample),
        name=sample.name,
        is_kept=bool(answer["keep"]),
        medium=Medium(answer["medium"]),
        layer=str(answer["layer"]),
        value_count=len(sample.values),
        level=level_name(outcome=judged.outcome, soil_class=judged.soil_class),
        rows=tuple(_row(row, computed) for row in by_sample.get((sample.name.casefold(), sample.medium), [])),
    )


def _sum_key(row: LabRow) -> _SumKey | None:
    """Of a sum that was not detected without a word of how little could have been; None for other rows."""
    if row.problem is None or row.problem.code is not LabFault.NOT_DETECTED_WITHOUT_LOQ or row.parameter is None:
        return None
    return row.sample.casefold(), row.medium, row.parameter.code


def _computed(reading: LabReading) -> frozenset[_SumKey]:
    """The sums that need no value of their own, since the table has all their parts: those are added up."""
    found = {(sample.name.casefold(), sample.medium): sample for sample in reading.samples}
    return frozenset(
        key
        for row in reading.problems
        if (key := _sum_key(row)) is not None and _has_all_parts(found.get(key[:2]), key[2])
    )


def _has_all_parts(sample: Sample | None, code: str) -> bool:
    parts = quality_tables().parts_of(code)
    return sample is not None and bool(parts) and set(parts) <= {value.parameter for value in sample.values}


def _row(row: LabRow, computed: Set[_SumKey] = frozenset()) -> RowView:
    understood = ""
    if row.value is not None:
        sign = "<\N{NARROW NO-BREAK SPACE}" if row.value.is_below else ""
        understood = f"{parameter_name(row.value.parameter)}: {sign}{content(row.value.value_mg_kg)} mg/kg"
    is_computed = _sum_key(row) in computed
    problem = "" if row.problem is None or is_computed else translate(message_of(row.problem), row.problem.params)
    return RowView(
        line=row.line,
        sample=row.sample,
        written=" ".join(part for part in (row.parameter_text, row.value_text, row.unit_text) if part),
        understood=understood,
        status=translate(ADDED_UP if is_computed else STATUS_TEXTS[row.status], {}),
        problem=problem,
    )
