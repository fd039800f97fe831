"""The witness, over real sockets: it signs what grows, and nothing else; what it has seen survives its end."""

from __future__ import annotations

import base64
import http.client
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from incidents.audit.keys import make_key, verify
from incidents.audit.tiles import TileStore
from incidents.audit.witness import Witness, main
from incidents.domain.merkle import Frontier
from incidents.domain.notes import COSIGNATURE, Checkpoint, Note, VerifierKey, read_note, read_verifier_key
from incidents.domain.tree import prove_consistency
from tests.processes import ROOT

ORIGIN = "log.example.net/audit"
KEY, OTHER, OWN = make_key(ORIGIN), make_key("log.example.org"), make_key("witness.example.org", COSIGNATURE)
SIZE = 600
MOMENT = 1_771_609_500


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> TileStore:
    store = TileStore(tmp_path_factory.mktemp("log"))
    store.extend(Frontier(), [str(number).encode() for number in range(SIZE)])
    return store


@pytest.fixture
def witness(tmp_path: Path) -> Witness:
    return Witness(OWN, [KEY.verifier], tmp_path / "state")


def note(store: TileStore, size: int, root: bytes = b"") -> str:
    told = Checkpoint(ORIGIN, size, root or store.frontier(size).root())
    return str(Note(told.text, (KEY.sign(told.text),)))


def request(store: TileStore, old: int, size: int, proof: Sequence[bytes] | None = None, root: bytes = b"") -> str:
    steps = prove_consistency(old, size, store.nodes(SIZE)) if proof is None else proof
    lines = [f"old {old}", *(base64.b64encode(step).decode() for step in steps), "", note(store, size, root)]
    return "\n".join(lines)


def test_it_signs_what_grows(store: TileStore, witness: Witness) -> None:
    old = 0
    for size in (0, 256, 512, 512, 600):
        reply = witness.add_checkpoint(request(store, old, size), MOMENT)
        assert reply.status == 200, reply
        signed = read_note(note(store, size) + reply.text)
        assert verify(signed, [OWN.verifier]) == [OWN.verifier]
        old = size


def test_it_says_what_it_has_seen(store: TileStore, witness: Witness) -> None:
    assert witness.add_checkpoint(request(store, 0, 512), MOMENT).status == 200
    reply = witness.add_checkpoint(request(store, 0, 600), MOMENT)
    assert (reply.status, reply.text, reply.kind) == (409, "512\n", "text/x.tlog.size")


def test_it_signs_no_other_history(store: TileStore, witness: Witness) -> None:
    assert witness.add_checkpoint(request(store, 0, 512), MOMENT).status == 200
    assert witness.add_checkpoint(request(store, 512, 512, root=bytes(32)), MOMENT).status == 409
    assert witness.add_checkpoint(request(store, 512, 600, root=bytes(32)), MOMENT).status == 422
    assert witness.add_checkpoint(request(store, 512, 600, proof=[]), MOMENT).status == 422
    assert witness.add_checkpoint(request(store, 256, 256), MOMENT).status == 409
    assert witness.add_checkpoint(request(store, 512, 600), MOMENT).status == 200


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("", 400),
        ("old 0", 400),
        ("new 0\n\nx", 400),
        ("old 00\n\n{note}", 400),
        ("old -1\n\n{note}", 400),
        ("old 0\nAAAA\n\n{note}", 400),
        ("old 0\n" + ("A" * 43 + "=\n") * 64 + "\n{note}", 400),
        ("old 0\n\nnot a note\n", 400),
        ("old 600\n\n{note}", 400),
        ("old 0\n" + "A" * 43 + "=\n\n{note}", 422),
    ],
)
def test_what_is_no_request(store: TileStore, witness: Witness, body: str, status: int) -> None:
    assert witness.add_checkpoint(body.replace("{note}", note(store, 512)), MOMENT).status == status


def test_logs_that_are_not_known(store: TileStore, witness: Witness) -> None:
    told = Checkpoint("log.example.org", 512, store.frontier(512).root())
    unknown = str(Note(told.text, (OTHER.sign(told.text),)))
    assert witness.add_checkpoint(f"old 0\n\n{unknown}", MOMENT).status == 404
    mine = Checkpoint(ORIGIN, 512, store.frontier(512).root())
    forged = str(Note(mine.text, (OTHER.sign(mine.text),)))
    assert witness.add_checkpoint(f"old 0\n\n{forged}", MOMENT).status == 403


def test_many_at_once_never_go_back(store: TileStore, witness: Witness) -> None:
    """Of many who all begin at nothing exactly one is first; nobody's answer is of a smaller log than one before."""
    answers = []

    def ask(size: int) -> None:
        answers.append(witness.add_checkpoint(request(store, 0, size), MOMENT).status)

    threads = [threading.Thread(target=ask, args=(size,)) for size in (256, 512, 600) * 8]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [200] + [409] * 23


@contextmanager
def served(folder: Path, key: VerifierKey) -> Iterator[int]:
    command = ["--key", str(folder / "key"), "--state", str(folder / "state"), "--log", str(key)]
    process = subprocess.Popen(
        [sys.executable, "-m", "incidents.audit.witness", *command, "--listen", "127.0.0.1:0"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        yield int(process.stdout.readline().rpartition(":")[2])
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def post(port: int, body: str, path: str = "/add-checkpoint") -> tuple[int, str]:
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    line.request("POST", path, body.encode())
    answer = line.getresponse()
    found = answer.status, answer.read().decode()
    line.close()
    return found


def test_what_it_has_signed_survives_its_death(
    store: TileStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--key", str(tmp_path / "key"), "--make-key", "witness.example.org"]) == 0
    own = read_verifier_key(capsys.readouterr().out)
    with served(tmp_path, KEY.verifier) as port:
        status, signed = post(port, request(store, 0, 512))
        assert status == 200
        assert verify(read_note(note(store, 512) + signed), [own]) == [own]
    with served(tmp_path, KEY.verifier) as port:
        assert post(port, request(store, 0, 256)) == (409, "512\n")
        assert post(port, request(store, 512, 600))[0] == 200
        assert post(port, "x" * 100_001)[0] == 413
        assert post(port, "x", "/elsewhere")[0] == 404
        with socket.create_connection(("127.0.0.1", port), timeout=10) as raw:
            raw.sendall(b"POST /add-checkpoint HTTP/1.1\r\nHost: x\r\n\r\n")
            assert raw.recv(100).startswith(b"HTTP/1.1 413")
        assert post(port, request(store, 600, 600))[0] == 200


def test_it_does_not_begin_without_what_it_needs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    key = tmp_path / "key"
    assert main(["--key", str(key), "--make-key", "two words"]) == 2
    assert main(["--key", str(key), "--log", str(KEY.verifier), "--state", str(tmp_path)]) == 2
    assert main(["--key", str(key), "--make-key", "witness.example.org"]) == 0
    assert main(["--key", str(key), "--make-key", "witness.example.org"]) == 2
    assert main(["--key", str(key), "--state", str(tmp_path)]) == 2
    assert main(["--key", str(key), "--log", "x", "--state", str(tmp_path)]) == 2
    assert capsys.readouterr().err.count("The witness cannot begin") == 5
