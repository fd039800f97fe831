"""What the lab's own programs have in common: they say where they listen, and run until they are told to end."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import Mapping


async def announce(listening: Mapping[str, object]) -> None:
    """Prints one line of JSON, and returns on SIGTERM or SIGINT."""
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    sys.stdout.write(json.dumps(listening) + "\n")
    sys.stdout.flush()
    await ended.wait()
