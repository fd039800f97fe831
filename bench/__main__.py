"""`make bench`: every figure of docs/performance.md. A part alone: `python -m bench tap`."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings

from bench.bulk import bulk, statements
from bench.drift import drift
from bench.everything import everything
from bench.ground import ground
from bench.home import home_page
from bench.rescue import rescue
from bench.tap import tap_to_restored

MANY = 1_100
# Together with the six prefixes that the demo's customer has anyway.
ON_HOME = 194
# With three routes each: 10,000 targets, together with those of the demo.
ON_DRIFT = 3_316
PARTS = ("tap", "rescue", "bulk", "statements", "home", "drift", "everything")


def main(arguments: list[str]) -> int:
    if not arguments:
        print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before the start", flush=True)
        # A process a part: each has a lab and a database of its own.
        return max(subprocess.run([sys.executable, "-m", "bench", part], check=False).returncode for part in PARTS)
    warnings.simplefilter("ignore")
    part = arguments[0]
    if part == "tap":
        with ground(0) as lab:
            tap_to_restored(lab)
    elif part == "rescue":
        with ground(0) as lab:
            rescue(lab)
    elif part == "bulk":
        with ground(MANY) as lab:
            bulk(lab, MANY)
    elif part == "statements":
        with ground(MANY, worker=False) as lab:
            statements(lab, MANY)
    elif part == "home":
        with ground(ON_HOME):
            home_page(ON_HOME + 6)
    elif part == "everything":
        with ground(0) as lab:
            everything(lab, "shop-operator", "example-shop")
    elif part == "drift":
        with ground(ON_DRIFT, worker=False, simulated=True) as lab:
            drift(lab)
    else:
        print(f"there is no part {part}; there are {', '.join(PARTS)}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
