"""Where a repository is, and what is shown there to be let in."""

from __future__ import annotations

import base64
import math
import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from incidents.wire.http import check_url
from incidents.wire.settings import Settings, fault

SETTINGS = frozenset({"url", "branch", "author", "token", "username", "ca", "key", "known_hosts"})
LONGEST_URL = 500
LONGEST_NAME = 200

_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,63}")
_HOST = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,252}|[0-9A-Fa-f:.]{2,45}")
_PART_OF_A_BRANCH = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+#-]*")
_AUTHOR = re.compile(r"([^<>]{1,100}) <([^<>\s]{1,100})>")

# Which settings mean something, by how the repository is reached.
_MEANT = {
    "file": frozenset[str](),
    "http": frozenset({"token", "username"}),
    "https": frozenset({"token", "username", "ca"}),
    "ssh": frozenset({"key", "known_hosts"}),
}


@dataclass(frozen=True, slots=True)
class Remote:
    """One branch of one repository.

    Args:
        name: slug of the backend, for messages.
        url: as git takes it; holds no password.
        protocol: `file`, `http`, `https` or `ssh`; git may use no other.
        branch: without `refs/heads/`.
        author: name and address that commits bear.
        authorization: value of the header that is sent over http(s); empty for none.
        files: contents of `ca`, `key` and `known_hosts`, where they are given.
        secrets: what must stand in no message.
    """

    name: str
    url: str
    protocol: str
    branch: str
    author: tuple[str, str]
    authorization: str = field(default="", repr=False)
    files: Mapping[str, str] = field(default_factory=dict, repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)

    def lay_out(self, folder: Path) -> None:
        """Writes the files that git and ssh read, into a folder that nobody else may enter. Raises OSError."""
        for name, text in self.files.items():
            path = folder / name
            path.touch(mode=0o600)
            path.write_text(text.replace("\r\n", "\n").rstrip("\n") + "\n")

    def config(self, folder: Path) -> dict[str, str]:
        """Settings of git, with the files of `lay_out` where they are needed."""
        made = {
            "core.hooksPath": "/dev/null",
            "core.askPass": "",
            "core.fsync": "none",  # the copy is made anew after a crash of the machine
            "credential.helper": "",
            "gc.auto": "0",
            "maintenance.auto": "false",
            "init.defaultBranch": "main",
            "push.default": "nothing",
            "http.followRedirects": "false",
            "http.proxy": "",
        }
        if self.authorization:
            made["http.extraHeader"] = f"Authorization: {self.authorization}"
        if "ca" in self.files:
            made["http.sslCAInfo"] = str(folder / "ca")
        return made

    def environment(self, folder: Path, seconds: float) -> dict[str, str]:
        """What git finds in its environment; `seconds` is the budget of a call."""
        (name, address) = self.author
        made = {
            "GIT_ALLOW_PROTOCOL": self.protocol,
            "GIT_AUTHOR_NAME": name,
            "GIT_AUTHOR_EMAIL": address,
            "GIT_COMMITTER_NAME": name,
            "GIT_COMMITTER_EMAIL": address,
        }
        if self.protocol == "ssh":
            made |= {"GIT_SSH_VARIANT": "ssh", "GIT_SSH_COMMAND": _ssh(folder, seconds)}
        return made


def read_remote(name: str, given: Settings, secret: Callable[[str], str]) -> Remote:
    """Raises InventoryFault for a setting that is missing, ill-typed, or has no meaning for this url."""
    url, protocol = _url(given.text("url"))
    meant = _MEANT[protocol]
    for setting in sorted(frozenset().union(*_MEANT.values()) - meant):
        if given.has(setting):
            raise fault(setting, f"has no meaning for a url of {protocol}")
    token = given.secret("token", secret).strip() if given.has("token") else ""
    authorization = _authorization(given, token)
    files = {one: given.secret(one, secret) for one in ("ca", "key", "known_hosts") if given.has(one)}
    if protocol == "ssh":
        for needed in ("key", "known_hosts"):
            if needed not in files:
                raise fault(needed, "is missing: ssh needs our private key and the host keys that we know")
    return Remote(
        name=name,
        url=url,
        protocol=protocol,
        branch=_branch(given.text("branch") if given.has("branch") else "main"),
        author=_author(given.text("author") if given.has("author") else "Handrail <handrail@localhost>"),
        authorization=authorization,
        files=files,
        secrets=tuple(one for one in (token, authorization.removeprefix("Basic ")) if one),
    )


