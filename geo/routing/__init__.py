"""Ways between places for heavy lorries: how far, how long, and how that is known.

Two routers answer alike. `CircuityRouter` multiplies the straight line by a factor and is always there;
`ValhallaRouter` drives a network of roads that was built from OpenStreetMap. What the network cannot answer comes back
as an estimate that says why, so no caller ever lacks a distance, nor takes an estimate for more than it is.

    legs = router.matrix([Stop(position=here)], [Stop(position=there), ...])[0]
    legs = same_method(legs)        # before distances are set against each other
"""

from geo.impact import Method
from geo.routing.circuity import CIRCUITY, CircuityRouter, region_of_county, region_of_stops
from geo.routing.legs import Leg, LegStatus, Line, Region, Router, RoutingError, Stop, same_method
from geo.routing.lorries import LORRIES, Lorry, lorry_of_vehicle

__all__ = [
    "CIRCUITY",
    "LORRIES",
    "CircuityRouter",
    "Leg",
    "LegStatus",
    "Line",
    "Lorry",
    "Method",
    "Region",
    "Router",
    "RoutingError",
    "Stop",
    "lorry_of_vehicle",
    "region_of_county",
    "region_of_stops",
    "same_method",
]
