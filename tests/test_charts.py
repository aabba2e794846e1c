"""Charts: what they draw, that they say it in words, and that their colours can be told apart."""

from decimal import Decimal
from itertools import pairwise
from math import dist
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace import charts
from marketplace.charts import Bar, Chart, Paint, Series
from tests.web.test_palette import DEFICIENCIES, Colour, cielab, seen_with

SVG = "{http://www.w3.org/2000/svg}"


def say(value: Decimal) -> str:
    return f"{value:,.0f}"


def series(*values: int, name: str = "Ut", paint: Paint = charts.OUT) -> Series:
    return Series(name=name, paint=paint, values=tuple(map(Decimal, values)))


def columns(*several: Series) -> Chart:
    labels = [f"m{n}" for n in range(len(several[0].values))]
    return charts.columns("try", title="By month", text="In words", labels=labels, series=several, say=say, unit="t")


def drawn(chart: Chart) -> ElementTree.Element:
    return ElementTree.fromstring(chart.wide)


def heights(chart: Chart, paint: Paint) -> list[float]:
    found = [rect for rect in drawn(chart).iter(f"{SVG}rect") if rect.get("fill") == paint.fill]
    return [float(rect.get("height", 0)) for rect in found]


def test_a_chart_says_what_it_shows() -> None:
    svg = drawn(columns(series(1, 2)))

    title, text = svg.find(f"{SVG}title"), svg.find(f"{SVG}desc")
    assert (title is not None and title.text, text is not None and text.text) == ("By month", "In words")
    assert svg.get("role") == "img"
    assert svg.get("aria-labelledby") == "chart-try-wide-title chart-try-wide-text"


def test_the_two_widths_have_names_of_their_own() -> None:
    chart = columns(series(1, 2))

    assert 'id="chart-try-narrow-title"' in chart.narrow
    assert 'id="chart-try-wide-title"' not in chart.narrow


def test_what_people_wrote_is_not_markup() -> None:
    chart = charts.bars("try", title="<b>", text="&", rows=[Bar(name="<script>", value=Decimal(1))], say=say)

    assert "<script>" not in chart.wide
    assert "&lt;script&gt;" in chart.wide


def test_columns_are_as_high_as_their_figures() -> None:
    one, two = heights(columns(series(100, 200)), charts.OUT)

    assert two == pytest.approx(2 * one, rel=0.01)


def test_stacked_figures_stand_upon_one_another() -> None:
    chart = columns(series(60), series(40, name="Inn", paint=charts.IN))

    lower, upper = (
        next(
            rect
            for rect in drawn(chart).iter(f"{SVG}rect")
            if rect.get("fill") == paint.fill and float(rect.get("y", 0)) > 30
        )
        for paint in (charts.OUT, charts.IN)
    )
    assert float(upper.get("y", 0)) + float(upper.get("height", 0)) == pytest.approx(
        float(lower.get("y", 0)), abs=0.6
    )  # an edge lies half a pixel within


def test_a_negative_figure_hangs_below_zero() -> None:
    svg = drawn(columns(series(50, -50)))

    above, below = (rect for rect in svg.iter(f"{SVG}rect") if rect.get("fill") == charts.OUT.fill)
    assert float(below.get("y", 0)) == pytest.approx(float(above.get("y", 0)) + float(above.get("height", 0)), abs=0.2)


def test_a_line_has_a_band_from_its_low_to_its_high_figures() -> None:
    ranged = Series(
        name="CO2e",
        paint=charts.PLAIN,
        values=(Decimal(5), Decimal(6)),
        low=(Decimal(3), Decimal(4)),
        high=(Decimal(9), Decimal(9)),
    )

    chart = charts.lines("try", title="T", text="t", labels=["a", "b"], series=[ranged], say=say, unit="kg")

    points = next(drawn(chart).iter(f"{SVG}polygon")).get("points", "").split()
    assert len(points) == 4


