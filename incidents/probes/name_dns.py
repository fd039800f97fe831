"""One question to one name server: over UDP, and over TCP where the answer does not fit (RFC 1035, RFC 7766).

In a file of its own, so that a worker that has no such probe does not load dnspython. That one writes and reads the
messages; the sockets are ours, because its time limits go by a clock that somebody may set.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Sequence
from dataclasses import dataclass

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from incidents.wire.deadline import Deadline

# A datagram may be lost on its way, which says nothing about the name.
SECONDS_UNTIL_NEXT_TRY = 0.5
LARGEST_DATAGRAM = 65535
# Names that lead to other names; more than these are no way to a page.
MOST_ALIASES = 8

NOT_TAKEN = "the name server did not take the question"
NOT_ITS = "the name server does not answer for this name"
WORDS = {
    dns.rcode.NXDOMAIN: "there is no such name",
    dns.rcode.SERVFAIL: "the name server failed",
    dns.rcode.REFUSED: NOT_ITS,
    dns.rcode.NOTAUTH: NOT_ITS,
}


class _Wrong(Exception):
    """It answered, and not as we asked; the text is constant words."""


@dataclass(frozen=True, slots=True)
class AddressQuestion:
    """The addresses of a name, as the name server has them that answers for it; never from anybody's memory."""

    name: dns.name.Name
    kind: dns.rdatatype.RdataType

    @staticmethod
    def of(name: str, kind: str) -> AddressQuestion:
        """
        Args:
            name: of ASCII letters, digits, hyphens and underscores, with or without the final dot.
            kind: `A` or `AAAA`.
        """
        return AddressQuestion(dns.name.from_text(name), dns.rdatatype.from_text(kind))

    def ask(self, host: str, port: int, deadline: Deadline) -> tuple[Sequence[str], str]:
        """Every address that the name leads to, sorted; and in constant words what is wrong where there is none.

        Raises OSError when the server did not answer: a TimeoutError when the time was over.
        """
        query = dns.message.make_query(self.name, self.kind, flags=0, use_edns=False)
        try:
            answer = _over_udp(query, host, port, deadline) or _over_tcp(query, host, port, deadline)
            return sorted({row.to_text() for row in self._rows(answer)}), ""
        except _Wrong as wrong:
            return (), str(wrong)

    def _rows(self, answer: dns.message.Message) -> dns.rrset.RRset:
        """The set that the name leads to, by way of other names where it says so. Raises _Wrong."""
        rcode = answer.rcode()
        if rcode != dns.rcode.NOERROR:
            raise _Wrong(WORDS.get(rcode, NOT_TAKEN))
        if not answer.flags & dns.flags.AA:
            raise _Wrong(NOT_ITS)
        sets = {(row.name, row.rdtype): row for row in answer.answer if row.rdclass == dns.rdataclass.IN}
        at = self.name
        for _ in range(MOST_ALIASES):
            if found := sets.get((at, self.kind)):
                return found
            alias = sets.get((at, dns.rdatatype.CNAME))
            if not alias:
                break
            at = alias[0].target
        raise _Wrong(
            "the name has no such record" if at == self.name else "the name leads to another one that was not told"
        )


def _over_udp(query: dns.message.Message, host: str, port: int, deadline: Deadline) -> dns.message.Message | None:
    """The answer; None where it was too long for a datagram. What is no answer to our question is passed over."""
    wire = query.to_wire()
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.connect((host, port))  # so that answers of nobody else come in, and a port that is closed is told
        while True:
            line.settimeout(deadline.left())
            line.send(wire)
            turn = Deadline(min(SECONDS_UNTIL_NEXT_TRY, deadline.left()))
            try:
                while True:
                    line.settimeout(turn.left())
                    received = line.recv(LARGEST_DATAGRAM)
                    try:
                        answer, whole = _read(query, received)
                    except _Wrong:
                        continue
                    return answer if whole else None
            except TimeoutError:
                continue


def _over_tcp(query: dns.message.Message, host: str, port: int, deadline: Deadline) -> dns.message.Message:
    """The answer. Raises _Wrong where what comes is none."""
    with socket.create_connection((host, port), deadline.left()) as line:
        wire = query.to_wire()
        line.sendall(struct.pack("!H", len(wire)) + wire)
        (length,) = struct.unpack("!H", _exactly(line, 2, deadline))
        answer, whole = _read(query, _exactly(line, length, deadline))
    if not whole:
        raise _Wrong("what came was no answer of the DNS")
    return answer


def _exactly(line: socket.socket, length: int, deadline: Deadline) -> bytes:
    received = bytearray()
    while len(received) < length:
        line.settimeout(deadline.left())
        piece = line.recv(length - len(received))
        if not piece:
            raise ConnectionError("the name server ended the conversation")
        received += piece
    return bytes(received)


def _read(query: dns.message.Message, received: bytes) -> tuple[dns.message.Message, bool]:
    """What was answered, and whether it is all of it. Raises _Wrong where it is no answer to this question."""
    try:
        answer, whole = dns.message.from_wire(received, raise_on_truncation=True), True
    except dns.message.Truncated as error:
        answer, whole = error.message(), False  # type: ignore[no-untyped-call]  # the one of its verbs without types
    except (dns.exception.DNSException, ValueError):
        raise _Wrong("what came was no answer of the DNS") from None
    if not query.is_response(answer):
        raise _Wrong("what came was no answer of the DNS")
    return answer, whole
