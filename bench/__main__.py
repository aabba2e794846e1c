"""`python -m bench search` and the like: which measurement to take."""

import sys
from importlib import import_module

MEASUREMENTS = ("search", "matching", "bulk", "alerts", "flows", "roads", "dashboard")


def main() -> int:
    name, *arguments = sys.argv[1:] or ["--help"]
    if name not in MEASUREMENTS:
        print(f"python -m bench {{{'|'.join(MEASUREMENTS)}}} [--help]")
        return 0 if name in ("-h", "--help") else 2
    code: int = import_module(f"bench.{name}").run(arguments)
    return code


if __name__ == "__main__":
    sys.exit(main())