def test_shares_are_as_long_as_their_parts_of_the_whole() -> None:
    parts = [Bar(name="a", value=Decimal(3)), Bar(name="b", value=Decimal(1), paint=charts.OUT)]

    svg = drawn(charts.shares("try", title="T", text="t", parts=parts, say=say))

    long, short = (float(rect.get("width", 0)) + 2 for rect in svg.iter(f"{SVG}rect") if rect.get("height") == "40")
    assert long == pytest.approx(3 * short, rel=0.01)


@pytest.mark.parametrize("values", [(), (0,), (0, 0, 0)])
def test_nothing_can_be_drawn_too(values: tuple[int, ...]) -> None:
    assert drawn(columns(series(*values))) is not None
    assert drawn(charts.bars("try", title="T", text="t", rows=[], say=say)) is not None
    assert (
        drawn(charts.shares("try", title="T", text="t", parts=[Bar(name="a", value=Decimal(0))], say=say)) is not None
    )


figures = st.decimals(-(10**9), 10**9, places=3)


@given(figures, figures)
def test_the_axis_holds_every_figure_and_zero_in_round_steps(one: Decimal, other: Decimal) -> None:
    low, high = sorted((one, other))

    ticks = charts._ticks(low, high)

    assert ticks[0] <= min(low, Decimal(0)) <= max(high, Decimal(0)) <= ticks[-1]
    assert 0 in ticks
    assert 2 <= len(ticks) <= 8
    assert len({later - earlier for earlier, later in pairwise(ticks)}) == 1


@given(st.lists(st.tuples(figures, st.decimals(0, 1000, places=1), st.decimals(0, 1000, places=1)), max_size=40))
def test_every_chart_is_well_formed(rows: list[tuple[Decimal, Decimal, Decimal]]) -> None:
    ranged = Series(
        name="Å < B",
        paint=charts.LEVELS["undocumented"],
        values=tuple(value for value, _, _ in rows),
        low=tuple(value - down for value, down, _ in rows),
        high=tuple(value + up for value, _, up in rows),
    )
    labels = [str(n) for n in range(len(rows))]
    drawn(charts.columns("a", title="T", text="t", labels=labels, series=[ranged, ranged], say=say, unit="t"))
    drawn(charts.lines("b", title="T", text="t", labels=labels, series=[ranged], say=say, unit="t"))
    bars = [Bar(name="x", value=value, low=value - down, high=value + up) for value, down, up in rows]
    drawn(charts.bars("c", title="T", text="t", rows=bars, say=say))


# Colours --------------------------------------------------------------------------------------------------------------


def linear(paint: Paint) -> Colour:
    channels = [int(paint.fill[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return red, green, blue


BESIDE_EACH_OTHER = (*pairwise(charts.LEVELS.values()), (charts.OUT, charts.WITHIN), (charts.WITHIN, charts.IN))


@pytest.mark.parametrize("deficiency", [None, *DEFICIENCIES])
@pytest.mark.parametrize(("one", "other"), BESIDE_EACH_OTHER)
def test_what_lies_beside_each_other_can_be_told_apart(deficiency: str | None, one: Paint, other: Paint) -> None:
    a, b = (cielab(seen_with(deficiency, linear(paint)) if deficiency else linear(paint)) for paint in (one, other))

    assert dist(a, b) > 15 or one.is_hatched != other.is_hatched
    assert abs(a[0] - b[0]) > 9 or one.is_hatched != other.is_hatched  # also on grey paper


def test_a_line_and_its_band_break_where_a_month_is_held_back() -> None:
    values = (Decimal(10), Decimal(12), None, Decimal(8))
    held_back = Series(name="CO2e", paint=charts.PLAIN, values=values, low=values, high=values)
    labels = ["Jan", "Feb", "Mar", "Apr"]
    drawn = charts.lines("gap", title="By month", text="", labels=labels, series=[held_back], say=say, unit="kg").wide
    assert [drawn.count(f"<{shape} ") for shape in ("polyline", "polygon", "circle")] == [2, 2, 3]
