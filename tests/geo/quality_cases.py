"""Samples for the tests of quality, in few words."""

from decimal import Decimal

from geo.materials import taxonomy
from geo.proof import Medium
from geo.quality import Judgement, LabValue, Sample, classify

CLEAN_SOIL = {
    "As": "2",
    "Pb": "10",
    "Cd": "0.2",
    "Cr": "20",
    "Cu": "15",
    "Hg": "0.05",
    "Ni": "15",
    "Zn": "50",
    "PAH16": "0.5",
    "BaP": "0.03",
    "PCB7": "0.002",
}
"""The whole basic suite, well within class 1."""
CLEAN_CONCRETE = CLEAN_SOIL | {"Cr6": "1"}
CLEAN_COATING = {"PCB7": "0.005", "Pb": "30", "Cd": "0.5", "Hg": "0.1"}
PCBS = ("PCB28", "PCB52", "PCB101", "PCB118", "PCB138", "PCB153", "PCB180")


def value(parameter: str, written: str) -> LabValue:
    """`<0.5` is below it."""
    return LabValue(parameter=parameter, value_mg_kg=Decimal(written.lstrip("<")), is_below=written.startswith("<"))


def sample(
    name: str = "P1", medium: Medium = Medium.MASS, base: dict[str, str] | None = None, **changed: str
) -> Sample:
    """A clean sample with some values changed, or left out by None; `C12_C35` stands for C12-C35."""
    base = CLEAN_SOIL if base is None else base
    values = base | {code.replace("_", "-"): written for code, written in changed.items()}
    return Sample(
        name=name,
        medium=medium,
        values=tuple(value(code, written) for code, written in values.items() if written is not None),
    )


def judge(material: str, *samples: Sample, **kwargs: object) -> Judgement:
    return classify(taxonomy().material(material), samples, **kwargs)
