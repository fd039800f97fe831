"""The name server that the world plays: answers over UDP, by the states of a simulated backend."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, cast

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdatatype
import dns.rrset

States = Mapping[str, Mapping[str, Any]]


class Answerer(asyncio.DatagramProtocol):
    """Answers for one zone, and for nothing else.

    Args:
        states: of the backend that plays the name server, {ZONE/NAME/TYPE: {"type", "ttl", "records"}}.
        zone: with the final dot.
    """

    def __init__(self, states: States, zone: str) -> None:
        self._states, self._zone = states, dns.name.from_text(zone)
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # It can do all that is asked of one, and is of another class.
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        try:
            query = dns.message.from_wire(data)
        except (dns.exception.DNSException, ValueError):
            return
        asked = not query.flags & dns.flags.QR and query.opcode() == dns.opcode.QUERY and len(query.question) == 1
        if asked and self._transport is not None:
            self._transport.sendto(self.answer(query).to_wire(), addr)

    def answer(self, query: dns.message.Message) -> dns.message.Message:
        answer = dns.message.make_response(query)
        question = query.question[0]
        if not question.name.is_subdomain(self._zone):
            answer.set_rcode(dns.rcode.REFUSED)
            return answer
        answer.flags |= dns.flags.AA
        found = {kind: state for (name, kind), state in self._sets().items() if name == question.name}
        if not found and question.name != self._zone:
            answer.set_rcode(dns.rcode.NXDOMAIN)
        state = found.get(dns.rdatatype.to_text(question.rdtype))
        if state:
            try:
                rows = dns.rrset.from_text_list(question.name, state["ttl"], "IN", question.rdtype, state["records"])
                answer.answer.append(rows)
            except (dns.exception.DNSException, ValueError, KeyError, TypeError):
                answer.set_rcode(dns.rcode.SERVFAIL)
        return answer

    def _sets(self) -> dict[tuple[dns.name.Name, str], Mapping[str, Any]]:
        """The sets that hold something, by name and type."""
        keys = {key: key.split("/") for key, state in self._states.items() if state.get("records")}
        return {(dns.name.from_text(name), kind): self._states[key] for key, (_, name, kind) in keys.items()}


async def listen(host: str, states: States, zone: str) -> str:
    """Starts one listener on a free port; returns its `host:port`. It ends with the program."""
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(lambda: Answerer(states, zone), local_addr=(host, 0))
    return f"{host}:{transport.get_extra_info('sockname')[1]}"
