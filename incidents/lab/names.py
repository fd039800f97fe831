"""Breaks and heals the name of the shop, at its name server or in the world; whoever looks it up says when it shows.

`facts` is what lab.json holds, see docs/lab.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dns.exception
import dns.message
import dns.query
import dns.rdatatype

from incidents.lab import nameserver, talk
from incidents.lab.demo import WWW
from incidents.lab.homes import OURS
from incidents.lab.waiting import wait
from incidents.lab.web import fetch

Facts = dict[str, Any]
SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Led:
    """Where the name leads who asks one name server, and whether our page is there.

    Args:
        addresses: none where no answer came, or none with an address.
        status: of HTTP, at the first of them; 0 for no answer.
    """

    addresses: tuple[str, ...]
    status: int
    ours: bool


def break_(facts: Facts) -> None:
    """Leads the name to the address of somebody else. Doing it twice is harmless."""
    _lead(facts, facts["nameserver"]["home"]["wrong"])
    wait(lambda: not any(led.ours for led in seen(facts).values()), "the name server")


def heal(facts: Facts) -> None:
    """Leads the name to the shop again, wherever it leads."""
    _lead(facts, facts["nameserver"]["home"]["right"])
    wait(lambda: all(led.ours for led in seen(facts).values()), "the name server")


def seen(facts: Facts) -> dict[str, Led]:
    """Where the name leads who asks the name server of each location."""
    given = facts["nameserver"]
    return {location: _follow(server, given["home"]["port"]) for location, server in given["servers"].items()}


def _follow(server: str, port: int) -> Led:
    addresses = look_up(server)
    if not addresses:
        return Led((), 0, ours=False)
    page, body = fetch(f"{addresses[0]}:{port}")
    return Led(addresses, page.status, OURS in body)


def look_up(server: str) -> tuple[str, ...]:
    """The addresses that the name server at `host:port` tells of the shop's name."""
    host, _, port = server.rpartition(":")
    try:
        answer = dns.query.udp(dns.message.make_query(WWW.host, "A"), host, SECONDS, int(port))
    except (OSError, dns.exception.DNSException):
        return ()
    rows = [row for rows in answer.answer if rows.rdtype == dns.rdatatype.A for row in rows]
    return tuple(sorted(row.to_text() for row in rows))


def _lead(facts: Facts, address: str) -> None:
    given = facts["nameserver"]
    if given["kind"] == "powerdns":
        nameserver.replace(given["url"], Path(given["api_key"]).read_text(), nameserver.rows(address))
        return
    states = {WWW.key: nameserver.state(address)}
    talk.ask(facts["world"]["address"], op="put", backend=given["backend"], states=states)
