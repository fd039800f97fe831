"""One question to the world over its control socket."""

from __future__ import annotations

import json
import socket
from typing import Any

from incidents.lab.faults import LabFault

SECONDS = 10.0


def ask(address: str, **request: object) -> dict[str, Any]:
    """The world's answer. Raises LabFault when it does not answer, or answers no."""
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host, int(port)), SECONDS) as line, line.makefile("rb") as answers:
            line.sendall((json.dumps(request) + "\n").encode())
            answer: dict[str, Any] = json.loads(answers.readline())
    except (OSError, ValueError) as error:
        raise LabFault(f"the world does not answer at {address}: {error}") from None
    if answer.get("ok") is not True:
        raise LabFault(f"the world says no: {answer.get('error')}")
    return answer
