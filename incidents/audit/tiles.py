"""The log as static files in a directory: the signer's own copy, which no database can change.

What it holds is only what its last checkpoint signs; files beyond that are of a round that did not get as far, and are
written again. Files are replaced whole and never shortened, and are on the disk before the checkpoint that needs them.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path

from incidents.domain.merkle import Frontier, leaf_hash, node_hash
from incidents.domain.notes import Malformed
from incidents.domain.tiles import CHECKPOINT, ENTRIES, HEIGHT, WIDTH, bundle, path_of, split, unbundle
from incidents.domain.tree import Nodes

# Tiles of 8 KB that are kept in memory while proofs are made.
KEPT = 64


class Damaged(Exception):
    """A file of the copy is gone or is not what it was; the message names it."""


class TileStore:
    """One log in one directory."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def checkpoint(self) -> str:
        """The signed note of what is here; empty where nothing is."""
        path = self.root / CHECKPOINT
        return path.read_text(encoding="utf-8") if path.exists() else ""

    def publish(self, note: str) -> None:
        """Makes the note the checkpoint of what is here."""
        self._write(CHECKPOINT, note.encode())

    def extend(self, tree: Frontier, entries: Sequence[bytes]) -> Frontier:
        """Puts entries behind those of the tree, with every hash that follows from them; gives the tree of all."""
        leaves = list(map(leaf_hash, entries))
        done = 0
        while done < len(entries):
            index, there = divmod(tree.size + done, WIDTH)
            some = list(entries[done : done + WIDTH - there])
            kept = self.entries(index, there) if there else []
            hashes = self._hashes(0, index, there) if there else []
            width = there + len(some)
            self._write(path_of(ENTRIES, index, width), bundle([*kept, *some]))
            self._put(0, index, [*hashes, *leaves[done : done + len(some)]])
            done += len(some)
        return tree.append(leaves)

    def entries(self, index: int, width: int = WIDTH) -> list[bytes]:
        """The first `width` entries of a bundle. Raises Damaged."""
        path, data = self._read(ENTRIES, index, width)
        try:
            found = unbundle(data)
        except Malformed as error:
            raise Damaged(f"{path} is damaged") from error
        if len(found) < width:
            raise Damaged(f"{path} has too few entries")
        return found[:width]

    def all_entries(self, size: int, first: int = 0, until: int | None = None) -> Iterator[bytes]:
        """The entries from index `first` up to, and without, `until`, of a log of `size`, each held against its hash.

        Raises:
            Damaged: a file is gone, or entries and hashes are not of one another.
        """
        end = size if until is None else min(until, size)
        for index in range(first // WIDTH, -(-end // WIDTH)):
            begin = index * WIDTH
            width = min(WIDTH, size - begin)
            found = self.entries(index, width)
            if list(map(leaf_hash, found)) != self._hashes(0, index, width):
                raise Damaged(f"{path_of(ENTRIES, index, width)} does not give its hashes")
            yield from found[max(0, first - begin) : end - begin]

    def leaves(self, index: int, width: int = WIDTH) -> list[bytes]:
        """The first `width` leaf hashes of a tile. Raises Damaged."""
        return self._hashes(0, index, width)

    def nodes(self, size: int) -> Nodes:
        """The hashes of the perfect subtrees of the first `size` entries; asking for others raises Damaged."""

        @lru_cache(maxsize=KEPT)
        def tile(level: int, index: int) -> list[bytes]:
            width = min(WIDTH, (size >> (HEIGHT * level)) - index * WIDTH)
            return self._hashes(level, index, width)

        def node(level: int, index: int) -> bytes:
            above = level % HEIGHT
            first = (index << above) % WIDTH
            hashes = tile(level // HEIGHT, (index << above) // WIDTH)[first : first + (1 << above)]
            return _root(hashes)

        return node

    def frontier(self, size: int) -> Frontier:
        """The tree of the first `size` entries. Raises Damaged."""
        nodes, peaks, begin = self.nodes(size), [], 0
        for level in reversed(range(size.bit_length())):
            if size >> level & 1:
                peaks.append(nodes(level, begin >> level))
                begin += 1 << level
        return Frontier(size, tuple(peaks))

    def _put(self, level: int, index: int, hashes: Sequence[bytes]) -> None:
        """Writes a tile, and, once it is full, its root into the level above."""
        self._write(path_of(level, index, len(hashes)), b"".join(hashes))
        if len(hashes) < WIDTH:
            return
        self._tidy(level, index)
        above, place = divmod(index, WIDTH)
        before = self._hashes(level + 1, above, place) if place else []
        self._put(level + 1, above, [*before, _root(hashes)])

    def _tidy(self, level: int, index: int) -> None:
        """Takes away the partial tiles of one that is full now."""
        for kind in (level, ENTRIES) if level == 0 else (level,):
            shutil.rmtree(self.root / f"{path_of(kind, index)}.p", ignore_errors=True)

    def _hashes(self, level: int, index: int, width: int) -> list[bytes]:
        path, data = self._read(level, index, width)
        try:
            found = split(data)
        except Malformed as error:
            raise Damaged(f"{path} is damaged") from error
        if len(found) < width:
            raise Damaged(f"{path} has too few hashes")
        return found[:width]

    def _read(self, kind: int | str, index: int, width: int) -> tuple[str, bytes]:
        """The partial tile, or the full one, of which the partial ones may be gone."""
        for path in (path_of(kind, index, width), path_of(kind, index)):
            try:
                return path, (self.root / path).read_bytes()
            except FileNotFoundError:
                continue
        raise Damaged(f"{path_of(kind, index, width)} is gone")

    def _write(self, path: str, data: bytes) -> None:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        fresh = target.with_name(f".{target.name}.new")
        with fresh.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(target)
        directory = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)


def _root(hashes: Sequence[bytes]) -> bytes:
    """The root of a perfect subtree over a power of two of hashes."""
    row = list(hashes)
    while len(row) > 1:
        row = [node_hash(row[place], row[place + 1]) for place in range(0, len(row), 2)]
    return row[0]
