"""Checks an audit log of Handrail, or a receipt of it, without Handrail: Python 3.10 and this file are all it takes.

    python3 verify_audit.py receipt RUN.tlog-proof --key KEY
    python3 verify_audit.py export AUDIT.jsonl --key KEY
    python3 verify_audit.py growth NEW.checkpoint --old OLD.checkpoint --proof PROOF --key KEY

KEY is the public key of the log, `NAME+ID+BASE64`, as you had it from whom you trust, and not from where the file came.
Where `--witness KEY` follows, that witness must have signed as well. Ends with 0 when everything asked was proven, with
1 when something is wrong, and with 2 when a file or a key could not be read.
Formats: RFC 6962, and https://c2sp.org/ signed-note, tlog-checkpoint, tlog-cosignature and tlog-proof.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import re
import sys
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO, NamedTuple

LARGEST_FILE, LARGEST_LINE, LONGEST_PROOF, MOST_SIGNATURES = 300_000, 1_000_000, 63, 32
DASH, LOG, WITNESS = "\u2014", 1, 4

# Ed25519, RFC 8032 section 5.1: the field, the order of the group, the curve, and the base point.
P, L = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT_OF_MINUS_1 = pow(2, (P - 1) // 4, P)
Point = tuple[int, int, int, int]


class Wrong(Exception):
    """Something that was to be proven is not so. What is not of its form, so that nothing is proven, is ValueError."""


class Key(NamedTuple):
    name: str
    id: bytes
    kind: int
    public: bytes


class Checkpoint(NamedTuple):
    size: int
    root: bytes
    signers: list[str]


def add(a: Point, b: Point) -> Point:
    """RFC 8032 section 5.1.4."""
    k, m = (a[1] - a[0]) * (b[1] - b[0]) % P, (a[1] + a[0]) * (b[1] + b[0]) % P
    t, z = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    e, f, g, h = m - k, z - t, z + t, m + k
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(number: int, point: Point) -> Point:
    found: Point = (0, 1, 1, 0)
    while number:
        if number & 1:
            found = add(found, point)
        point, number = add(point, point), number >> 1
    return found


def point_of(data: bytes) -> Point | None:
    """RFC 8032 section 5.1.3; None for what is no point."""
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & (1 << 255) - 1
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT_OF_MINUS_1 % P
    if y >= P or (x * x - square) % P or (x == 0 and sign):
        return None
    x = P - x if x & 1 != sign else x
    return x, y, 1, x * y % P


BASE = point_of((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))


def signed_by(public: bytes, message: bytes, signature: bytes) -> bool:
    """RFC 8032 section 5.1.7: whether the point R of the signature is S times the base point less k times the key."""
    key, number = point_of(public), int.from_bytes(signature[32:], "little")
    if key is None or BASE is None or len(signature) != 64 or number >= L:
        return False
    k = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % L
    x, y, z, _ = add(times(number, BASE), times(k, (P - key[0], key[1], 1, P - key[3])))
    x, y = x * pow(z, P - 2, P) % P, y * pow(z, P - 2, P) % P
    return (y | (x & 1) << 255).to_bytes(32, "little") == signature[:32]


def hashed(*parts: bytes) -> bytes:
    """RFC 6962 section 2.1: of a leaf after a zero byte, of two subtrees after a one."""
    return hashlib.sha256(b"".join(parts)).digest()


def climb(place: int, last: int, steps: Sequence[bytes], low: bytes, high: bytes) -> tuple[bytes, bytes]:
    """RFC 9162 sections 2.1.3.2 and 2.1.4.2: both roots that the steps lead to; `low` grows on its left only."""
    for step in steps:
        if last == 0:
            raise Wrong("the proof is too long")
        if place & 1 or place == last:
            low, high = hashed(b"\x01", step, low), hashed(b"\x01", step, high)
            while place and not place & 1:
                place, last = place >> 1, last >> 1
        else:
            high = hashed(b"\x01", high, step)
        place, last = place >> 1, last >> 1
    if last:
        raise Wrong("the proof is too short")
    return low, high


def check_inclusion(leaf: bytes, index: int, proof: Sequence[bytes], tree: Checkpoint) -> None:
    if not 0 <= index < tree.size:
        raise Wrong(f"there is no entry {index} in a log of {tree.size}")
    if climb(index, tree.size - 1, proof, leaf, leaf)[1] != tree.root:
        raise Wrong(f"entry {index} is not in the log that was signed")


def decoded(text: str, size: int = 0) -> bytes:
    value = base64.b64decode(text, validate=True)
    if base64.b64encode(value).decode() != text or (size and len(value) != size):
        raise ValueError("base64 that is not of its form")
    return value


def proof_of(lines: Sequence[str]) -> list[bytes]:
    if len(lines) > LONGEST_PROOF:
        raise ValueError(f"a proof of more than {LONGEST_PROOF} hashes")
    return [decoded(line, 32) for line in lines]


def key_of(text: str) -> Key:
    name, _, rest = text.strip().partition("+")
    given, _, encoded = rest.partition("+")
    value = decoded(encoded, 33)
    key = Key(name, hashlib.sha256(name.encode() + b"\n" + value).digest()[:4], value[0], value[1:])
    if not name or key.id.hex() != given or key.kind not in (LOG, WITNESS):
        raise ValueError("the key is not whole: it is NAME+ID+BASE64 of an Ed25519 key")
    return key


def checkpoint_of(note: str, trusted: Sequence[Key]) -> Checkpoint:
    """A checkpoint that every one of the trusted keys has signed, the first of which is the log's."""
    text, blank, signatures = note.rpartition("\n\n")
    lines = text.split("\n")
    if not blank or len(lines) < 3 or not signatures.endswith("\n") or signatures.count("\n") > MOST_SIGNATURES:
        raise ValueError("a checkpoint is three lines, an empty line, and signatures")
    signers = {}
    for line in signatures[:-1].split("\n"):
        dash, name, value = [*line.split(" "), "", ""][:3]
        if dash != DASH:
            raise ValueError("a checkpoint with a line that is no signature")
        signature = decoded(value)
        for key in trusted:
            if (key.name, key.id) == (name, signature[:4]):
                signers[key] = said(key, text + "\n", signature[4:])
    missing = [key.name for key in trusted if key not in signers]
    if missing:
        raise Wrong(f"not signed by {missing[0]}, or not with that key")
    if lines[0] != trusted[0].name:
        raise Wrong("a checkpoint of another log than that of the key")
    if not re.fullmatch("0|[1-9][0-9]{0,17}", lines[1]):
        raise ValueError("a size that is no number")
    return Checkpoint(int(lines[1]), decoded(lines[2], 32), list(signers.values()))


