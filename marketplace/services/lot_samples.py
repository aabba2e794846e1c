"""The samples of a lot over all its reports: a laboratory often reports metals in one file and PAH and PCB in another.

What bears the same name is the same sample, and has the results of every report. Where reports differ about a
parameter it lies between what they say, and so counts by the worse.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from geo.proof import Medium
from geo.quality import LabValue, Sample
from marketplace.models import LabReport, LabSample


@dataclass(frozen=True, slots=True, kw_only=True)
class LotSample:
    """A sample with all that is known of it."""

    sample: Sample
    layer: str | None

    @property
    def medium(self) -> Medium:
        return self.sample.medium


def lot_samples(reports: Iterable[LabReport]) -> tuple[LotSample, ...]:
    """The samples of these reports, each once, in the order in which they were first reported.

    Samples of one name that are said to come from different layers are different samples.
    """
    named: dict[tuple[str, Medium], list[LabSample]] = {}
    for row in (each for report in reports for each in report.samples):
        named.setdefault((_folded(row.name), Medium(row.medium)), []).append(row)
    return tuple(_merged(same) for rows in named.values() for same in _by_layer(rows))


def _by_layer(rows: Sequence[LabSample]) -> Iterable[Sequence[LabSample]]:
    """One without a layer belongs to the only layer that is named; where there are several, to none of them."""
    layers: dict[str, list[LabSample]] = {}
    for row in rows:
        layers.setdefault(_folded(row.layer or ""), []).append(row)
    if len(layers.keys() - {""}) < 2:
        return (rows,)
    return layers.values()


def _merged(rows: Sequence[LabSample]) -> LotSample:
    """Every result, identical ones once; `classify` takes the worse of those that differ."""
    values = dict.fromkeys(
        LabValue(parameter=value.parameter, value_mg_kg=value.value_mg_kg, is_below=value.is_below)
        for row in rows
        for value in row.values
    )
    sample = Sample(name=rows[0].name, medium=Medium(rows[0].medium), values=tuple(values))
    return LotSample(sample=sample, layer=next((row.layer for row in rows if row.layer), None))


def _folded(text: str) -> str:
    return " ".join(text.split()).casefold()
