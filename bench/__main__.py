"""`make bench`: every figure of docs/performance.md."""

from __future__ import annotations

import os
import sys
import warnings

from bench.ground import ground
from bench.tap import tap_to_restored

PREFIXES = 1_100
ON_HOME = 200


def main() -> int:
    warnings.simplefilter("ignore")
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before the start\n")
    with ground(0) as lab:
        tap_to_restored(lab)
    return 0


if __name__ == "__main__":
    sys.exit(main())
