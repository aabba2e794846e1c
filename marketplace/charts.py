"""Charts as SVG, drawn on the server: they need no script, print as they look, and go into a PDF as they are.

Each is drawn twice, for a wide and for a narrow column, so that its words are as large as the page's on a phone too.
Everything a chart shows is also said by its title and description, and by the table that stands beside it; what its
colours tell apart differs in lightness or hatch as well (tests/web/test_palette.py).

Numbers come in with the function that writes them in the reader's language. A chart adds nothing up.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from functools import partial
from typing import Final, Literal

from markupsafe import Markup, escape

WIDE_PX: Final = 600
NARROW_PX: Final = 342
"""What is left of a phone of 390 px between its margins."""
TEXT_PX: Final = 13
SMALL_PX: Final = 12
CHAR_PX: Final = 6.7
"""About how wide a character of the text is."""

INK: Final = "#142021"
SUBTLE: Final = "#535a5a"
HAIRLINE: Final = "#d3d9d8"
FONT: Final = "Inter, system-ui, sans-serif"

type Say = Callable[[Decimal], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Paint:
    """What an area is filled with; an edge where the filling is pale."""

    fill: str
    edge: str | None = None
    is_hatched: bool = False


OUT: Final = Paint(fill="#024b4f")
WITHIN: Final = Paint(fill="#c6d645", edge="#576300")
IN: Final = Paint(fill="#6fa8ab", edge="#2f6f73")
SURPLUS: Final = OUT
DEMAND: Final = Paint(fill="#fdf6ea", edge="#9a5f0d")
ROOM: Final = Paint(fill="#8a6d00")
PLAIN: Final = Paint(fill="#12676c")
LEVELS: Final = {
    "reuse_on_site": Paint(fill="#023538"),
    "reuse": Paint(fill="#12676c"),
    "recycling": Paint(fill="#6fa8ab", edge="#2f6f73"),
    "backfilling": Paint(fill="#dfc894", edge="#7d6428"),
    "disposal": Paint(fill="#8f3d12"),
    "undocumented": Paint(fill="#e3e7e6", edge="#6d7675", is_hatched=True),
    "pending": Paint(fill="#ffffff", edge="#6d7675"),
}
"""By `geo.pyramid.Level`: the better the deeper, disposal apart from them all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """A figure for each label, None where it is held back; with a range where `low` and `high` are given."""

    name: str
    paint: Paint
    values: tuple[Decimal | None, ...]
    low: tuple[Decimal | None, ...] | None = None
    high: tuple[Decimal | None, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One figure with its name; with a range where `low` and `high` are given."""

    name: str
    value: Decimal
    paint: Paint = PLAIN
    low: Decimal | None = None
    high: Decimal | None = None
    note: str = ""
    """Stands behind the figure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A drawing in both widths."""

    key: str
    title: str
    text: str
    """What it shows, in words."""
    wide: Markup
    narrow: Markup


def columns(
    key: str, *, title: str, text: str, labels: Sequence[str], series: Sequence[Series], say: Say, unit: str
) -> Chart:
    """Columns over time, stacked: what is above zero upward, what is below it downward."""
    return _both(
        key, title, text, partial(_over_time, labels=labels, series=series, say=say, unit=unit, kind="columns")
    )


def lines(
    key: str, *, title: str, text: str, labels: Sequence[str], series: Sequence[Series], say: Say, unit: str
) -> Chart:
    """Lines over time, each with a band from its low to its high figures."""
    return _both(key, title, text, partial(_over_time, labels=labels, series=series, say=say, unit=unit, kind="lines"))


def bars(key: str, *, title: str, text: str, rows: Sequence[Bar], say: Say) -> Chart:
    """A bar for each row, its name and figure above it, with a line from its low to its high figure."""
    return _both(key, title, text, partial(_bars, rows=rows, say=say))


def shares(key: str, *, title: str, text: str, parts: Sequence[Bar], say: Say) -> Chart:
    """One bar cut into its parts, which are named beneath it; `note` is the share. Parts of nothing are only named."""
    return _both(key, title, text, partial(_shares, parts=parts, say=say))


# Pieces ---------------------------------------------------------------------------------------------------------------


def _both(key: str, title: str, text: str, draw: Callable[..., tuple[list[str], float]]) -> Chart:
    drawn = {}
    for name, width in (("wide", WIDE_PX), ("narrow", NARROW_PX)):
        own = f"chart-{key}-{name}"
        parts, height = draw(own, width=width)
        drawn[name] = Markup(  # noqa: S704 - every text in it is escaped where it is written
            f'<svg xmlns="http://www.w3.org/2000/svg" class="mf-chart__{name}" role="img"'
            f' viewBox="0 0 {width} {_px(height)}" width="{width}" height="{_px(height)}"'
            f' aria-labelledby="{own}-title {own}-text" font-family="{FONT}" font-size="{TEXT_PX}" fill="{INK}">'
            f'<title id="{own}-title">{escape(title)}</title><desc id="{own}-text">{escape(text)}</desc>'
            f"{''.join(parts)}</svg>"
        )
    return Chart(key=key, title=title, text=text, wide=drawn["wide"], narrow=drawn["narrow"])


def _px(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _text(x: float, y: float, words: str, *, anchor: str = "start", size: int = TEXT_PX, **more: str) -> str:
    extra = "".join(f' {name.replace("_", "-")}="{value}"' for name, value in more.items())
    return f'<text x="{_px(x)}" y="{_px(y)}" text-anchor="{anchor}" font-size="{size}"{extra}>{escape(words)}</text>'


def _line(x1: float, y1: float, x2: float, y2: float, *, stroke: str = HAIRLINE, width: float = 1) -> str:
    return (
        f'<line x1="{_px(x1)}" y1="{_px(y1)}" x2="{_px(x2)}" y2="{_px(y2)}" stroke="{stroke}" stroke-width="{width}"/>'
    )


def _area(own: str, paint: Paint, *, x: float, y: float, width: float, height: float) -> str:
    """A rectangle in a paint; its edge lies inside it."""
    if paint.edge and min(width, height) > 2:
        x, y, width, height = x + 0.5, y + 0.5, width - 1, height - 1
    edge = f' stroke="{paint.edge}"' if paint.edge else ""
    fill = f"url(#{own}-hatch)" if paint.is_hatched else paint.fill
    return (
        f'<rect x="{_px(x)}" y="{_px(y)}" width="{_px(max(width, 0))}" height="{_px(max(height, 0))}"'
        f' fill="{fill}"{edge}/>'
    )


def _hatch(own: str, paints: Iterable[Paint]) -> list[str]:
    hatched = next((paint for paint in paints if paint.is_hatched), None)
    if hatched is None:
        return []
    return [
        f'<defs><pattern id="{own}-hatch" width="6" height="6" patternUnits="userSpaceOnUse"'
        f' patternTransform="rotate(45)"><rect width="6" height="6" fill="{hatched.fill}"/>'
        f'<line x1="0" y1="0" x2="0" y2="6" stroke="{hatched.edge}" stroke-width="2"/></pattern></defs>'
    ]


def _ticks(low: Decimal, high: Decimal, *, most: int = 5) -> list[Decimal]:
    """Round figures from below `low` to above `high`, zero among them."""
    low, high = min(low, Decimal(0)), max(high, Decimal(0))
    if low == high:
        return [Decimal(0), Decimal(1)]
    rough = (high - low) / most
    power = Decimal(1).scaleb(rough.adjusted())
    step = next(
        each * power
        for each in (Decimal(1), Decimal(2), Decimal("2.5"), Decimal(5), Decimal(10))
        if each * power >= rough
    )
    first = (low / step).to_integral_value(rounding=ROUND_FLOOR)
    last = (high / step).to_integral_value(rounding=ROUND_CEILING)
    return [step * n for n in range(int(first), int(last) + 1)]


def _legend(own: str, series: Sequence[Series], *, x: float, y: float, width: float) -> tuple[list[str], float]:
    """Names beside their colours, in as many lines as they need; how high that is."""
    parts: list[str] = []
    at = x
    for each in series:
        needed = 20 + CHAR_PX * len(each.name) + 18
        if at > x and at + needed > x + width:
            at, y = x, y + 20
        parts.append(_area(own, each.paint, x=at, y=y - 10, width=13, height=11))
        parts.append(_text(at + 19, y, each.name, fill=SUBTLE))
        at += needed
    return parts, y


# Over time ------------------------------------------------------------------------------------------------------------


def _over_time(
    own: str,
    *,
    width: float,
    labels: Sequence[str],
    series: Sequence[Series],
    say: Say,
    unit: str,
    kind: Literal["columns", "lines"],
) -> tuple[list[str], float]:
    low, high = _stacked_reach(series) if kind == "columns" else _reach(series)
    ticks = _ticks(low, high)
    written = [say(tick) for tick in ticks]
    left = max(28.0, 10 + CHAR_PX * max(map(len, written)))
    parts, legend_y = _legend(own, series, x=0, y=12, width=width) if len(series) > 1 else ([], -8.0)
    parts = [*_hatch(own, (each.paint for each in series)), *parts]
    top = legend_y + 34
    height = 210.0 if width > 500 else 180.0
    base, right = top + height, width - 6

    def y_of(value: Decimal) -> float:
        return base - height * float((value - ticks[0]) / (ticks[-1] - ticks[0]))

    parts.append(_text(0, top - 12, unit, size=SMALL_PX, fill=SUBTLE))
    for tick, words in zip(ticks, written, strict=True):
        y = y_of(tick)
        parts.append(_line(left, y, right, y, stroke=INK if tick == 0 else HAIRLINE))
        parts.append(_text(left - 6, y + 4, words, anchor="end", size=SMALL_PX, fill=SUBTLE))
    step = (right - left) / max(len(labels), 1)
    centres = [left + step * (n + 0.5) for n in range(len(labels))]
    parts += _time_labels(labels, centres, y=base + 18, step=step)
    draw = _stacks if kind == "columns" else _curves
    parts += draw(own, series, centres, step, y_of)
    return parts, base + 26


def _stacked_reach(series: Sequence[Series]) -> tuple[Decimal, Decimal]:
    stacks = [_known(stack) for stack in zip(*(each.values for each in series), strict=True)]
    below = [sum((value for value in stack if value < 0), Decimal(0)) for stack in stacks]
    above = [sum((value for value in stack if value > 0), Decimal(0)) for stack in stacks]
    return min(below, default=Decimal(0)), max(above, default=Decimal(0))


def _reach(series: Sequence[Series]) -> tuple[Decimal, Decimal]:
    figures = _known(value for each in series for value in (*each.values, *(each.low or ()), *(each.high or ())))
    return min(figures, default=Decimal(0)), max(figures, default=Decimal(0))


def _known(values: Iterable[Decimal | None]) -> list[Decimal]:
    """Those that are not held back."""
    return [value for value in values if value is not None]


def _stretches(values: Sequence[Decimal | None]) -> list[range]:
    """Where there are figures one after another, with none held back among them."""
    found: list[range] = []
    for n, value in enumerate(values):
        if value is None:
            continue
        if found and found[-1].stop == n:
            found[-1] = range(found[-1].start, n + 1)
        else:
            found.append(range(n, n + 1))
    return found


def _time_labels(labels: Sequence[str], centres: Sequence[float], *, y: float, step: float) -> list[str]:
    """As many labels as there is room for, always the first."""
    longest = max((len(label) for label in labels), default=1)
    every = max(1, -int(-(CHAR_PX * longest + 8) // step))
    return [
        _text(centre, y, label, anchor="middle", size=SMALL_PX, fill=SUBTLE)
        for n, (label, centre) in enumerate(zip(labels, centres, strict=True))
        if n % every == 0
    ]


def _stacks(
    own: str, series: Sequence[Series], centres: Sequence[float], step: float, y_of: Callable[[Decimal], float]
) -> list[str]:
    parts: list[str] = []
    thick = min(step * 0.7, 44)
    for n, centre in enumerate(centres):
        up = down = Decimal(0)
        for each in series:
            value = each.values[n]
            if not value:
                continue
            begin = up if value > 0 else down
            end = begin + value
            up, down = (end, down) if value > 0 else (up, end)
            top, bottom = sorted((y_of(begin), y_of(end)))
            parts.append(_area(own, each.paint, x=centre - thick / 2, y=top, width=thick, height=max(bottom - top, 1)))
    return parts


def _curves(
    own: str, series: Sequence[Series], centres: Sequence[float], _step: float, y_of: Callable[[Decimal], float]
) -> list[str]:
    parts: list[str] = []
    for each in series:
        stroke = each.paint.edge or each.paint.fill
        for stretch in _stretches(each.values):
            xs = [centres[n] for n in stretch]
            ys, lows, highs = (
                [y_of(value) for value in _known(values[n] for n in stretch)] if values else []
                for values in (each.values, each.low, each.high)
            )
            points = list(zip(xs, ys, strict=True))
            if lows and highs:
                band = [*zip(xs, highs, strict=True), *reversed(list(zip(xs, lows, strict=True)))]
                parts.append(f'<polygon points="{_path(band)}" fill="{stroke}" fill-opacity="0.2"/>')
            parts.append(f'<polyline points="{_path(points)}" fill="none" stroke="{stroke}" stroke-width="2"/>')
            parts += [f'<circle cx="{_px(x)}" cy="{_px(y)}" r="2.5" fill="{stroke}"/>' for x, y in points]
            if len(points) == 1 and lows and highs:  # a band of one month has no width
                parts.append(_line(xs[0], lows[0], xs[0], highs[0], stroke=stroke, width=2))
    return parts


def _path(points: Iterable[tuple[float, float]]) -> str:
    return " ".join(f"{_px(x)},{_px(y)}" for x, y in points)


# Bars -----------------------------------------------------------------------------------------------------------------


def _bars(own: str, *, width: float, rows: Sequence[Bar], say: Say) -> tuple[list[str], float]:
    figures = [each for row in rows for each in (row.value, row.low, row.high) if each is not None]
    low, high = min([*figures, Decimal(0)]), max([*figures, Decimal(0)])
    reach = (high - low) or Decimal(1)

    def x_of(value: Decimal) -> float:
        return 1 + (width - 2) * float((value - low) / reach)

    parts = _hatch(own, (row.paint for row in rows))
    zero, y = x_of(Decimal(0)), 0.0
    for row in rows:
        figure = f"{say(row.value)}{f' {row.note}' if row.note else ''}"
        room = int((width - 16) / CHAR_PX) - len(figure)
        parts.append(_text(0, y + 14, _cut(row.name, room)))
        parts.append(_text(width, y + 14, figure, anchor="end", font_weight="600"))
        begin, end = sorted((zero, x_of(row.value)))
        parts.append(_area(own, row.paint, x=begin, y=y + 21, width=max(end - begin, 1), height=11))
        if low < 0:
            parts.append(_line(zero, y + 18, zero, y + 40, stroke=INK))
        if row.low is not None and row.high is not None and row.low != row.high:
            a, b = x_of(row.low), x_of(row.high)
            parts.append(_line(a, y + 37, b, y + 37, stroke=INK, width=1.5))
            parts += [_line(x, y + 34, x, y + 40, stroke=INK, width=1.5) for x in (a, b)]
        y += 46
    return parts, max(y, 1)


def _cut(words: str, room: int) -> str:
    return words if len(words) <= room else f"{words[: max(room - 1, 1)].rstrip()}…"


def _shares(own: str, *, width: float, parts: Sequence[Bar], say: Say) -> tuple[list[str], float]:
    whole = sum((part.value for part in parts if part.value > 0), Decimal(0)) or Decimal(1)
    drawn = _hatch(own, (part.paint for part in parts))
    x, gap = 0.0, 2.0
    for part in parts:
        if part.value <= 0:
            continue
        length = width * float(part.value / whole)
        drawn.append(_area(own, part.paint, x=x, y=0, width=max(length - gap, 1), height=40))
        x += length
    y = 66.0
    for part in parts:
        drawn.append(_area(own, part.paint, x=0, y=y - 11, width=14, height=13))
        drawn.append(_text(22, y, part.name))
        drawn.append(_text(width - 58, y, say(part.value), anchor="end", fill=SUBTLE))
        drawn.append(_text(width, y, part.note, anchor="end", font_weight="600"))
        y += 24
    return drawn, y - 12
