"""Lines as short texts, for keeping: Google's encoded polyline, to five decimals of a degree (about a metre)."""

from collections.abc import Iterator
from typing import Final

from geo.routing.legs import Line

SCALE: Final = 100_000
ENGINE_SCALE: Final = 1_000_000
"""Valhalla writes six decimals."""

_FIRST, _BITS, _MORE = 63, 5, 0x20


def encode(line: Line, *, scale: int = SCALE) -> str:
    """Return a line's text; places that round to the one before them are left out."""
    before = (0, 0)
    parts: list[str] = []
    for lon, lat in line:
        here = (round(lat * scale), round(lon * scale))
        if parts and here == before:
            continue
        parts += [_written(here[axis] - before[axis]) for axis in (0, 1)]
        before = here
    return "".join(parts)


def decode(text: str, *, scale: int = SCALE) -> Line:
    """Return the line of a text.

    Raises ValueError where the text ends in the middle of a place or holds other characters.
    """
    steps = list(_read(text))
    if len(steps) % 2:
        raise ValueError("the line ends in the middle of a place")
    lat = lon = 0
    line: list[tuple[float, float]] = []
    for north, east in zip(steps[::2], steps[1::2], strict=True):
        lat, lon = lat + north, lon + east
        line.append((lon / scale, lat / scale))
    return tuple(line)


def _written(number: int) -> str:
    rest = ~(number << 1) if number < 0 else number << 1
    characters = []
    while rest >= _MORE:
        characters.append(chr((_MORE | (rest & (_MORE - 1))) + _FIRST))
        rest >>= _BITS
    characters.append(chr(rest + _FIRST))
    return "".join(characters)


def _read(text: str) -> Iterator[int]:
    rest = shift = 0
    for character in text:
        chunk = ord(character) - _FIRST
        if not 0 <= chunk < 2 * _MORE:
            raise ValueError(f"{character!r} is no part of a line")
        rest |= (chunk & (_MORE - 1)) << shift
        shift += _BITS
        if chunk < _MORE:
            yield ~(rest >> 1) if rest & 1 else rest >> 1
            rest = shift = 0
    if shift:
        raise ValueError("the line ends in the middle of a number")