def said(key: Key, text: str, value: bytes) -> str:
    """By whom it was signed, in words; a witness says when. Raises Wrong for a false signature."""
    moment = int.from_bytes(value[:8], "big")
    if key.kind == WITNESS:
        text, value = f"cosignature/v1\ntime {moment}\n{text}", value[8:]
    if not signed_by(key.public, text.encode(), value):
        raise Wrong(f"a signature that says it is of {key.name}, and is not")
    return key.name if key.kind == LOG else f"{key.name} (a witness, {moment} seconds after 1970)"


def object_of(data: bytes) -> dict[str, Any]:
    return dict(json.loads(data))


def receipt(text: str, trusted: Sequence[Key]) -> Iterator[str]:
    head, _, note = text.partition("\n\n")
    lines = head.split("\n")
    if lines.pop(0) != "c2sp.org/tlog-proof@v1" or len(lines) < 2 or not lines[0].startswith("extra "):
        raise ValueError("this is no receipt with an entry in it")
    body = decoded(lines.pop(0)[6:])
    if not re.fullmatch("index (0|[1-9][0-9]{0,17})", lines[0]):
        raise ValueError("the receipt does not say which entry it is of")
    index = int(lines.pop(0)[6:])
    tree = checkpoint_of(note, trusted)
    check_inclusion(hashed(b"\x00", body), index, proof_of(lines), tree)
    entry = object_of(body)
    if entry.get("index") != index:
        raise Wrong(f"the bytes of entry {index} say that they are of another one")
    yield f"Entry {index} of {trusted[0].name}: {entry.get('event')!a} at {entry.get('time')!a}."
    yield f"PROVEN: it is in the log of {tree.size} entries, signed by {', '.join(tree.signers)}."
    yield f"Its bytes: {body.decode('utf-8', 'backslashreplace')!a}"


