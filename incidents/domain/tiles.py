"""Where the parts of a log lie as static files, see https://c2sp.org/tlog-tiles: any tool for such logs reads ours."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from incidents.domain.notes import HASH_SIZE, Malformed

# Hashes in a full tile, and the levels of the tree that it spans.
WIDTH = 256
HEIGHT = 8
CHECKPOINT = "checkpoint"
ENTRIES = "entries"
LENGTH_SIZE = 2
# What two bytes of length can say.
LARGEST_ENTRY = 65_535


def path_of(level: int | str, index: int, width: int = WIDTH) -> str:
    """The path of a tile below the log's address.

    Args:
        level: of the tile, or `ENTRIES` for a bundle of entries.
        index: of the tile in its level.
        width: how many hashes or entries it has; below 256 it is a partial one.
    """
    groups = [f"{index % 1000:03}"]
    while index := index // 1000:
        groups.append(f"x{index % 1000:03}")
    part = "" if width == WIDTH else f".p/{width}"
    return f"tile/{level}/{'/'.join(reversed(groups))}{part}"


def widths(level: int, size: int) -> Iterator[tuple[int, int]]:
    """Index and width of every tile of a level in a tree of `size` entries."""
    hashes = size >> (HEIGHT * level)
    full, rest = divmod(hashes, WIDTH)
    for index in range(full):
        yield index, WIDTH
    if rest:
        yield full, rest


def bundle(entries: Iterable[bytes]) -> bytes:
    """The entries of one tile in a row, each after its length in two bytes."""
    return b"".join(len(entry).to_bytes(LENGTH_SIZE) + entry for entry in entries)


def unbundle(data: bytes) -> list[bytes]:
    """The entries of a bundle. Raises Malformed where it ends within one."""
    entries, place = [], 0
    while place < len(data):
        begin = place + LENGTH_SIZE
        end = begin + int.from_bytes(data[place:begin])
        if end > len(data) or begin > len(data):
            raise Malformed("a bundle of entries that ends within one")
        entries.append(data[begin:end])
        place = end
    return entries


def split(data: bytes) -> list[bytes]:
    """The hashes of a tile. Raises Malformed."""
    if len(data) % HASH_SIZE or not 0 < len(data) <= WIDTH * HASH_SIZE:
        raise Malformed("a tile is at most 256 hashes of 32 bytes")
    return [data[place : place + HASH_SIZE] for place in range(0, len(data), HASH_SIZE)]
