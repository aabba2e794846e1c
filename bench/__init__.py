"""Side-by-side measurements: what the program adds to the bare SQL it runs, at growing numbers of listings.

`python -m bench search` makes a database of its own for each size on the private cluster, or on the server that
`BENCH_SERVER_URL` names, and drops it in the end.
"""
