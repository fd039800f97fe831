"""`make test`: every test, with SQLite; and again with PostgreSQL all that ask a database. Says what it leaves out.

With CI=true nothing may be left out: a missing server is a failure.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time

from tests.postgres import Postgres, find_binaries

IN_CI = os.environ.get("CI") == "true"


def main() -> int:
    results = [("SQLite", *run({}))]
    if find_binaries() is not None:
        with Postgres() as server:
            results.append(("PostgreSQL", *run({"DATABASE_URL": server.url}, "--database-only")))
    else:
        print("\n*** LEFT OUT: everything on PostgreSQL, which is not installed ***", file=sys.stderr)
        results.append(("PostgreSQL", 1 if IN_CI else 0, 0.0))
    print()
    for name, code, seconds in results:
        print(f"{name}: {'passed' if code == 0 else 'FAILED'} in {seconds:.0f} s")
    return max(code for _, code, _ in results)


def run(environment: dict[str, str], *options: str) -> tuple[int, float]:
    """The exit code and the seconds of one run."""
    began = time.monotonic()
    inherited = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    command = [sys.executable, "-m", "pytest", *options, *sys.argv[1:]]
    finished = subprocess.run(command, env={**inherited, **environment}, check=False)
    return finished.returncode, time.monotonic() - began


if __name__ == "__main__":
    sys.exit(main())
