"""One gRPC connection shared by threads, made when it is first needed and replaced when it has failed."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import grpc

OPTIONS: list[tuple[str, int | str]] = [
    # A channel that failed is replaced by a fresh one, which must not inherit the waiting time of its predecessor.
    ("grpc.use_local_subchannel_pool", 1),
    # GoBGP's server ends connections that are pinged more often than every 5 minutes (grpc-go's default policy).
    ("grpc.keepalive_time_ms", 360_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.enable_http_proxy", 0),
    # 1,100 paths of a few hundred bytes each are well below this.
    ("grpc.max_receive_message_length", 16 * 1024 * 1024),
]


@dataclass(slots=True)
class _Line:
    channel: grpc.Channel
    pid: int
    users: int = 0
    retired: bool = False


class SharedChannel:
    """Hands out one channel; never before it is used, so that it is made after a fork, not before it."""

    def __init__(self, address: str, credentials: grpc.ChannelCredentials | None, server_name: str = "") -> None:
        self._address, self._credentials = address, credentials
        self._options = list(OPTIONS)
        if server_name:
            self._options.append(("grpc.ssl_target_name_override", server_name))
        self._lock = threading.Lock()
        self._line: _Line | None = None

    @contextmanager
    def use(self) -> Iterator[grpc.Channel]:
        """The channel, for the length of one call. A failed one is closed when its last user is done."""
        with self._lock:
            line = self._line
            if line is None or line.pid != os.getpid():
                line = self._line = _Line(self._open(), os.getpid())
            line.users += 1
        try:
            yield line.channel
        finally:
            with self._lock:
                line.users -= 1
                ended = line.retired and line.users == 0
            if ended:
                line.channel.close()

    def retire(self, channel: grpc.Channel) -> None:
        """The next user gets a new channel.

        A half-open connection would otherwise swallow every call until TCP gives up on it, a quarter of an hour later.
        """
        with self._lock:
            if self._line is not None and self._line.channel is channel:
                self._line.retired, self._line = True, None

    def close(self) -> None:
        with self._lock:
            line, self._line = self._line, None
            if line is None or line.pid != os.getpid():
                return
            line.retired = True
            idle = line.users == 0
        if idle:
            line.channel.close()

    def _open(self) -> grpc.Channel:
        if self._credentials is None:
            return grpc.insecure_channel(self._address, self._options)
        return grpc.secure_channel(self._address, self._credentials, self._options)
