"""Reads Mapbox Vector Tiles as far as tests need: the layers with their features' properties, geometry apart.

Follows the tile schema 2.1 of the published specification; the wire format is that of Protocol Buffers.
"""

import struct
from collections.abc import Iterator

type Value = str | int | float | bool
type Properties = dict[str, Value]

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
LAYER, LAYER_NAME, LAYER_FEATURE, LAYER_KEY, LAYER_VALUE = 3, 1, 2, 3, 4
FEATURE_TAGS = 2


def read_tile(content: bytes) -> dict[str, list[Properties]]:
    """The properties of every feature, by layer."""
    return dict(_layer(body) for number, body in _fields(content) if number == LAYER and isinstance(body, bytes))


def _layer(content: bytes) -> tuple[str, list[Properties]]:
    name, keys, values, features = "", list[str](), list[Value](), list[bytes]()
    for number, body in _fields(content):
        if not isinstance(body, bytes):
            continue
        if number == LAYER_NAME:
            name = body.decode()
        elif number == LAYER_KEY:
            keys.append(body.decode())
        elif number == LAYER_VALUE:
            values.append(_value(body))
        elif number == LAYER_FEATURE:
            features.append(body)
    return name, [_properties(feature, keys, values) for feature in features]


def _properties(feature: bytes, keys: list[str], values: list[Value]) -> Properties:
    tags = next((body for number, body in _fields(feature) if number == FEATURE_TAGS), b"")
    assert isinstance(tags, bytes)
    numbers = list(_varints(tags))
    return {keys[key]: values[value] for key, value in zip(numbers[::2], numbers[1::2], strict=True)}


def _value(content: bytes) -> Value:
    number, body = next(_fields(content))
    if isinstance(body, bytes):
        return body.decode() if number == 1 else struct.unpack("<f" if number == 2 else "<d", body)[0]
    if number == 6:  # zigzag
        return (body >> 1) ^ -(body & 1)
    return bool(body) if number == 7 else body


def _fields(content: bytes) -> Iterator[tuple[int, int | bytes]]:
    """(number, value) of each field of a message; what has a length is bytes."""
    at = 0
    while at < len(content):
        head, at = _varint(content, at)
        kind = head & 7
        if kind == VARINT:
            value, at = _varint(content, at)
            yield head >> 3, value
            continue
        if kind == BYTES:
            size, at = _varint(content, at)
        else:
            size = {FIXED64: 8, FIXED32: 4}[kind]
        yield head >> 3, content[at : at + size]
        at += size


def _varints(content: bytes) -> Iterator[int]:
    at = 0
    while at < len(content):
        value, at = _varint(content, at)
        yield value


def _varint(content: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = content[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if not byte & 0x80:
            return value, at
