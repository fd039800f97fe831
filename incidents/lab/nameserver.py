"""The PowerDNS of a real lab: its configuration, its zone, and changes of it by its API.

It is spoken to in the lab's own words and not through our adapters, so that what the lab breaks and heals does not
depend on the code that it is there to test.
"""

from __future__ import annotations

import http.client
import json
import os
import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from incidents.lab.demo import WWW
from incidents.lab.faults import LabFault

# Where pdns-backend-sqlite3 of Debian puts the tables that its version of the server wants.
SCHEMA = Path("/usr/share/pdns-backend-sqlite3/schema/schema.sqlite3.sql")
SERVER = "/api/v1/servers/localhost"
TTL = 60
SECONDS = 5.0
DATABASE = "names.sqlite3"
CONFIGURATION = "pdns.conf"


def hindrance() -> str:
    """What is in the way of a real one, besides the program; empty where nothing is."""
    return "" if SCHEMA.exists() else "pdns-backend-sqlite3 not installed"


def configuration(directory: Path, sockets: Path, listeners: Sequence[str], api: tuple[str, int], key: str) -> str:
    """PowerDNS's configuration.

    Args:
        sockets: folder for its control socket, with a short path.
        listeners: `host:port` where it answers questions, one a location.
        api: host and port of its web server, which answers this machine alone.
        key: of its API.
    """
    host, port = api
    return f"""launch=gsqlite3
gsqlite3-database={directory / DATABASE}
gsqlite3-pragma-synchronous=0
socket-dir={sockets}
daemon=no
guardian=no
disable-syslog=yes
receiver-threads=1
distributor-threads=1
local-address={",".join(listeners)}
security-poll-suffix=
webserver=yes
webserver-address={host}
webserver-port={port}
webserver-allow-from=127.0.0.0/8
api=yes
api-key={key}
"""


def arguments(program: str, directory: Path) -> list[str]:
    return [program, f"--config-dir={directory}"]


def prepare(directory: Path, address: str) -> None:
    """A new database with the zone of the shop, whose name leads to this address. Raises LabFault."""
    file = directory / DATABASE
    for end in ("", "-wal", "-shm"):  # what is left of an earlier one would be taken for a part of this one
        file.with_name(file.name + end).unlink(missing_ok=True)
    os.close(os.open(file, os.O_WRONLY | os.O_CREAT, 0o600))
    soa = f"ns1.{WWW.zone} hostmaster.{WWW.zone} 1 10800 3600 604800 {TTL}"
    rows = [(WWW.zone, "SOA", soa), (WWW.zone, "NS", f"ns1.{WWW.zone}"), (WWW.host, "A", address)]
    connection = sqlite3.connect(file)
    try:
        connection.executescript(SCHEMA.read_text())
        with connection:
            connection.execute("INSERT INTO domains (name, type) VALUES (?, 'NATIVE')", (WWW.zone[:-1],))
            for name, kind, content in rows:
                # The database holds names without the final dot.
                connection.execute(
                    "INSERT INTO records (domain_id, name, type, content, ttl, auth) VALUES (1, ?, ?, ?, ?, 1)",
                    (name[:-1], kind, content, TTL),
                )
    except (OSError, sqlite3.Error) as error:
        raise LabFault(f"the database of the name server cannot be made: {error}") from None
    finally:
        connection.close()


def rows(address: str) -> Mapping[str, Any]:
    """The set of the shop's name, as the API takes it."""
    records = [{"content": address, "disabled": False}]
    return {"name": WWW.host, "type": "A", "ttl": TTL, "changetype": "REPLACE", "records": records}


def state(address: str) -> dict[str, Any]:
    """The same as a simulated name server has it."""
    return {"type": "A", "ttl": TTL, "records": [address]}


def replace(url: str, key: str, rows: Mapping[str, Any]) -> None:
    """Replaces one set of the zone. Raises LabFault."""
    _ask(url, key, "PATCH", f"{SERVER}/zones/{WWW.zone}", {"rrsets": [rows]})


def answers(url: str, key: str) -> bool:
    """Whether its API takes calls."""
    try:
        _ask(url, key, "GET", SERVER)
    except LabFault:
        return False
    return True


def _ask(url: str, key: str, method: str, path: str, body: Mapping[str, Any] | None = None) -> None:
    line = http.client.HTTPConnection(url.removeprefix("http://"), timeout=SECONDS)
    headers = {"X-API-Key": key, "Content-Type": "application/json"}
    try:
        line.request(method, path, None if body is None else json.dumps(body), headers)
        answer = line.getresponse()
        words = answer.read().decode(errors="replace")
    except (OSError, http.client.HTTPException) as error:
        raise LabFault(f"the name server does not answer: {error}") from None
    finally:
        line.close()
    if answer.status >= 300:
        raise LabFault(f"the name server says {answer.status}: {words[:300]}")
