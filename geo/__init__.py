"""Everything spatial and numeric about surplus masses. Knows neither Flask nor the marketplace.

Coordinates are always in the order (lon, lat) or (easting, northing). A geometry without a suffix is in EPSG:4326,
degrees; one whose name ends in `_25833` is in EPSG:25833, metres.
"""
