"""Small networks of roads, made from OpenStreetMap files that the tests write themselves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import networkx as nx
import osmium
from osmium.osm.mutable import Node, Way

from geo import crs
from geo.geometry import Position
from geo.routing import LORRIES, Lorry, Region, Stop
from geo.routing.valhalla import Network
from marketplace import road_files
from marketplace.services.road_networks import build_network

WEST, SOUTH = 10.70, 59.90
BUILT_AT = datetime(2027, 1, 1, tzinfo=UTC)
ROAD = {"highway": "primary", "maxspeed": "60"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Road:
    """Straight from one place to another, both ways unless `oneway`; `kept` are the lorries that may not drive it."""

    ends: tuple[str, str]
    tags: Mapping[str, str] = field(default_factory=dict)
    closed_to: frozenset[str] = frozenset()
    is_ferry: bool = False
    is_toll: bool = False

    @property
    def is_oneway(self) -> bool:
        return self.tags.get("oneway") == "yes"

    def is_open_to(self, lorry: Lorry) -> bool:
        avoided = (self.is_ferry and lorry.avoids_ferries) or (self.is_toll and lorry.avoids_tolls)
        return lorry.key not in self.closed_to and not avoided


type Places = Mapping[str, tuple[float, float]]
"""Kilometres east and north of a corner in Oslo."""


def position(place: tuple[float, float]) -> Position:
    lon, lat = crs.destination(WEST, SOUTH, azimuth_deg=90, distance_m=place[0] * 1000)
    lon, lat = crs.destination(lon, lat, azimuth_deg=0, distance_m=place[1] * 1000)
    return Position(lon=round(lon, 7), lat=round(lat, 7))


def stop(place: tuple[float, float]) -> Stop:
    return Stop(position=position(place), region=Region.OSLO)


def write_osm(file: Path, places: Places, roads: Sequence[Road]) -> Path:
    ids = {name: number for number, name in enumerate(places, start=1)}
    with osmium.SimpleWriter(str(file), overwrite=True) as writer:
        for name, place in places.items():
            at = position(place)
            writer.add_node(Node(id=ids[name], location=(at.lon, at.lat), version=1))
        for number, road in enumerate(roads, start=1):
            tags = {"route": "ferry"} if road.is_ferry else ROAD
            nodes = [ids[name] for name in road.ends]
            writer.add_way(Way(id=number, nodes=nodes, tags={**tags, **road.tags}, version=1))
    return file


def network_of(folder: Path, file: Path) -> Network:
    built = build_network(folder, file, now=BUILT_AT)
    return Network(road_files.tiles_of(folder, built.version), version=built.version)


def graph_of(places: Places, roads: Sequence[Road], lorry: Lorry) -> nx.DiGraph:
    """The same roads for another program to find its way on; `length_m` of each is geodesic."""
    graph = nx.DiGraph()
    graph.add_nodes_from(places)
    for road in roads:
        if not road.is_open_to(lorry):
            continue
        start, end = road.ends
        length_m = position(places[start]).distance_m(position(places[end]))
        graph.add_edge(start, end, length_m=length_m)
        if not road.is_oneway:
            graph.add_edge(end, start, length_m=length_m)
    return graph


# The network that most tests drive on -----------------------------------------------------------------------------

BOTH = frozenset(LORRIES)
HEAVY = frozenset({"50t"})

PLACES: Places = {
    "a": (0, 0),
    "b": (2, 0),
    "c": (4, 0),
    "b_c": (3, 3),
    "d": (6, 0),
    "c_d": (5, -3),
    "e": (8, 0),
    "d_e": (7, 4),
    "f": (10, 0),
    "e_f": (9, -4),
    "g": (12, 0),
    "f_g": (11, 3),
    "quay": (14, 0),
    "island": (16, 0),
    "around": (15, 30),
    "farm": (40, 0),
    "barn": (42, 0),
}

ROADS = (
    Road(ends=("a", "b")),
    # A bridge for 10 t, and the way around it.
    Road(ends=("b", "c"), tags={"maxweight": "10", "bridge": "yes"}, closed_to=BOTH),
    Road(ends=("b", "b_c")),
    Road(ends=("b_c", "c")),
    # One way only, and the way back.
    Road(ends=("c", "d"), tags={"oneway": "yes"}),
    Road(ends=("d", "c_d")),
    Road(ends=("c_d", "c")),
    # Under a low bridge.
    Road(ends=("d", "e"), tags={"maxheight": "3.5"}, closed_to=BOTH),
    Road(ends=("d", "d_e")),
    Road(ends=("d_e", "e")),
    # For 40 t, which only the lighter lorry is within.
    Road(ends=("e", "f"), tags={"maxweight": "40"}, closed_to=HEAVY),
    Road(ends=("e", "e_f")),
    Road(ends=("e_f", "f")),
    # Closed to heavy vehicles by a sign.
    Road(ends=("f", "g"), tags={"hgv": "no"}, closed_to=BOTH),
    Road(ends=("f", "f_g")),
    Road(ends=("f_g", "g")),
    # A toll road without a way around it, then a ferry with a long one.
    Road(ends=("g", "quay"), tags={"toll": "yes"}, is_toll=True),
    Road(ends=("quay", "island"), is_ferry=True, tags={"duration": "00:10"}),
    Road(ends=("quay", "around")),
    Road(ends=("around", "island")),
    # Roads that no other road leads to.
    Road(ends=("farm", "barn")),
)
