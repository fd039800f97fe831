"""The tree, held against the known answers of the certificate-transparency test data for RFC 6962."""

from __future__ import annotations

import hashlib

import pytest

from incidents.domain.merkle import Frontier, leaf_hash, node_hash

# Inputs and roots as published with the reference implementation's Merkle tree tests.
LEAVES = [bytes.fromhex(text) for text in (
    "",
    "00",
    "10",
    "2021",
    "3031",
    "40414243",
    "5051525354555657",
    "606162636465666768696a6b6c6d6e6f",
)]  # fmt: skip
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


@pytest.mark.parametrize("size", range(len(ROOTS)))
def test_known_roots(size: int) -> None:
    tree = Frontier().append(leaf_hash(entry) for entry in LEAVES[:size])
    assert tree.size == size
    assert tree.root().hex() == ROOTS[size]


def _by_definition(leaves: list[bytes]) -> bytes:
    """RFC 6962 section 2.1, word for word."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return node_hash(_by_definition(leaves[:split]), _by_definition(leaves[split:]))


def test_appending_one_by_one_gives_the_tree_of_the_definition() -> None:
    leaves = [leaf_hash(str(number).encode()) for number in range(130)]
    tree = Frontier()
    for count, leaf in enumerate(leaves, start=1):
        tree = tree.append((leaf,))
        assert tree.root() == _by_definition(leaves[:count])
        assert len(tree.peaks) == count.bit_count()
