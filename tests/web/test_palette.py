"""The material colours can be told apart by everybody, and text can be read upon them."""

import re
from itertools import combinations
from math import dist
from pathlib import Path

import pytest

from marketplace.config import ROOT

TOKENS = (ROOT / "marketplace/static/css/tokens.css").read_text()
SYMBOLS = ROOT / "marketplace/static/js/symbols.js"
GROUPS = ("stone", "soil", "concrete", "asphalt", "other")
Colour = tuple[float, float, float]

# Source: Machado, Oliveira, Fernandes 2009, "A Physiologically-based Model for Simulation of Color Vision Deficiency",
# severity 1.0, applied to linear sRGB.
DEFICIENCIES = {
    "protanopia": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deuteranopia": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    "tritanopia": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
}


def token(name: str) -> Colour:
    """A colour of tokens.css in linear sRGB."""
    found = re.search(rf"--{name}: #([0-9a-f]{{6}});", TOKENS)
    assert found, name
    channels = [int(found[1][i : i + 2], 16) / 255 for i in (0, 2, 4)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return red, green, blue


def luminance(colour: Colour) -> float:
    return 0.2126 * colour[0] + 0.7152 * colour[1] + 0.0722 * colour[2]


def contrast(one: Colour, other: Colour) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def cielab(colour: Colour) -> Colour:
    red, green, blue = (min(1.0, max(0.0, channel)) for channel in colour)
    x = (0.4124 * red + 0.3576 * green + 0.1805 * blue) / 0.95047
    y = luminance((red, green, blue))
    z = (0.0193 * red + 0.1192 * green + 0.9505 * blue) / 1.08883
    fx, fy, fz = (t ** (1 / 3) if t > 0.008856 else 7.787 * t + 16 / 116 for t in (x, y, z))
    return 116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)


def seen_with(deficiency: str, colour: Colour) -> Colour:
    first, second, third = (sum(m * c for m, c in zip(row, colour, strict=True)) for row in DEFICIENCIES[deficiency])
    return first, second, third


@pytest.mark.parametrize("deficiency", DEFICIENCIES)
@pytest.mark.parametrize(("one", "other"), list(combinations(GROUPS, 2)))
def test_groups_differ_for_colour_blind_eyes(deficiency: str, one: str, other: str) -> None:
    a, b = (cielab(seen_with(deficiency, token(f"mf-{group}"))) for group in (one, other))
    assert dist(a, b) > 20  # a difference of 2 can just be seen


@pytest.mark.parametrize(("one", "other"), list(combinations(GROUPS, 2)))
def test_groups_differ_in_greyscale(one: str, other: str) -> None:
    a, b = (cielab(token(f"mf-{group}"))[0] for group in (one, other))
    assert abs(a - b) > 12


@pytest.mark.parametrize("group", GROUPS)
def test_marks_can_be_seen_on_their_group(group: str) -> None:
    assert contrast(token(f"mf-on-{group}"), token(f"mf-{group}")) > 4.5


@pytest.mark.parametrize("scale", ["accent", "neutral", "brand1"])
@pytest.mark.parametrize("surface", ["background-default", "background-tinted", "surface-tinted"])
def test_text_can_be_read_on_every_surface(scale: str, surface: str) -> None:
    on = token(f"ds-color-{scale}-{surface}")
    assert contrast(token(f"ds-color-{scale}-text-default"), on) >= 7
    assert contrast(token(f"ds-color-{scale}-text-subtle"), on) >= 4.5
    assert contrast(token(f"ds-color-{scale}-border-default"), token(f"ds-color-{scale}-surface-default")) >= 3


@pytest.mark.parametrize("scale", ["accent", "neutral", "brand1"])
@pytest.mark.parametrize("state", ["default", "hover", "active"])
def test_text_can_be_read_on_buttons(scale: str, state: str) -> None:
    base = token(f"ds-color-{scale}-base-{state}")
    assert contrast(token(f"ds-color-{scale}-base-contrast-default"), base) >= 4.5


def test_the_map_draws_with_the_same_colours() -> None:
    in_script = dict(re.findall(r'(\w+): \{ fill: "(#[0-9a-f]{6})"', SYMBOLS.read_text()))
    in_style = {group: re.search(rf"--mf-{group}: (#[0-9a-f]{{6}});", TOKENS)[1] for group in GROUPS}  # type: ignore[index]
    assert in_script == in_style


def test_every_stylesheet_keeps_to_own_assets() -> None:
    sheets = sorted(Path(ROOT / "marketplace/static/css").glob("*.css"))
    assert sheets
    for sheet in sheets:
        assert not re.search(r"url\([\"']?(https?:)?//", sheet.read_text()), sheet.name
