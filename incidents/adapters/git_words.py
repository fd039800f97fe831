"""What git says, as sentences for people; and what we write into a history that people read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from incidents.adapters.git_command import Ended
from incidents.adapters.git_remote import Remote
from incidents.domain.changes import Cause
from incidents.domain.errors import AdapterError, BackendRefused, BackendUnreachable

LONGEST_DETAIL = 200
LONGEST_SUBJECT = 80
LONGEST_REASON = 500
SHORT = 10


@dataclass(frozen=True, slots=True)
class _Known:
    """A failure by its words (git 2.39, curl, OpenSSH). `refused` when the other side, or we at its sight, said no."""

    words: str
    refused: bool
    text: str


# The first that fits counts.
_KNOWN = (
    _Known(r"cannot run ssh|cannot spawn", False, "could not be asked: a program is not installed here"),
    _Known(r"couldn't find remote ref", True, "has no branch {branch}"),
    _Known(
        r"could not read (Username|Password)|Authentication failed|(returned error:|HTTP) 401",
        True,
        "does not accept our credentials",
    ),
    _Known(
        r"Host key verification failed|HOST IDENTIFICATION HAS CHANGED|host key is known for",
        True,
        "shows a host key that is not among those that we know",
    ),
    _Known(r"(returned error:|HTTP) 403|Permission denied", True, "does not permit this with our credentials"),
    _Known(
        r"(returned error:|HTTP) 404|repository '.*' not found",
        True,
        "has no such repository, or does not show it to us",
    ),
    _Known(r"returned error: 3\d\d", True, "has moved to another address"),
    _Known(r"dubious ownership", True, "belongs to another user of this machine, so git does not touch it"),
    _Known(r"mismatched algorithms", True, "names its objects by SHA-256, which this kind cannot read"),
    _Known(
        r"certificate verification failed|certificate problem|peer certificate|does not match target host",
        False,
        "could not be reached: its certificate is not accepted",
    ),
    _Known(
        r"does not appear to be a git repository", False, "could not be reached: there is no repository at that path"
    ),
    _Known(r"returned error: 5\d\d", False, "answers with an error of its own"),
    _Known(r"RPC failed|hung up|expected flush", False, "broke the connection off"),
    _Known(r"unable to access|Could not resolve|Connection refused|timed out", False, "could not be reached"),
)
# git ends with these only while it makes contact, when all that was sent is a question.
_AT_FIRST = re.compile(
    r"^fatal: (unable to access|repository '.*' not found|Authentication failed|could not read (Username|Password)"
    r"|Could not read from remote repository|the remote end hung up upon initial contact)"
)
# The gateway in front of the server answered, and passed nothing on.
_STOPPED = re.compile(r"RPC failed; HTTP (401|403|404|405|413)\b")
# A copy that lost some of its files, such as to a program that clears temporary folders.
_DAMAGED = re.compile(
    r"not a git repository: |bad object|loose object|unable to (read|create|open)|missing (blob|tree|commit)"
    r"|unresolved deltas|packfile|not a valid object|invalid sha1",
    re.IGNORECASE,
)


def failure(ended: Ended, remote: Remote) -> AdapterError:
    """What it means that git could not fetch, or not even begin to push; its own words are told where they are new."""
    known = _known(ended, remote)
    if known is None:
        told = said(ended.words, remote)
        return BackendUnreachable(f"{remote.name} could not be read" + (f": {told}" if told else ""))
    text = f"{remote.name} {known.text.format(branch=remote.branch)}"
    return BackendRefused(text) if known.refused else BackendUnreachable(text)


def certainly_not_sent(ended: Ended) -> bool:
    """Whether a push failed before the other side could take anything."""
    lines = _ours(ended.words)
    if any("RPC failed" in line for line in lines):
        return any(_STOPPED.search(line) for line in lines)
    return any(_AT_FIRST.search(line) for line in lines)


def is_damage(ended: Ended, remote: Remote) -> bool:
    """Whether our copy of the repository is to blame for a failure."""
    return _known(ended, remote) is None and any(_DAMAGED.search(line) for line in _ours(ended.words))


def said(lines: Iterable[str], remote: Remote) -> str:
    """What was said, for people: what the other side said before what git said, short, and without our secrets."""
    lines = list(lines)
    theirs = [line.removeprefix("remote:") for line in lines if line.startswith("remote:")]
    ours = [re.sub(r"^(fatal|error): ", "", line) for line in lines if re.match(r"fatal: |error: ", line)]
    text = " ".join(theirs or ours)
    for secret in remote.secrets:
        text = text.replace(secret, "(secret)")
    return printable(text, LONGEST_DETAIL)


def printable(text: str, longest: int) -> str:
    """One line without anything that a terminal or a reader could take for more than it is."""
    line = " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
    return line if len(line) <= longest else line[: longest - 1] + "…"


def message(paths: Sequence[str], trees: Sequence[str], cause: Cause) -> str:
    """The message of one commit.

    What a person wrote keeps to its own line, so that it can look like no other line of the message.

    Args:
        paths: what is changed; at least one.
        trees: what stands at each of them afterwards; empty for nothing.
    """
    subject = f"Revert {paths[0]} to {short(trees[0])}" if len(paths) == 1 else f"Revert {len(paths)} paths"
    listed = [f"- {path} to {short(tree)}" for path, tree in zip(paths, trees, strict=True)]
    told = {
        "Run": printable(cause.run, LONGEST_SUBJECT),
        "Started by": printable(cause.person, LONGEST_SUBJECT),
        "Reason": printable(cause.reason, LONGEST_REASON),
    }
    about = [f"{name}: {value}" for name, value in told.items() if value]
    return "\n\n".join("\n".join(part) for part in ([subject], listed, about) if part) + "\n"


def short(tree: str) -> str:
    return tree[:SHORT] or "nothing"


def _ours(lines: Iterable[str]) -> list[str]:
    return [line for line in lines if not line.startswith("remote:")]


def _known(ended: Ended, remote: Remote) -> _Known | None:
    text = "\n".join(_ours(ended.words)).replace(remote.url, "")
    return next((known for known in _KNOWN if re.search(known.words, text)), None)
