"""Keys and notes, held against the published examples of the note format; and against what is not quite one."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incidents.audit.keys import Unsigned, make_key, open_checkpoint, read_key, verify, write_key
from incidents.domain.notes import (
    COSIGNATURE,
    Checkpoint,
    Malformed,
    Note,
    Receipt,
    read_checkpoint,
    read_note,
    read_receipt,
    read_verifier_key,
)

# From the documentation and tests of golang.org/x/mod/sumdb/note, where the format comes from.
TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
SECRET = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"  # published
PUBLIC = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
SIGNED = (
    "\u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
OTHER = "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop"
OTHER_SIGNED = (
    "\u2014 EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n"
)

ORIGIN = "log.example.net/audit"
KEY = make_key(ORIGIN)
ROOT = bytes(range(32))


def test_the_published_key_signs_the_published_note() -> None:
    key = read_key(SECRET)
    assert str(key.verifier) == PUBLIC
    assert key.secret() == SECRET
    assert str(key.sign(TEXT)) == SIGNED


def test_the_published_note_of_two_is_verified() -> None:
    note = read_note(f"{TEXT}\n{SIGNED}{OTHER_SIGNED}")
    keys = [read_verifier_key(OTHER), read_verifier_key(PUBLIC)]
    assert note.text == TEXT
    assert [str(key) for key in verify(note, keys)] == [PUBLIC, OTHER]
    assert str(note) == f"{TEXT}\n{SIGNED}{OTHER_SIGNED}"


def test_signatures_of_unknown_keys_are_ignored() -> None:
    note = read_note(f"{TEXT}\n{OTHER_SIGNED}{SIGNED}")
    assert verify(note, [read_verifier_key(PUBLIC)]) == [read_verifier_key(PUBLIC)]
    with pytest.raises(Unsigned, match="no key that is trusted"):
        verify(note, [KEY.verifier])


def test_a_false_signature_of_a_known_key_spoils_the_note() -> None:
    note = read_note(f"{TEXT}More.\n\n{SIGNED}{OTHER_SIGNED}")
    with pytest.raises(Unsigned, match="says it is of PeterNeumann"):
        verify(note, [read_verifier_key(PUBLIC)])


def test_a_checkpoint_is_opened() -> None:
    told = Checkpoint(ORIGIN, 20852163, ROOT)
    note = str(Note(told.text, (KEY.sign(told.text),)))
    assert open_checkpoint(note, ORIGIN, [KEY.verifier]) == told
    with pytest.raises(Malformed, match="another log"):
        open_checkpoint(note, "log.example.org/audit", [KEY.verifier])


def test_a_witness_signs_with_the_time() -> None:
    witness = make_key("witness.example.org", COSIGNATURE)
    told = Checkpoint(ORIGIN, 5, ROOT)
    line = witness.cosign(told.text, 1_679_315_147)
    note = Note(told.text, (KEY.sign(told.text), line))
    assert verify(note, [witness.verifier]) == [witness.verifier]
    # The same bytes for another second are nothing.
    late = line.value[:7] + bytes((line.value[7] ^ 1,)) + line.value[8:]
    forged = Note(told.text, (type(line)(line.name, line.key_id, late),))
    with pytest.raises(Unsigned):
        verify(forged, [witness.verifier])
    # And a witness is not the log, though it has the same key.
    with pytest.raises(Unsigned):
        verify(note, [type(witness)(witness.name, witness.seed).verifier])


def test_a_key_is_kept_for_its_owner_only_and_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "signer" / "key"
    write_key(KEY, path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert read_key(path.read_text()) == KEY
    with pytest.raises(FileExistsError):
        write_key(KEY, path)
    assert KEY.secret() not in repr(KEY)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "begins with"),
        ("PRIVATE+KEY+a", "begins with"),
        ("PRIVATE+KEY+a+00000000+!", "no base64"),
        ("PRIVATE+KEY+a+00000000+AYEK", "kind that is not known"),
        (SECRET.replace("c74f20a3", "c74f20a4"), "id does not belong"),
    ],
)
def test_what_is_no_secret_key_is_not_repeated(text: str, says: str) -> None:
    with pytest.raises(Malformed, match=says) as told:
        read_key(text)
    assert "AYEKFALV" not in str(told.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "NAME"),
        ("a b+00000000+AQ==", "NAME"),
        ("a+00000000+!", "no base64"),
        ("a+00000000+AQ==", "kind that is not known"),
        (PUBLIC.replace("+ARpc", "+AxpC"), "kind that is not known"),
        (PUBLIC.replace("PeterNeumann", "Peter"), "id does not belong"),
    ],
)
def test_what_is_no_public_key(text: str, says: str) -> None:
    with pytest.raises(Malformed, match=says):
        read_verifier_key(text)


@pytest.mark.parametrize("name", ["", "two words", "a+b", "a\u00a0b"])
def test_a_name_that_nothing_can_be_signed_under(name: str) -> None:
    with pytest.raises(Malformed):
        make_key(name)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ("", "empty line"),
        (TEXT, "empty line"),
        (f"{TEXT}\n", "empty line"),
        (f"{TEXT}\n{SIGNED}".rstrip("\n"), "empty line"),
        (f"{TEXT}\n{SIGNED}".replace("\u2014", "-"), "a dash"),
        (f"{TEXT}\n{SIGNED}".replace("x08g", "x0 g"), "a dash"),
        (f"{TEXT}\n\u2014 a !!!!\n", "no base64"),
        (f"{TEXT}\n\u2014 a AAAA\n", "too short"),
        (f"{TEXT}\n\u2014 a AAAAAB==\n", "canonical"),
        (f"{TEXT}\r\n\n{SIGNED}", "control"),
        (f"{TEXT}\n{SIGNED * 33}", "more than 32"),
        (f"{'x' * 100_001}\n\n{SIGNED}", "more than 100000"),
    ],
)
def test_what_is_no_note(data: str, says: str) -> None:
    with pytest.raises(Malformed, match=says):
        read_note(data)


@pytest.mark.parametrize(
    "text",
    [
        "a\n1\n",
        "\n1\nAAAA\n",
        "a\n01\n" + "A" * 43 + "=\n",
        "a\n-1\n" + "A" * 43 + "=\n",
        "a\n\u0661\n" + "A" * 43 + "=\n",
        "a\n9223372036854775808\n" + "A" * 43 + "=\n",
        "a\n1\nAAAA\n",
        "a\n1\n" + "A" * 42 + "B=\n",
    ],
)
def test_what_is_no_checkpoint(text: str) -> None:
    with pytest.raises(Malformed):
        read_checkpoint(text)


@given(st.integers(0, 2**40), st.lists(st.binary(min_size=32, max_size=32), max_size=63), st.binary(max_size=300))
def test_a_receipt_is_read_as_it_was_written(index: int, proof: list[bytes], entry: bytes) -> None:
    text = Checkpoint(ORIGIN, index + 1, ROOT).text
    receipt = Receipt(index, tuple(proof), str(Note(text, (KEY.sign(text),))), entry)
    assert read_receipt(str(receipt)) == receipt


def test_the_example_of_the_specification_is_read() -> None:
    data = (
        "c2sp.org/tlog-proof@v1\nextra YWdlLXYxLjIuMS1kYXJ3aW4tYXJtNjQudGFyLmd6\nindex 73894\n"
        "gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=\nB95lDa8R83lS8n0eG+o0buTxRKQTYFi//1U8anccXmA=\n\n"
        "example.com/fancylog\n109482\nsFodV/vSp5O8n9a8QpW6PRY97tfOSW5bsc2Xl/EQi08=\n\n"
        "\u2014 example.com/fancylog hI2DJwAA\n"
    )
    receipt = read_receipt(data)
    assert (receipt.index, len(receipt.proof)) == (73894, 2)
    assert receipt.extra == b"age-v1.2.1-darwin-arm64.tar.gz"
    assert read_checkpoint(read_note(receipt.checkpoint).text).size == 109482
    assert str(receipt) == data


@pytest.mark.parametrize(
    "data",
    [
        "",
        "c2sp.org/tlog-proof@v2\nindex 0\n\n",
        "c2sp.org/tlog-proof@v1\n\n",
        "c2sp.org/tlog-proof@v1\nindex 0",
        "c2sp.org/tlog-proof@v1\nindex 00\n\nx",
        "c2sp.org/tlog-proof@v1\nextra !\nindex 0\n\nx",
        "c2sp.org/tlog-proof@v1\nindex 0\nAAAA\n\nx",
        "c2sp.org/tlog-proof@v1\nindex 0\n" + ("A" * 43 + "=\n") * 64 + "\nx",
        "c2sp.org/tlog-proof@v1\nindex 0\n\n" + "x" * 250_000,
    ],
)
def test_what_is_no_receipt(data: str) -> None:
    with pytest.raises(Malformed):
        read_receipt(data)


@given(st.text(max_size=200))
def test_no_text_breaks_the_readers(data: str) -> None:
    for read in (read_note, read_receipt, read_checkpoint, read_verifier_key, read_key):
        with pytest.raises(Malformed):
            read(f"{data}?")
