"""The TCP services behind the prefixes: one listener for each prefix at each location.

A service answers with a greeting while the collector's table has the prefix from that location and the prefix is bound
to a service there; otherwise its connections are reset.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

GREETING = b"ok\n"
# How long a look at the table is good for, so that many visitors at once cost one look.
SECONDS_KEPT = 0.02

Look = Callable[[str, str], bool]


@dataclass(slots=True)
class Services:
    """Listens at loopback addresses.

    Args:
        sees: asks the collector's table for a location and a prefix; may block for milliseconds, raises OSError.
        bound: whether the prefix is bound to a service at the location.
    """

    sees: Look
    bound: Look
    _kept: dict[tuple[str, str], tuple[float, bool]] = field(default_factory=dict)
    _servers: list[asyncio.Server] = field(default_factory=list)

    async def listen(self, location: str, prefix: str, host: str) -> str:
        """Starts one listener on a free port; returns its `host:port`."""

        async def meet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            if await self.answers(location, prefix):
                writer.write(GREETING)
                writer.close()
            else:
                writer.transport.abort()

        server = await asyncio.start_server(meet, host, 0, backlog=1024)
        self._servers.append(server)
        return f"{host}:{server.sockets[0].getsockname()[1]}"

    async def answers(self, location: str, prefix: str) -> bool:
        if not self.bound(location, prefix):
            return False
        now = asyncio.get_running_loop().time()
        until, seen = self._kept.get((location, prefix), (0.0, False))
        if until < now:
            try:
                seen = await asyncio.to_thread(self.sees, location, prefix)
            except OSError:
                seen = False
            self._kept[location, prefix] = (now + SECONDS_KEPT, seen)
        return seen