def growth(old: Checkpoint, new: Checkpoint, proof: list[bytes]) -> Iterator[str]:
    if old.size > new.size or (old.size == new.size and old.root != new.root):
        raise Wrong(f"the log of {new.size} entries cannot have grown out of that of {old.size}")
    if 0 < old.size < new.size:
        place, last = old.size - 1, new.size - 1
        while place & 1:
            place, last = place >> 1, last >> 1
        first, *steps = proof if old.size & (old.size - 1) else [old.root, *proof]
        if climb(place, last, steps, first, first) != (old.root, new.root):
            raise Wrong("the newer log does not begin with the entries of the older one")
    yield f"PROVEN: the log of {new.size} entries begins with the {old.size} of the older checkpoint, unchanged."
    yield f"Signed by {', '.join(new.signers)}."


def export(file: BinaryIO, trusted: Sequence[Key]) -> Iterator[str]:
    """The checkpoint, then an entry a line. Entries without a proof of their own must be all there are, in order."""
    tree = checkpoint_of(str(object_of(file.readline(LARGEST_LINE)).get("checkpoint")), trusted)
    peaks: list[bytes] = []
    count = alone = 0
    for index, leaf, proof in entries(file):
        if proof is not None:
            check_inclusion(leaf, index, proof_of(proof), tree)
            alone += 1
            continue
        if index != count:
            raise Wrong(f"entry {count} is missing; entry {index} stands in its place")
        peaks.append(leaf)
        count += 1
        while len(peaks) > bin(count).count("1"):  # two trees of one size become one of twice the size
            peaks[-2:] = [hashed(b"\x01", *peaks[-2:])]
    signed = f"signed by {', '.join(tree.signers)}"
    if alone and not count:
        yield f"PROVEN: each of these {alone} entries is in the log of {tree.size} entries, {signed}."
        yield "NOT PROVEN: that nothing was left out which was searched for."
        return
    root = peaks.pop() if peaks else hashed()
    while peaks:
        root = hashed(b"\x01", peaks.pop(), root)
    if (count, root) != (tree.size, tree.root):
        raise Wrong(f"these {count} entries are not the {tree.size} that were signed: some were changed or left out")
    yield f"PROVEN: these are all {count} entries of the log, unchanged and in order, {signed}."


def entries(file: BinaryIO) -> Iterator[tuple[int, bytes, list[str] | None]]:
    while line := file.readline(LARGEST_LINE):
        row = object_of(line)
        index, body = int(row["index"]), str(row["body"])
        if f'"index":{index},' not in body:
            raise Wrong(f"the bytes of entry {index} say that they are of another one")
        yield index, hashed(b"\x00", body.encode("utf-8", "surrogatepass")), row.get("proof")


def text_of(path: str) -> str:
    with open(path, "rb") as file:
        data = file.read(LARGEST_FILE + 1)
    text = data.decode()
    if len(data) > LARGEST_FILE or re.search("[\x00-\x09\x0b-\x1f]", text):
        raise ValueError(f"{path!a} is larger than anything of its kind, or holds control characters")
    return text


def asked(given: argparse.Namespace) -> Iterator[str]:
    trusted = [key_of(text) for text in (given.key, *given.witness)]
    if given.verb == "receipt":
        yield from receipt(text_of(given.file), trusted)
    elif given.verb == "growth":
        old, new = checkpoint_of(text_of(given.old), trusted[:1]), checkpoint_of(text_of(given.file), trusted)
        yield from growth(old, new, proof_of(text_of(given.proof).split()))
    else:
        with open(given.file, "rb") as file:
            yield from export(file, trusted)
    yield "NOT PROVEN: that all that happened was written down, or that the key is the log's; ask whom you trust."


def main(given: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Checks an audit log of Handrail, or a receipt, without Handrail.")
    parser.add_argument("verb", choices=("receipt", "export", "growth"))
    parser.add_argument("file", help="the receipt, the export, or the newer of two checkpoints")
    parser.add_argument("--old", help="growth: the older checkpoint")
    parser.add_argument("--proof", help="growth: the proof between the two, a hash a line")
    parser.add_argument("--key", required=True, help="public key of the log: NAME+ID+BASE64")
    parser.add_argument("--witness", action="append", default=[], help="public key of a witness that must have signed")
    try:
        print("\n".join(asked(parser.parse_args(given))))
    except Wrong as wrong:
        print(f"WRONG: {str(wrong)!a}. Delete nothing, and tell whoever answers for security.")
        return 1
    except (ValueError, LookupError, TypeError, RecursionError, OSError) as error:
        print(f"CANNOT BE READ: {str(error)!a}.")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
