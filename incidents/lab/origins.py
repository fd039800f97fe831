"""The servers behind the balancer of a real lab: one program, one listener each.

Run as `python -m incidents.lab.origins FILE`; FILE holds as JSON `failing` (a folder) and `origins` [{name, host}].
When all listens, it prints one line of JSON: {NAME: "host:port"}. An origin answers 503 while the folder holds a file
of its name, and 200 otherwise.
"""

from __future__ import annotations

import asyncio
import json
import sys
from functools import partial
from pathlib import Path

from incidents.lab import program
from incidents.lab.web import Answer, Pages


def page(name: str, failing: Path) -> Answer:
    if (failing / name).exists():
        return Answer(503, f"{name} is out of order\n")
    return Answer(200, f"<!doctype html>\n<title>Web shop</title>\n<p>the web shop, served by {name}</p>\n")


async def _main(file: Path) -> None:
    given = json.loads(file.read_text())
    failing, pages = Path(given["failing"]), Pages()
    listening = {
        origin["name"]: await pages.listen(origin["host"], partial(page, origin["name"], failing))
        for origin in given["origins"]
    }
    await program.announce(listening)


if __name__ == "__main__":
    asyncio.run(_main(Path(sys.argv[1])))
