"""The log as static files: the paths and widths of the specification, and proofs out of nothing but the files."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from incidents.audit.tiles import Damaged, TileStore
from incidents.domain.merkle import Frontier, leaf_hash
from incidents.domain.notes import Malformed
from incidents.domain.tiles import bundle, path_of, split, unbundle, widths
from incidents.domain.tree import check_consistency, check_inclusion, prove_consistency, prove_inclusion

MANY = 70_000


def entries(first: int, last: int) -> list[bytes]:
    return [f'{{"index":{number}}}'.encode() for number in range(first, last)]


def root(size: int) -> bytes:
    return Frontier().append(map(leaf_hash, entries(0, size))).root()


@pytest.fixture
def store(tmp_path: Path) -> TileStore:
    return TileStore(tmp_path / "log")


def files(store: TileStore) -> set[str]:
    return {str(path.relative_to(store.root)) for path in store.root.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("level", "index", "width", "path"),
    [
        (0, 0, 256, "tile/0/000"),
        (3, 1234067, 256, "tile/3/x001/x234/067"),
        (0, 273, 112, "tile/0/273.p/112"),
        ("entries", 1000, 1, "tile/entries/x001/000.p/1"),
    ],
)
def test_paths_of_the_specification(level: int | str, index: int, width: int, path: str) -> None:
    assert path_of(level, index, width) == path


def test_the_example_of_the_specification() -> None:
    """A tree of 70,000: 273 full tiles and one of 112; a full one and one of 17; one of 1."""
    assert [width for _, width in widths(0, MANY)] == [256] * 273 + [112]
    assert list(widths(1, MANY)) == [(0, 256), (1, 17)]
    assert list(widths(2, MANY)) == [(0, 1)]
    assert list(widths(1, 256)) == [(0, 1)]
    assert list(widths(0, 0)) == []


def test_a_log_grows_by_any_steps_into_the_same_files(tmp_path: Path) -> None:
    at_once, by_steps = TileStore(tmp_path / "a"), TileStore(tmp_path / "b")
    at_once.extend(Frontier(), entries(0, 1500))
    tree = Frontier()
    for step in (1, 1, 254, 1, 255, 300, 688):
        tree = by_steps.extend(tree, entries(tree.size, tree.size + step))
    size = tree.size
    assert size == 1500
    assert tree.root() == root(size)
    for level in (0, 1):
        for index, width in widths(level, size):
            name = path_of(level, index, width)
            assert (by_steps.root / name).read_bytes() == (at_once.root / name).read_bytes()
    assert list(by_steps.all_entries(size)) == list(at_once.all_entries(size)) == entries(0, size)
    assert list(by_steps.all_entries(1500, 700)) == entries(700, 1500)
    assert list(by_steps.all_entries(1500, 700, 1030)) == entries(700, 1030)


def test_partial_tiles_go_when_the_full_one_is_there(store: TileStore) -> None:
    tree = store.extend(Frontier(), entries(0, 100))
    tree = store.extend(tree, entries(100, 200))
    assert {"tile/0/000.p/100", "tile/0/000.p/200", "tile/entries/000.p/200"} <= files(store)
    store.extend(tree, entries(200, 260))
    assert files(store) == {
        *("tile/0/000", "tile/0/001.p/4", "tile/1/000.p/1", "tile/entries/000", "tile/entries/001.p/4"),
    }


def test_every_proof_comes_out_of_the_files(store: TileStore) -> None:
    store.extend(Frontier(), entries(0, MANY))
    last = root(MANY)
    assert store.frontier(MANY).root() == last
    nodes = store.nodes(MANY)
    chance = random.Random(7)  # noqa: S311  # the same places in every run
    for index in (0, 255, 256, 65_535, 65_536, MANY - 1, *(chance.randrange(MANY) for _ in range(50))):
        leaf = leaf_hash(f'{{"index":{index}}}'.encode())
        check_inclusion(leaf, index, MANY, prove_inclusion(index, MANY, nodes), last)
    for old in (1, 255, 256, 257, 65_536, 69_887):
        assert store.frontier(old).root() == root(old)
        check_consistency(old, root(old), MANY, last, prove_consistency(old, MANY, nodes))


def test_what_is_gone_or_damaged_is_named(store: TileStore) -> None:
    store.extend(Frontier(), entries(0, 300))
    (store.root / "tile/0/001.p/44").unlink()
    with pytest.raises(Damaged, match=r"tile/0/001\.p/44 is gone"):
        store.frontier(300)
    (store.root / "tile/0/000").write_bytes(b"short")
    with pytest.raises(Damaged, match="tile/0/000 is damaged"):
        store.leaves(0)
    (store.root / "tile/0/000").write_bytes(bytes(64))
    with pytest.raises(Damaged, match="too few hashes"):
        store.leaves(0)
    (store.root / "tile/entries/000").write_bytes(b"\x00\x05abc")
    with pytest.raises(Damaged, match="tile/entries/000 is damaged"):
        store.entries(0)
    (store.root / "tile/entries/000").write_bytes(bundle([b"abc"]))
    with pytest.raises(Damaged, match="too few entries"):
        list(store.all_entries(300))


def test_a_round_that_broke_off_does_no_harm(store: TileStore) -> None:
    tree = store.extend(Frontier(), entries(0, 250))
    store.publish("first\n")
    store.extend(tree, [b"of a round that was never signed"] * 10)
    store.extend(tree, entries(250, 270))
    assert store.frontier(270).root() == root(270)
    assert store.frontier(250).root() == root(250)
    assert store.checkpoint() == "first\n"


def test_nothing_is_there_at_first(store: TileStore) -> None:
    assert store.checkpoint() == ""
    assert store.frontier(0) == Frontier()


def test_bundles() -> None:
    assert unbundle(bundle([b"", b"a", b"b" * 65_535])) == [b"", b"a", b"b" * 65_535]
    for broken in (b"\x00", b"\x00\x02a", bundle([b"ab"])[:-1]):
        with pytest.raises(Malformed):
            unbundle(broken)
    for broken in (b"", b"\x00", bytes(257 * 32)):
        with pytest.raises(Malformed):
            split(broken)
