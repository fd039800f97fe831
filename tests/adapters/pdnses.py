"""Real PowerDNS servers with an SQLite database, and a relay that spoils what passes between one and an adapter."""

from __future__ import annotations

import json
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import urllib3

from incidents.adapters.powerdns import PowerDns
from incidents.lab import ports, processes
from tests.adapters.support import read_reference
from tests.fakes.web import Answer, Request, Web
from tests.lab_fixtures import PLACES, leave_out, need

SCHEMA = Path("/usr/share/pdns-backend-sqlite3/schema/schema.sqlite3.sql")  # of Debian's pdns-backend-sqlite3
API_KEY = "only-for-tests-4f8a1c"
SECONDS_TO_START = 10


class Pdns:
    """One running server, asked and tampered with by ways that are not the code under test."""

    def __init__(self) -> None:
        need("pdns_server")
        if not SCHEMA.exists():
            leave_out("pdns-backend-sqlite3 not installed: the real thing is not tested")
        # The path of its control socket has room for about a hundred letters.
        self._room = tempfile.TemporaryDirectory(prefix="pdns-")
        self.directory = Path(self._room.name)
        self.key_file = self.directory / "api-key"
        self.key_file.write_text(API_KEY)
        self.database = self.directory / "zones.sqlite3"
        self.sql(SCHEMA.read_text())
        self.address = f"127.0.0.1:{ports.free_port('127.0.0.1')}"
        self.names = f"127.0.0.1:{ports.free_port('127.0.0.1')}"  # where it answers questions of the DNS
        self._http = urllib3.PoolManager(retries=False, timeout=5)
        (self.directory / "pdns.conf").write_text(self._configuration())
        program = shutil.which("pdns_server", path=PLACES) or ""
        arguments = [program, f"--config-dir={self.directory}"]
        try:
            self.program = processes.start("pdns_server", arguments, self.directory)
            self._wait()
        except BaseException:
            self.close()
            raise

    @property
    def settings(self) -> Mapping[str, object]:
        return {"api_key": f"file:{self.key_file}"}

    def ask(self, method: str, path: str, body: Any = None, key: str = API_KEY) -> tuple[int, Any]:
        """The status and the body (None where it is no JSON) of one call of its API."""
        response = self._http.request(
            method,
            f"http://{self.address}/api/v1/servers/localhost{path}",
            body=None if body is None else json.dumps(body),
            headers={"X-API-Key": key, "Content-Type": "application/json"},
        )
        try:
            return response.status, response.json()
        except ValueError:
            return response.status, None

    def zone(self, name: str, *sets: Mapping[str, Any], kind: str = "Native") -> str:
        """Makes this zone anew, with these sets besides its SOA and NS. Gives its name."""
        self.ask("DELETE", f"/zones/{name}")
        nameservers = [] if kind in ("Slave", "Consumer") else ["ns1.example.net."]
        # Otherwise a serial would also grow with the date.
        zone = {"name": name, "kind": kind, "nameservers": nameservers, "soa_edit_api": "INCREASE"}
        made, _ = self.ask("POST", "/zones", zone)
        assert made == 201
        if sets:
            assert self.ask("PATCH", f"/zones/{name}", {"rrsets": [*sets]})[0] == 204
        return name

    def sets(self, zone: str) -> dict[tuple[str, str], dict[str, Any]]:
        """All that is in a zone, by name and type."""
        _, body = self.ask("GET", f"/zones/{zone}")
        return {(row["name"], row["type"]): row for row in body["rrsets"]}

    def contents(self, zone: str, name: str, kind: str = "A") -> list[str]:
        """The records of one set in the order of the server; empty where there is none."""
        row = self.sets(zone).get((name, kind), {"records": []})
        return [record["content"] for record in row["records"]]

    def serial(self, zone: str) -> int:
        """Grows by one with each change that is made by the API."""
        serial: int = self.ask("GET", f"/zones/{zone}")[1]["serial"]
        return serial

    def sql(self, script: str) -> None:
        """Writes into its database behind its back."""
        connection = sqlite3.connect(self.database, timeout=5)
        connection.executescript(script)
        connection.close()

    def close(self) -> None:
        if hasattr(self, "program"):
            processes.stop([self.program])
        self._http.clear()
        self._room.cleanup()

    def _configuration(self) -> str:
        host, port = self.address.split(":")
        of_names = self.names.split(":")[1]
        return f"""launch=gsqlite3
gsqlite3-database={self.database}
gsqlite3-pragma-synchronous=0
socket-dir={self.directory}
daemon=no
guardian=no
disable-syslog=yes
receiver-threads=1
distributor-threads=1
local-address={host}
local-port={of_names}
security-poll-suffix=
webserver=yes
webserver-address={host}
webserver-port={port}
webserver-allow-from=127.0.0.1
api=yes
api-key={API_KEY}
"""

    def _wait(self) -> None:
        end = time.monotonic() + SECONDS_TO_START
        while True:
            processes.check_alive([self.program])
            try:
                if self.ask("GET", "")[0] == 200:
                    return
            except urllib3.exceptions.HTTPError:
                assert time.monotonic() < end, "PowerDNS does not come up"
                time.sleep(0.02)