def _url(url: str) -> tuple[str, str]:
    """The url and its protocol."""
    if not url.isprintable() or " " in url or len(url) > LONGEST_URL:
        raise fault("url", f"must be printable, without spaces, and of at most {LONGEST_URL} characters")
    if url.startswith("/"):
        return url, "file"
    parts = urlsplit(url)
    if parts.scheme in ("http", "https"):
        return check_url("url", url, plain=True), parts.scheme
    if (
        parts.scheme == "file"
        and not parts.netloc
        and parts.path.startswith("/")
        and not (parts.query + parts.fragment)
    ):
        return url, "file"
    if parts.scheme == "ssh":
        _check_ssh(url)
        return url, "ssh"
    raise fault("url", "must be an absolute path, or begin with file:///, http://, https:// or ssh://")


def _check_ssh(url: str) -> None:
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        port = 0
    if parts.password is not None:
        raise fault("url", "must hold no password; secrets have settings of their own")
    if (
        not _USER.fullmatch(parts.username or "")
        or not _HOST.fullmatch(parts.hostname or "")
        or port == 0
        or len(parts.path) < 2
        or parts.query
        or parts.fragment
    ):
        raise fault("url", "must be ssh://user@host/path or ssh://user@host:port/path")


def _branch(name: str) -> str:
    parts = name.split("/")
    good = all(_PART_OF_A_BRANCH.fullmatch(part) and ".." not in part for part in parts)
    if not good or len(name) > LONGEST_NAME or any(part.endswith((".", ".lock")) for part in parts):
        raise fault("branch", "must be the name of a branch, such as main or release/eu")
    return name


def _author(text: str) -> tuple[str, str]:
    match = _AUTHOR.fullmatch(text)
    if not match or not text.isprintable():
        raise fault("author", "must be a name and an address, such as Handrail <handrail@example.com>")
    return match[1], match[2]


def _authorization(given: Settings, token: str) -> str:
    if not given.has("token"):
        if given.has("username"):
            raise fault("token", "is missing: a username goes with a token")
        return ""
    username = given.text("username") if given.has("username") else "git"
    if not (username.isascii() and username.isprintable()) or ":" in username:
        raise fault("username", "must be printable ASCII without a colon")
    if not (token.isascii() and token.isprintable() and token):
        raise fault("token", "must be one line of printable ASCII")
    return "Basic " + base64.b64encode(f"{username}:{token}".encode()).decode()


def _ssh(folder: Path, seconds: float) -> str:
    """The command that git starts instead of `ssh`: it asks nobody, and trusts and shows only what we were given."""
    options = {
        "BatchMode": "yes",
        "StrictHostKeyChecking": "yes",
        "UserKnownHostsFile": f'"{folder / "known_hosts"}"',
        "GlobalKnownHostsFile": "/dev/null",
        "UpdateHostKeys": "no",
        "IdentityFile": f'"{folder / "key"}"',
        "IdentitiesOnly": "yes",
        "IdentityAgent": "none",
        "PreferredAuthentications": "publickey",
        "ForwardAgent": "no",
        "ClearAllForwardings": "yes",
        "ControlPath": "none",
        "ConnectTimeout": str(math.ceil(seconds)),
        "LogLevel": "ERROR",
    }
    return shlex.join(["ssh", "-F", "/dev/null", *(f"-o{name}={value}" for name, value in options.items())])
