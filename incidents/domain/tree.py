"""Proofs of the RFC 6962 tree: that an entry is in it, and that a larger tree holds a smaller one unchanged.

Making one asks for the hashes of perfect subtrees only; whoever keeps those decides where (`incidents.audit.nodes`
has them in the database, `incidents.audit.tiles` on disk). Checking one needs nothing but the proof.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

from incidents.domain.merkle import node_hash

# The hash of the perfect subtree over the entries from `index << level` up to, and without, `(index + 1) << level`.
Nodes: TypeAlias = Callable[[int, int], bytes]

# Levels of a tree of 2**63 entries: no proof of any log is longer.
LONGEST_PROOF = 63


class Unproven(Exception):
    """A proof that does not prove what it is said to prove."""


def root_of(begin: int, end: int, nodes: Nodes) -> bytes:
    """The Merkle tree hash of the entries from `begin` to, and without, `end`, a range that occurs in a tree."""
    count = end - begin
    if count & (count - 1) == 0:
        level = count.bit_length() - 1
        return nodes(level, begin >> level)
    middle = begin + _split(count)
    return node_hash(root_of(begin, middle, nodes), root_of(middle, end, nodes))


def prove_inclusion(index: int, size: int, nodes: Nodes) -> list[bytes]:
    """RFC 6962 section 2.1.1: the siblings on the way from the entry up to the root of the tree of `size` entries.

    Raises:
        ValueError: there is no such entry in that tree.
    """
    if not 0 <= index < size:
        raise ValueError(f"there is no entry {index} in a tree of {size}")
    return [root_of(begin, end, nodes) for begin, end in _siblings(index, size)]


def check_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """RFC 9162 section 2.1.3.2. Raises Unproven unless `leaf` is entry `index` of the tree with that root."""
    if not 0 <= index < size:
        raise Unproven(f"there is no entry {index} in a tree of {size}")
    place, last, found = index, size - 1, leaf
    for step in proof:
        if last == 0:
            raise Unproven("the proof is too long")
        if place & 1 or place == last:
            found = node_hash(step, found)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            found = node_hash(found, step)
        place, last = place >> 1, last >> 1
    if last != 0:
        raise Unproven("the proof is too short")
    if found != root:
        raise Unproven("the entry is not in the tree with that root")


def prove_consistency(old: int, new: int, nodes: Nodes) -> list[bytes]:
    """RFC 6962 section 2.1.2: what is needed to see that the tree of `new` entries begins with that of `old`.

    Empty where there is nothing to prove: from an empty tree, or to the same one.

    Raises:
        ValueError: the old tree is the larger one.
    """
    if not 0 <= old <= new:
        raise ValueError(f"a tree of {new} entries cannot hold one of {old}")
    if old in (0, new):
        return []
    return [root_of(begin, end, nodes) for begin, end in _shared(old, new)]


def check_consistency(old: int, old_root: bytes, new: int, new_root: bytes, proof: Sequence[bytes]) -> None:
    """RFC 9162 section 2.1.4.2. Raises Unproven unless the new tree begins with the entries of the old one."""
    if old > new:
        raise Unproven(f"a tree of {new} entries cannot hold one of {old}")
    if old in (0, new):
        if proof:
            raise Unproven("the proof is too long")
        if old == new and old_root != new_root:
            raise Unproven("two trees of one size have different roots")
        return
    steps = list(proof) if old & (old - 1) else [old_root, *proof]
    if not steps:
        raise Unproven("the proof is too short")
    if _climb(old, new, steps) != (old_root, new_root):
        raise Unproven("the new tree does not begin with the old one")


def _climb(old: int, new: int, steps: Sequence[bytes]) -> tuple[bytes, bytes]:
    """The roots of both trees that follow from the steps."""
    place, last = old - 1, new - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    before = after = steps[0]
    for step in steps[1:]:
        if last == 0:
            raise Unproven("the proof is too long")
        if place & 1 or place == last:
            before, after = node_hash(step, before), node_hash(step, after)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            after = node_hash(after, step)
        place, last = place >> 1, last >> 1
    if last != 0:
        raise Unproven("the proof is too short")
    return before, after


def _siblings(index: int, size: int) -> Iterator[tuple[int, int]]:
    """The ranges beside the way from the entry to the root, the lowest first."""
    ranges = []
    begin, end = 0, size
    while end - begin > 1:
        middle = begin + _split(end - begin)
        if index < middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((begin, middle))
            begin = middle
    return reversed(ranges)


def _shared(old: int, new: int) -> Iterator[tuple[int, int]]:
    """The ranges of a consistency proof: what both trees are made of, and what the new one has besides."""
    ranges = []
    begin, end = 0, new
    while old < end:
        middle = begin + _split(end - begin)
        if old <= middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((begin, middle))
            begin = middle
    # The old tree as a whole, whose root is known already, is left out.
    if begin:
        ranges.append((begin, end))
    return reversed(ranges)


def _split(count: int) -> int:
    """The largest power of two below `count`."""
    return 1 << ((count - 1).bit_length() - 1)
