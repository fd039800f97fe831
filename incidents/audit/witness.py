"""A small witness: signs what a log says of itself, as long as that only ever grows.

https://c2sp.org/tlog-witness, for whoever wants to be able to say later what the log had said to them: a customer, an
auditor, another department. It needs this package and `cryptography`; no Django, no database.

    python -m incidents.audit.witness --make-key witness.example.org --key KEYFILE
    python -m incidents.audit.witness --key KEYFILE --state DIRECTORY --log PUBLIC-KEY --listen 127.0.0.1:8090
"""

from __future__ import annotations

import argparse
import hashlib
import os
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from incidents.audit.keys import SigningKey, Unsigned, make_key, read_key, verify, write_key
from incidents.domain.merkle import Frontier
from incidents.domain.notes import (
    COSIGNATURE,
    Checkpoint,
    Malformed,
    VerifierKey,
    read_checkpoint,
    read_hashes,
    read_note,
    read_number,
    read_verifier_key,
)
from incidents.domain.tree import Unproven, check_consistency

PATH = "/add-checkpoint"
# 63 hashes of 45 letters, and a note with several signatures; those that are not the log's may be larger.
LARGEST_BODY = 100_000
# Whoever says nothing for so long, in seconds, is hung up on.
PATIENCE = 10.0
TEXT, SIZE = "text/plain; charset=utf-8", "text/x.tlog.size"


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer over HTTP."""

    status: int
    text: str
    kind: str = TEXT


class Witness:
    """What one witness has seen of some logs.

    Args:
        key: of kind `COSIGNATURE`.
        logs: public keys by origin; others are not known here.
        directory: where the newest checkpoint of each log is kept. One process at a time.
    """

    def __init__(self, key: SigningKey, logs: Sequence[VerifierKey], directory: Path) -> None:
        self._key = key
        self._logs: Mapping[str, list[VerifierKey]] = {
            log.name: [one for one in logs if one.name == log.name] for log in logs
        }
        self._directory = directory
        # The size is looked at and the new one kept as one step, or a log could be rolled back between the two.
        self._lock = threading.Lock()
        directory.mkdir(parents=True, exist_ok=True)

    def add_checkpoint(self, body: str, moment: int) -> Reply:
        """What is answered to a request of that body at that moment, in POSIX seconds."""
        head, blank, note_text = body.partition("\n\n")
        first, *steps = head.split("\n")
        if not blank or not first.startswith("old "):
            return Reply(400, "a request is the old size, a proof, an empty line and a checkpoint\n")
        try:
            old, proof = read_number(first.removeprefix("old "), "the old size"), read_hashes(steps)
            note = read_note(note_text)
            told = read_checkpoint(note.text)
        except Malformed as error:
            return Reply(400, f"{error}\n")
        if told.origin not in self._logs:
            return Reply(404, "this log is not known here\n")
        try:
            verify(note, self._logs[told.origin])
        except Unsigned as error:
            return Reply(403, f"{error}\n")
        if old > told.size:
            return Reply(400, "the old size is larger than that of the checkpoint\n")
        with self._lock:
            return self._grown(old, proof, told, moment)

    def _grown(self, old: int, proof: Sequence[bytes], told: Checkpoint, moment: int) -> Reply:
        seen = self._seen(told.origin)
        if old != seen.size or (told.size == seen.size and told.root != seen.root):
            return Reply(409, f"{seen.size}\n", SIZE)
        try:
            check_consistency(seen.size, seen.root, told.size, told.root, proof)
        except Unproven as error:
            return Reply(422, f"{error}\n")
        self._keep(told)
        return Reply(200, str(self._key.cosign(told.text, moment)))

    def _seen(self, origin: str) -> Checkpoint:
        path = self._path(origin)
        return (
            read_checkpoint(path.read_text(encoding="utf-8"))
            if path.exists()
            else Checkpoint(origin, 0, Frontier().root())
        )

    def _keep(self, told: Checkpoint) -> None:
        """On the disk before the answer, so that no restart forgets what was signed."""
        path = self._path(told.origin)
        fresh = path.with_suffix(".new")
        with fresh.open("w", encoding="utf-8") as file:
            file.write(told.text)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
        directory = os.open(self._directory, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)

    def _path(self, origin: str) -> Path:
        return self._directory / hashlib.sha256(origin.encode()).hexdigest()


class _Handler(BaseHTTPRequestHandler):
    timeout = PATIENCE
    protocol_version = "HTTP/1.1"
    server_version = "witness"
    sys_version = ""
    server: _Server

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        if self.path != PATH:
            self._answer(Reply(404, f"ask {PATH}\n"))
        elif not length.isascii() or not length.isdigit() or int(length) > LARGEST_BODY:
            self.close_connection = True
            self._answer(Reply(413, f"a request has at most {LARGEST_BODY} bytes, and says how many\n"))
        else:
            body = self.rfile.read(int(length)).decode("utf-8", "replace")
            self._answer(self.server.witness.add_checkpoint(body, int(time.time())))

    def _answer(self, reply: Reply) -> None:
        data = reply.text.encode()
        self.send_response(reply.status)
        self.send_header("Content-Type", reply.kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], witness: Witness) -> None:
        super().__init__(address, _Handler)
        self.witness = witness


def main(given: Sequence[str] | None = None) -> int:
    """Makes a key and prints its public half, or serves until it is ended. 2: what was given cannot be used."""
    parser = argparse.ArgumentParser(prog="python -m incidents.audit.witness", description="A witness of an audit log.")
    parser.add_argument("--key", type=Path, required=True, help="file of the secret key")
    parser.add_argument("--make-key", metavar="NAME", help="make the key first, under this name")
    parser.add_argument("--log", action="append", default=[], help="public key of a log; may be said again")
    parser.add_argument("--state", type=Path, help="directory in which to keep what was seen")
    parser.add_argument("--listen", default="127.0.0.1:8090", help="address and port; put TLS in front of it")
    asked = parser.parse_args(given)
    try:
        if asked.make_key:
            key = make_key(asked.make_key, COSIGNATURE)
            write_key(key, asked.key)
            print(key.verifier)
            return 0
        key = read_key(asked.key.read_text(encoding="utf-8"))
        logs = [read_verifier_key(text) for text in asked.log]
        host, _, port = asked.listen.rpartition(":")
        if key.kind != COSIGNATURE or not logs or asked.state is None:
            raise Malformed("a witness needs a key of its own (--make-key), --state, and --log")
        server = _Server((host, int(port)), Witness(key, logs, asked.state))
    except (ValueError, OSError) as error:
        print(f"The witness cannot begin: {error}.", file=sys.stderr)
        return 2
    print(f"{key.verifier} listens on {host}:{server.server_port}", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