@contextmanager
def pdns_server() -> Iterator[Pdns]:
    made = Pdns()
    try:
        yield made
    finally:
        made.close()


def powerdns(
    address: str, keys: Sequence[str], budget_seconds: float = 3, settings: Mapping[str, object] | None = None
) -> PowerDns:
    """Of `settings` at least `api_key` is needed: a reference to a file."""
    return PowerDns.from_settings(
        name="dns",
        settings={"url": f"http://{address}", **(settings or {})},
        secret=read_reference,
        keys=frozenset(keys),
        budget_seconds=budget_seconds,
    )


def rrset(name: str, kind: str, *contents: str, ttl: int = 300, off: Sequence[str] = (), **more: Any) -> dict[str, Any]:
    """A set as the API takes it; `off` are records that are switched off."""
    records = [{"content": content, "disabled": content in off} for content in (*contents, *off)]
    return {"name": name, "type": kind, "ttl": ttl, "changetype": "REPLACE", "records": records, **more}


class Relay:
    """Between the adapter and a real server. Use it as a context; set a mode for each method, look into `calls`.

    Modes: `ok`; `hang` (passes nothing on, never answers); `cut` (passes nothing on, and the connection is lost);
    `lie` (says that it is done, and passes nothing on); `drop_reply` (passes it on, then the connection is lost);
    `stall` (passes it on, then never answers); `refuse` (422, repeating the key of the API at length); `forbid` (401);
    `broken` (502, a page); `garbage` (200 with text); `redirect` (307 to `elsewhere`). Any other is a JSON body, given
    with 200.
    """

    def __init__(self, to: Pdns) -> None:
        self._to = to
        self.modes: dict[str, Any] = {}
        self.elsewhere = ""
        self.calls: list[tuple[str, str]] = []
        self.web = Web(self._answer)
        self.address = self.web.address

    def __enter__(self) -> Relay:
        self.web.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self.web.__exit__()

    def asked(self, method: str) -> int:
        return sum(call[0] == method for call in self.calls)

    def _answer(self, request: Request) -> Answer | None:
        self.calls.append((request.method, request.path))
        mode = self.modes.get(request.method, "ok")
        if mode in ("ok", "drop_reply", "stall"):
            path = request.path.removeprefix("/api/v1/servers/localhost")
            status, body = self._to.ask(request.method, path, request.body, request.headers.get("x-api-key", ""))
            if mode == "ok":
                return Answer(status, "" if body is None else body)
        if mode in ("hang", "stall"):
            self.web.ended.wait()
        if mode in ("hang", "stall", "cut", "drop_reply"):
            return None
        key = request.headers.get("x-api-key", "")
        answers = {
            "lie": Answer(204, ""),
            "refuse": Answer(422, {"error": f"Not with\n{key}: " + "it cannot be parsed, " * 30}),
            "forbid": Answer(401, "Unauthorized"),
            "broken": Answer(502, "<html>Bad gateway</html>"),
            "garbage": Answer(200, "all is well"),
            "redirect": Answer(307, "", {"Location": self.elsewhere}),
        }
        return answers[mode] if isinstance(mode, str) else Answer(200, mode)
