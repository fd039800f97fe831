"""`make bench`: every figure of docs/performance.md. A part alone: `python -m bench tap`."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings

from bench.audit_search import audit_search
from bench.bulk import bulk, statements
from bench.drift import drift
from bench.everything import everything
from bench.ground import ground
from bench.home import home_page
from bench.pages import every_page
from bench.rescue import rescue
from bench.tap import tap_to_restored
from tests.postgres import Postgres

MANY = 1_100
# Together with the six prefixes that the demo's customer has anyway.
ON_HOME = 194
# With three routes each: 10,000 targets, together with those of the demo.
ON_DRIFT = 3_316


def _tap() -> None:
    with ground(0) as lab:
        tap_to_restored(lab)


def _rescue() -> None:
    with ground(0) as lab:
        rescue(lab)


def _bulk() -> None:
    with ground(MANY) as lab:
        bulk(lab, MANY)


def _statements() -> None:
    with ground(MANY, worker=False) as lab:
        statements(lab, MANY)


def _home() -> None:
    with ground(ON_HOME):
        home_page(ON_HOME + 6)


def _everything() -> None:
    with ground(0) as lab:
        everything(lab, "shop-operator", "example-shop")


def _drift() -> None:
    with ground(ON_DRIFT, worker=False, simulated=True) as lab:
        drift(lab)


def _pages() -> None:
    with ground(ON_HOME, worker=False, simulated=True) as lab:
        every_page(lab)


def _pages_on_postgresql() -> None:
    with (
        Postgres() as server,
        ground(ON_HOME, worker=False, simulated=True, database=server.url) as lab,
    ):
        every_page(lab)


def _audit() -> None:
    with ground(0, worker=False, simulated=True):
        audit_search()


def _audit_on_postgresql() -> None:
    with Postgres() as server, ground(0, worker=False, simulated=True, database=server.url):
        audit_search()


PARTS = {
    "tap": _tap,
    "rescue": _rescue,
    "bulk": _bulk,
    "statements": _statements,
    "home": _home,
    "drift": _drift,
    "everything": _everything,
    "audit": _audit,
    "audit-postgresql": _audit_on_postgresql,
    "pages": _pages,
    "pages-postgresql": _pages_on_postgresql,
}


def main(arguments: list[str]) -> int:
    if not arguments:
        print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before the start", flush=True)
        # A process a part: each has a lab and a database of its own.
        return max(subprocess.run([sys.executable, "-m", "bench", part], check=False).returncode for part in PARTS)
    warnings.simplefilter("ignore")
    part = PARTS.get(arguments[0])
    if part is None:
        print(f"there is no part {arguments[0]}; there are {', '.join(PARTS)}", file=sys.stderr)
        return 2
    part()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
