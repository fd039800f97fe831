"""A small mail server over a real socket, which keeps what it is given, or refuses whom a test names."""

from __future__ import annotations

import email
import email.policy
import socket
import threading
from email.message import EmailMessage
from typing import cast

from tests.fakes.sockets import Peer


class MailServer(Peer):
    """`letters` are the messages that it took, `receivers` whom they were for.

    Args:
        refused: addresses, each with the line that refuses it, such as `550 no such user`.
    """

    def __init__(self, **refused: str) -> None:
        super().__init__(self._talk_smtp)
        self.refused = {name.replace("_at_", "@"): line for name, line in refused.items()}
        self.letters: list[EmailMessage] = []
        self.receivers: list[str] = []

    @property
    def port(self) -> int:
        return int(self.address.rpartition(":")[2])

    def _talk_smtp(self, line: socket.socket, ended: threading.Event) -> None:
        reader = line.makefile("rb")
        line.sendall(b"220 mail.example.net\r\n")
        for received in reader:
            verb = received[:4].upper()
            if verb == b"RCPT":
                line.sendall(self._receiver(received.decode()))
            elif verb == b"DATA":
                line.sendall(b"354 go on\r\n")
                self._take(iter(reader.readline, b".\r\n"))
                line.sendall(b"250 taken\r\n")
            elif verb == b"QUIT":
                line.sendall(b"221 bye\r\n")
                return
            else:
                line.sendall(b"250 mail.example.net\r\n")

    def _receiver(self, text: str) -> bytes:
        address = text[text.index("<") + 1 : text.index(">")]
        if address in self.refused:
            return f"{self.refused[address]}\r\n".encode()
        self.receivers.append(address)
        return b"250 fine\r\n"

    def _take(self, lines: object) -> None:
        raw = b"".join(cast("list[bytes]", lines))
        self.letters.append(email.message_from_bytes(raw, policy=email.policy.default))
