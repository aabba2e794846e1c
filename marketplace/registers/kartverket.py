"""Kartverket's open address register and place names.

Source: Kartverket, open data under CC BY 4.0; https://ws.geonorge.no/adresser/v1 and https://api.kartverket.no/stedsnavn/v1
"""

import math
from collections.abc import Callable
from concurrent.futures import Future, wait
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from marketplace.registers.remote import NoSuchThing, RemoteJson, RemoteUnavailable

ADDRESSES_URL = "https://ws.geonorge.no/adresser/v1"
PLACE_NAMES_URL = "https://api.kartverket.no/stedsnavn/v1"
SRID_OUT = "4258"
"""ETRS89, as longitude and latitude; within a metre of WGS 84."""

SMALL_WORDS = frozenset({"i", "og", "på", "ved"})


class AddressKind(StrEnum):
    ADDRESS = "address"
    PLACE = "place"


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundAddress:
    """An address or place name with its point, in degrees."""

    kind: AddressKind
    name: str
    municipality_number: str | None
    municipality_name: str | None
    lon: float
    lat: float


class AddressRegister(Protocol):
    is_online: bool

    def search(self, query: str, *, limit: int, wait_s: float) -> list[FoundAddress]:
        """Addresses first, then place names; empty where nothing usable came within `wait_s`."""
        ...


class NoAddressRegister:
    """For when no register may be asked."""

    is_online = False

    def search(self, query: str, *, limit: int, wait_s: float) -> list[FoundAddress]:
        return []


class KartverketAddresses:
    is_online = True

    def __init__(self, addresses: RemoteJson | None = None, place_names: RemoteJson | None = None) -> None:
        self._addresses = addresses or RemoteJson(ADDRESSES_URL)
        self._place_names = place_names or RemoteJson(PLACE_NAMES_URL)

    def search(self, query: str, *, limit: int, wait_s: float) -> list[FoundAddress]:
        """Both registers are asked at the same time; one that is late or fails takes nothing from the other."""
        asked = (
            (self._ask_addresses(query, limit=limit), read_addresses),
            (self._ask_place_names(query, limit=limit), read_place_names),
        )
        wait([future for future, _ in asked], timeout=wait_s)
        return [found for future, read in asked if future.done() for found in _read_answer(future, read)][:limit]

    def _ask_addresses(self, query: str, *, limit: int) -> "Future[Any]":
        """The last word may still be half typed, so it gets the register's wildcard."""
        params = {"sok": f"{query}*", "treffPerSide": str(limit), "side": "0", "utkoordsys": SRID_OUT}
        return self._addresses.ask("/sok", params)

    def _ask_place_names(self, query: str, *, limit: int) -> "Future[Any]":
        params = {"sok": f"{query}*", "treffPerSide": str(limit), "side": "1", "utkoordsys": SRID_OUT}
        return self._place_names.ask("/navn", params)


def read_addresses(answer: Any) -> list[FoundAddress]:
    return [
        FoundAddress(
            kind=AddressKind.ADDRESS,
            name=f"{row['adressetekst']}, {row['postnummer']} {_in_lower_case(row['poststed'])}",
            municipality_number=row.get("kommunenummer"),
            municipality_name=_in_lower_case(row["kommunenavn"]) if row.get("kommunenavn") else None,
            lon=_degrees(row["representasjonspunkt"]["lon"], most=180),
            lat=_degrees(row["representasjonspunkt"]["lat"], most=90),
        )
        for row in answer["adresser"]
    ]


def read_place_names(answer: Any) -> list[FoundAddress]:
    found = []
    for row in answer["navn"]:
        municipalities = row.get("kommuner") or [{}]
        found.append(
            FoundAddress(
                kind=AddressKind.PLACE,
                name=str(row["skrivemåte"]),
                municipality_number=municipalities[0].get("kommunenummer"),
                municipality_name=municipalities[0].get("kommunenavn"),
                lon=_degrees(row["representasjonspunkt"]["øst"], most=180),
                lat=_degrees(row["representasjonspunkt"]["nord"], most=90),
            )
        )
    return found


def _read_answer(future: "Future[Any]", read: Callable[[Any], list[FoundAddress]]) -> list[FoundAddress]:
    try:
        return read(future.result())
    except (RemoteUnavailable, NoSuchThing):
        return []
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):
        return []  # not of the promised form: the offline gazetteer answers alone


def _in_lower_case(name: str) -> str:
    """A name that the register writes in capitals: MO I RANA is Mo i Rana."""
    return " ".join(word if word in SMALL_WORDS else word.title() for word in name.lower().split())


def _degrees(value: object, *, most: float) -> float:
    degrees = float(str(value))
    if not (math.isfinite(degrees) and abs(degrees) <= most):
        raise ValueError("not a position")
    return degrees
