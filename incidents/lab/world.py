"""The world: one process that serves what is simulated: backends, the collector, the TCP services, names and pages.

Run as `python -m incidents.lab.world FILE`; FILE holds a `World` description as JSON. When all listens, it prints one
line of JSON: `{"control": "host:port", "services": {PREFIX: {LOCATION: "host:port"}}, "played": ...}`, the last as
`playing.listen` returns it.

One line of JSON is one request, one line the answer, which holds `"ok": true` or `"ok": false` with an `error`:

    {"op": "observe", "backend", "token", "keys"}                        -> states
    {"op": "apply", "backend", "token", "changes", "idempotency_key"}    -> receipts
    {"op": "visible", "questions": [[LOCATION, PREFIX], ...]}            -> visible: [bool], down: [LOCATION]
    {"op": "put", "backend", "states"}                                   the lab changes states
    {"op": "mode", "backend", "mode", "seconds", "only"}                 the lab changes manners
    {"op": "down", "location", "down": bool}                             ends or mends a session of the collector
    {"op": "status"}                                                     -> backends
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from incidents.lab import collector, playing, program
from incidents.lab.backends import Backend, Dropped, JsonObject, Ledger, Mode
from incidents.lab.services import Services
from incidents.lab.web import Pages

LARGEST_LINE = 32 * 1024 * 1024


class World:
    """Everything that is simulated.

    Args:
        description: `control` ("host:port", port 0 for a free one), `ledger` (file), `backends` {name: {states,
            token, labels?}}, `routers` {location: name of its simulated backend; empty in a real lab}, `bird` {socket,
            sessions {location: name}} or null, `registry` (name of the backend with the bindings),
            `services` [{location, prefix, host}], `playing` (see `playing.listen`).
    """

    def __init__(self, description: dict[str, Any]) -> None:
        self._given = description
        ledger = Ledger(Path(description["ledger"]))
        self.backends = {
            name: Backend(name, ledger, dict(given["states"]), given["token"], labels=given.get("labels", {}))
            for name, given in description["backends"].items()
        }
        self._down: set[str] = set()
        self._services = Services(self.sees, self.bound)
        self._pages = Pages()

    async def listen(self) -> JsonObject:
        """Opens all listeners; returns where they are."""
        host, _, port = self._given["control"].rpartition(":")
        control = await asyncio.start_server(self._serve, host, int(port), limit=LARGEST_LINE)
        services: dict[str, dict[str, str]] = {}
        for given in self._given["services"]:
            address = await self._services.listen(given["location"], given["prefix"], given["host"])
            services.setdefault(given["prefix"], {})[given["location"]] = address
        played = await playing.listen(self._given["playing"], lambda name: self.backends[name].states, self._pages)
        return {"control": f"{host}:{control.sockets[0].getsockname()[1]}", "services": services, "played": played}

    def sees(self, location: str, prefix: str) -> bool:
        """Whether the collector has the prefix from the location: the real one's table, or the simulated routers."""
        bird = self._given["bird"]
        if bird:
            return collector.sees(Path(bird["socket"]), bird["sessions"][location], prefix)
        state = self.backends[self._given["routers"][location]].states.get(prefix, {})
        return location not in self._down and state.get("advertised") is True

    def bound(self, location: str, prefix: str) -> bool:
        state = self.backends[self._given["registry"]].states.get(f"{location}/{prefix}", {})
        return state.get("bound") is True

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                try:
                    answer = await self._answer(json.loads(line))
                except (ValueError, KeyError, TypeError) as error:
                    answer = {"ok": False, "error": f"the request is wrong: {type(error).__name__}"}
                await self._write(writer, answer)
        except (Dropped, OSError):
            writer.transport.abort()
        finally:
            writer.close()

    async def _answer(self, request: JsonObject) -> JsonObject:
        operation = request.get("op")
        if operation in ("observe", "apply"):
            backend = self.backends[request["backend"]]
            answer = await backend.answer(request)
            answer["drip"] = backend.mode is Mode.DRIP
            return answer
        if operation == "visible":
            return self._visible(request["questions"])
        if operation == "put":
            self.backends[request["backend"]].put(request["states"])
        elif operation == "mode":
            backend = self.backends[request["backend"]]
            backend.mode, backend.seconds = Mode(request["mode"]), float(request["seconds"])
            backend.only = str(request.get("only", ""))
        elif operation == "down":
            (self._down.add if request["down"] else self._down.discard)(request["location"])
        elif operation == "status":
            return {"ok": True, "backends": {name: _summary(backend) for name, backend in self.backends.items()}}
        else:
            return {"ok": False, "error": "no such op"}
        return {"ok": True}

    def _visible(self, questions: list[list[str]]) -> JsonObject:
        if any(location not in self._given["routers"] for location, _ in questions):
            return {"ok": False, "error": "the collector has no session with one of the locations"}
        visible = [self.sees(location, prefix) for location, prefix in questions]
        return {"ok": True, "visible": visible, "down": sorted(self._down)}

    async def _write(self, writer: asyncio.StreamWriter, answer: JsonObject) -> None:
        drip = answer.pop("drip", False)
        line = (json.dumps(answer) + "\n").encode()
        for start in range(len(line) if drip else 0):
            writer.write(line[start : start + 1])
            await writer.drain()
            await asyncio.sleep(1)
        if not drip:
            writer.write(line)
            await writer.drain()


def _summary(backend: Backend) -> JsonObject:
    return {"mode": str(backend.mode), "requests": backend.requests, "states": backend.states}


async def _main(file: Path) -> None:
    world = World(json.loads(file.read_text()))
    await program.announce(await world.listen())


if __name__ == "__main__":
    asyncio.run(_main(Path(sys.argv[1])))
