"""Reads where processes have connected: by the audit hook of Python, and by strace, which sees what is not Python."""

from __future__ import annotations

import ast
import ipaddress
import re
from pathlib import Path

# A numeric address of strace's own writing, of either family.
NUMERIC = re.compile(r'inet_addr\("([^"]+)"\)|inet_pton\(AF_INET6, "([^"]+)"')
HERE = ("", "localhost")
# What the lab stands in a customer's systems with; haproxy looks its own host up when it starts.
DAEMONS = ("gobgpd", "bird", "haproxy", "git")
WHOSE = re.compile(rf"\d+<({'|'.join(DAEMONS)})>")


def of_hook(folder: Path) -> tuple[int, list[str]]:
    """How many entries there are, and those that lead outside this machine."""
    lines = [line for file in sorted(folder.iterdir()) for line in file.read_text().splitlines()]
    return len(lines), [line for line in lines if not _stays(line.partition(" ")[2])]


def of_strace(file: Path) -> tuple[int, list[str]]:
    """The same of what strace wrote, without the lab's daemons; sockets of the file system are not outside."""
    ours = [line for line in file.read_text().splitlines() if not WHOSE.match(line)]
    lines = [line for line in ours if "connect(" in line]
    found = [(line, NUMERIC.search(line)) for line in lines]
    return len(lines), [line for line, match in found if match and not _is_loopback(match[1] or match[2])]


def _stays(text: str) -> bool:
    where = ast.literal_eval(text)
    if isinstance(where, tuple):
        where = where[0]
    if isinstance(where, bytes):
        where = where.decode()
    # None is "this machine"; a path is a socket in the file system.
    return where is None or str(where).startswith("/") or _is_loopback(str(where))


def _is_loopback(host: str) -> bool:
    try:
        ip = ipaddress.ip_address(host)
    except ValueError:
        return host in HERE
    mapped = ip.ipv4_mapped if isinstance(ip, ipaddress.IPv6Address) else None
    return (mapped or ip).is_loopback or ip.is_unspecified
