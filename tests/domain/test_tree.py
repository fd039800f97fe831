"""Proofs, held against the definitions of RFC 6962 and the published known answers; and against whoever bends them."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incidents.domain.merkle import Frontier, leaf_hash, node_hash
from incidents.domain.tree import (
    Nodes,
    Unproven,
    check_consistency,
    check_inclusion,
    prove_consistency,
    prove_inclusion,
    root_of,
)
from tests.domain.test_merkle import LEAVES, ROOTS

MOST = 70
HASHES = [leaf_hash(str(number).encode()) for number in range(MOST)]


def nodes_of(leaves: Sequence[bytes]) -> Nodes:
    """The definition, without any short cut."""

    def node(level: int, index: int) -> bytes:
        if level == 0:
            return leaves[index]
        return node_hash(node(level - 1, 2 * index), node(level - 1, 2 * index + 1))

    return node


def root(size: int) -> bytes:
    return Frontier().append(HASHES[:size]).root()


# From the reference implementation's tests over the same eight entries: (index, size) and the siblings from below.
PATHS = {
    (0, 1): (),
    (0, 8): (
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ),
    (5, 8): (
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ),
    (2, 3): ("fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",),
    (1, 5): (
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ),
}
STEPS = {
    (1, 1): (),
    (1, 8): (
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ),
    (6, 8): (
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ),
    (2, 5): (
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ),
}


@pytest.mark.parametrize("case", PATHS, ids=str)
def test_known_paths(case: tuple[int, int]) -> None:
    index, size = case
    leaves = [leaf_hash(entry) for entry in LEAVES]
    proof = prove_inclusion(index, size, nodes_of(leaves))
    assert tuple(step.hex() for step in proof) == PATHS[case]
    check_inclusion(leaves[index], index, size, proof, bytes.fromhex(ROOTS[size]))


@pytest.mark.parametrize("case", STEPS, ids=str)
def test_known_consistency(case: tuple[int, int]) -> None:
    old, new = case
    proof = prove_consistency(old, new, nodes_of([leaf_hash(entry) for entry in LEAVES]))
    assert tuple(step.hex() for step in proof) == STEPS[case]
    check_consistency(old, bytes.fromhex(ROOTS[old]), new, bytes.fromhex(ROOTS[new]), proof)


def test_every_entry_of_every_tree_is_proven() -> None:
    nodes = nodes_of(HASHES)
    for size in range(1, MOST):
        assert root_of(0, size, nodes) == root(size)
        for index in range(size):
            check_inclusion(HASHES[index], index, size, prove_inclusion(index, size, nodes), root(size))


def test_every_two_trees_are_proven_consistent() -> None:
    nodes = nodes_of(HASHES)
    for new in range(MOST):
        for old in range(new + 1):
            check_consistency(old, root(old), new, root(new), prove_consistency(old, new, nodes))


@pytest.mark.parametrize(("index", "size"), [(0, 0), (1, 1), (-1, 3), (9, 3)])
def test_no_proof_of_an_entry_that_is_not_there(index: int, size: int) -> None:
    with pytest.raises(ValueError, match="there is no entry"):
        prove_inclusion(index, size, nodes_of(HASHES))
    with pytest.raises(Unproven, match="there is no entry"):
        check_inclusion(HASHES[0], index, size, [], root(1))


def test_a_larger_tree_is_not_held_by_a_smaller_one() -> None:
    with pytest.raises(ValueError, match="cannot hold"):
        prove_consistency(3, 2, nodes_of(HASHES))
    with pytest.raises(Unproven, match="cannot hold"):
        check_consistency(3, root(3), 2, root(2), [])


def test_two_trees_of_one_size_have_one_root() -> None:
    with pytest.raises(Unproven, match="different roots"):
        check_consistency(5, root(5), 5, HASHES[0], [])


@given(st.data())
def test_a_bent_proof_of_an_entry_proves_nothing(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, MOST - 1))
    index = data.draw(st.integers(0, size - 1))
    proof = prove_inclusion(index, size, nodes_of(HASHES))
    bent = data.draw(_bent(proof))
    with pytest.raises(Unproven):
        check_inclusion(HASHES[index], index, size, bent, root(size))
    for other in {0, size - 1, index + 1} - {index}:
        with pytest.raises(Unproven):
            check_inclusion(HASHES[index], other, size, proof, root(size))


@given(st.data())
def test_a_bent_proof_of_consistency_proves_nothing(data: st.DataObject) -> None:
    new = data.draw(st.integers(2, MOST - 1))
    old = data.draw(st.integers(1, new - 1))
    proof = prove_consistency(old, new, nodes_of(HASHES))
    with pytest.raises(Unproven):
        check_consistency(old, root(old), new, root(new), data.draw(_bent(proof)))
    with pytest.raises(Unproven):
        check_consistency(old, HASHES[old], new, root(new), proof)
    with pytest.raises(Unproven):
        check_consistency(old, root(old), new, HASHES[old], proof)


@st.composite
def _bent(draw: st.DrawFn, proof: Sequence[bytes]) -> list[bytes]:
    """The proof with one bit turned, one step dropped, or one step too many."""
    steps = list(proof)
    kind = draw(st.sampled_from(["turned", "dropped", "added"] if steps else ["added"]))
    place = draw(st.integers(0, max(0, len(steps) - 1)))
    if kind == "turned":
        bit = draw(st.integers(0, 255))
        steps[place] = (int.from_bytes(steps[place]) ^ 1 << bit).to_bytes(32)
    elif kind == "dropped":
        del steps[place]
    else:
        steps.insert(place, draw(st.binary(min_size=32, max_size=32)))
    return steps
