"""The verifier that needs nothing of ours, run as an auditor runs it: against published keys, and against liars."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeAlias

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from incidents.audit import verify_audit
from incidents.audit.keys import make_key
from incidents.audit.tiles import TileStore
from incidents.domain.merkle import Frontier
from incidents.domain.notes import COSIGNATURE, Checkpoint, Note, Receipt
from incidents.domain.tree import prove_consistency, prove_inclusion

ORIGIN = "log.example.net/audit"
KEY, OTHER, WITNESS = make_key(ORIGIN), make_key(ORIGIN), make_key("witness.example.org", COSIGNATURE)
SIZE, OLD = 300, 200
MOMENT = 1_771_609_500
FILE = Path(verify_audit.__file__)
Ask: TypeAlias = Callable[..., tuple[int, str]]


class Log:
    """A log of `SIZE` entries, with everything that can be made of it."""

    def __init__(self, folder: Path) -> None:
        self.store = TileStore(folder)
        self.bodies = [f'{{"event":"run.accepted","index":{n},"time":"t","v":1}}'.encode() for n in range(SIZE)]
        self.store.extend(Frontier(), self.bodies)
        self.nodes = self.store.nodes(SIZE)

    def note(self, size: int, *, key: object = KEY, witnessed: bool = True) -> str:
        told = Checkpoint(ORIGIN, size, self.store.frontier(size).root())
        assert isinstance(key, type(KEY))
        lines = (key.sign(told.text), WITNESS.cosign(told.text, MOMENT)) if witnessed else (key.sign(told.text),)
        return str(Note(told.text, lines))

    def receipt(self, index: int, **how: object) -> str:
        proof = tuple(prove_inclusion(index, SIZE, self.nodes))
        return str(Receipt(index, proof, self.note(SIZE, **how), self.bodies[index]))  # type: ignore[arg-type]

    def rows(self, indices: Sequence[int], *, proven: bool) -> list[dict[str, object]]:
        rows: list[dict[str, object]] = [{"checkpoint": self.note(SIZE)}]
        for index in indices:
            row: dict[str, object] = {"index": index, "body": self.bodies[index].decode()}
            if proven:
                row["proof"] = [base64.b64encode(step).decode() for step in prove_inclusion(index, SIZE, self.nodes)]
            rows.append(row)
        return rows


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Log:
    return Log(tmp_path_factory.mktemp("log"))


@pytest.fixture
def ask(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Ask:
    """Runs it on a file of that text; gives the exit code and what was said."""

    def asked(verb: str, text: str, *more: str, key: str = str(KEY.verifier)) -> tuple[int, str]:
        path = tmp_path / "file"
        path.write_bytes(text.encode("utf-8", "surrogateescape"))
        code = verify_audit.main([verb, str(path), "--key", key, *more])
        return code, capsys.readouterr().out

    return asked


def lines(rows: Sequence[dict[str, object]]) -> str:
    return "".join(f"{json.dumps(row)}\n" for row in rows)


def test_it_is_one_short_file_of_the_standard_library() -> None:
    text = FILE.read_text()
    assert text.count("\n") <= 300
    found = subprocess.run(
        [sys.executable, "-I", "-S", str(FILE), "--help"], capture_output=True, check=True, text=True
    )
    assert "receipt" in found.stdout


def test_signatures_of_the_published_vectors() -> None:
    """RFC 8032 section 7.1, tests 1 to 3."""
    for public, message, first, second in (
        (
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            "",
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155",
            "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
        ),
        (
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
            "72",
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da",
            "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
        ),
        (
            "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
            "af82",
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac",
            "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
        ),
    ):
        key, text, made = bytes.fromhex(public), bytes.fromhex(message), bytes.fromhex(first + second)
        assert verify_audit.signed_by(key, text, made)
        assert not verify_audit.signed_by(key, text + b"x", made)
        # S and S + L are the same to whoever does not look.
        forged = made[:32] + (int.from_bytes(made[32:], "little") + verify_audit.L).to_bytes(32, "little")
        assert not verify_audit.signed_by(key, text, forged)
        assert not verify_audit.signed_by(key, text, made[:63])


@given(st.binary(min_size=32, max_size=32), st.binary(max_size=100), st.integers(0, 511))
def test_it_agrees_with_the_library(seed: bytes, message: bytes, bit: int) -> None:
    private = Ed25519PrivateKey.from_private_bytes(seed)
    public, made = private.public_key().public_bytes_raw(), private.sign(message)
    assert verify_audit.signed_by(public, message, made)
    turned = (int.from_bytes(made) ^ 1 << bit).to_bytes(64)
    assert not verify_audit.signed_by(public, message, turned)


def test_a_receipt_is_proven(log: Log, ask: Ask) -> None:
    for index in (0, 255, 256, SIZE - 1):
        code, said = ask("receipt", log.receipt(index), "--witness", str(WITNESS.verifier))
        assert code == 0, said
        assert f"PROVEN: it is in the log of {SIZE} entries" in said
        assert f"a witness, {MOMENT} seconds" in said
        assert "NOT PROVEN" in said


def test_an_export_is_proven(log: Log, ask: Ask) -> None:
    code, said = ask("export", lines(log.rows(range(SIZE), proven=False)))
    assert code == 0
    assert f"PROVEN: these are all {SIZE} entries" in said
    code, said = ask("export", lines(log.rows([7, 299, 3], proven=True)))
    assert code == 0
    assert "PROVEN: each of these 3 entries" in said
    assert "NOT PROVEN: that nothing was left out" in said


def test_growth_is_proven(log: Log, ask: Ask, tmp_path: Path) -> None:
    old, proof = tmp_path / "old", tmp_path / "proof"
    for size in (0, 1, 256, SIZE):
        old.write_text(str(Note((told := Checkpoint(ORIGIN, size, _root(log, size))).text, (KEY.sign(told.text),))))
        steps = prove_consistency(size, SIZE, log.nodes)
        proof.write_text("".join(f"{base64.b64encode(step).decode()}\n" for step in steps))
        code, said = ask("growth", log.note(SIZE), "--old", str(old), "--proof", str(proof))
        assert code == 0, said
        assert f"begins with the {size} of the older" in said
    # The other way round, and another history.
    newer = tmp_path / "newer"
    newer.write_text(log.note(SIZE))
    told = Checkpoint(ORIGIN, 256, _root(log, 256))
    code, said = ask("growth", str(Note(told.text, (KEY.sign(told.text),))), "--old", str(newer), "--proof", str(proof))
    assert (code, "cannot have grown" in said) == (1, True)
    other = Checkpoint(ORIGIN, 256, bytes(32))
    old.write_text(str(Note(other.text, (KEY.sign(other.text),))))
    proof.write_text("".join(f"{base64.b64encode(s).decode()}\n" for s in prove_consistency(256, SIZE, log.nodes)))
    code, said = ask("growth", log.note(SIZE), "--old", str(old), "--proof", str(proof))
    assert (code, "does not begin with" in said) == (1, True)


def _root(log: Log, size: int) -> bytes:
    return log.store.frontier(size).root()


def test_liars(log: Log, ask: Ask) -> None:
    good = log.receipt(5)
    extra = base64.b64encode(log.bodies[5]).decode()
    swapped = base64.b64encode(log.bodies[6]).decode()
    for text, more, code, says in (
        (good, ["--witness", str(OTHER.verifier)], 1, "not signed by"),
        (log.receipt(5, witnessed=False), ["--witness", str(WITNESS.verifier)], 1, "not signed by witness"),
        (log.receipt(5, key=OTHER), [], 1, "not signed by"),
        (good.replace(extra, swapped), [], 1, "not in the log"),
        (good.replace("index 5", "index 6"), [], 1, "not in the log"),
        (good.replace("index 5", "index 300"), [], 1, "there is no entry"),
        (good.replace(f"\n{SIZE}\n", f"\n{SIZE - 1}\n"), [], 1, "and is not"),
        (good.replace(f"{ORIGIN}\n{SIZE}", f"log.example.org/audit\n{SIZE}"), [], 1, "and is not"),
        (good.replace("index 5", "index 05"), [], 2, "which entry"),
        (good.replace(extra, "!!"), [], 2, "CANNOT BE READ"),
        (good.replace("\n\n", "\n" + "A" * 43 + "=\n", 1), [], 2, "CANNOT BE READ"),
        (good.replace("\n\n", "\n" + ("A" * 43 + "=\n") * 70 + "\n", 1), [], 2, "more than 63"),
        (good.replace("\n\n", "\n" + "A" * 43 + "=\n\n", 1), [], 1, "too long"),
        (good + "x" * 300_000, [], 2, "larger"),
        (good + "\x1b[2J", [], 2, "control"),
        ("", [], 2, "no receipt"),
        ("\udcff", [], 2, "CANNOT BE READ"),
    ):
        found, said = ask("receipt", text, *more)
        assert (found, says in said) == (code, True), (says, said)


def test_liars_with_exports(log: Log, ask: Ask) -> None:
    whole, some = log.rows(range(SIZE), proven=False), log.rows([7, 9], proven=True)
    changed = [*whole]
    changed[4] = {**whole[4], "body": str(whole[4]["body"]).replace("run", "ran")}
    cases: list[tuple[list[dict[str, object]], int, str]] = [
        (whole[:-1], 1, "not the 300"),
        ([*whole[:5], *whole[6:]], 1, "entry 4 is missing"),
        ([*whole[:5], whole[6], whole[5], *whole[7:]], 1, "entry 4 is missing"),
        (changed, 1, "not the 300"),
        ([*whole, {"index": SIZE, "body": f'{{"index":{SIZE},}}'}], 1, "not the 300"),
        ([*some[:2], {**some[2], "proof": some[1]["proof"]}], 1, "not in the log"),
        ([*some, {**some[1], "index": 9}], 1, "another one"),
        ([*some, whole[1]], 1, "not the 300"),
        (whole[1:], 2, "CANNOT BE READ"),
        ([*some, {"index": 3}], 2, "CANNOT BE READ"),
        ([*some, {**some[1], "proof": 5}], 2, "CANNOT BE READ"),
    ]
    for rows, code, says in cases:
        found, said = ask("export", lines(rows))
        assert (found, says in said) == (code, True), (says, said)
    deep = lines(some) + "[" * 100_000 + "\n"
    assert ask("export", deep)[0] == 2
    assert ask("export", lines(some) + "x" * 2_000_000)[0] == 2


@pytest.mark.parametrize(
    "key", ["", "a", "a+b", "a+b+c", str(KEY.verifier)[:-4], str(KEY.verifier).replace("log", "lug")]
)
def test_keys_that_are_none(log: Log, ask: Ask, key: str) -> None:
    assert ask("receipt", log.receipt(5), key=key)[0] == 2


def test_no_single_turned_bit_is_proven(log: Log, ask: Ask) -> None:
    good = log.receipt(5, witnessed=False).encode()
    for place in range(len(good) * 8):
        byte, bit = divmod(place, 8)
        bent = good[:byte] + bytes((good[byte] ^ 1 << bit,)) + good[byte + 1 :]
        code, said = ask("receipt", bent.decode("utf-8", "surrogateescape"))
        assert code in (1, 2), (place, said)


@given(st.binary(max_size=400))
def test_no_bytes_break_it(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.mktemp("any") / "file"
    path.write_bytes(data)
    for verb in ("receipt", "export"):
        assert verify_audit.main([verb, str(path), "--key", str(KEY.verifier)]) in (1, 2)
