"""Repositories to test the adapters of git with, served from a folder, by http and by ssh."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from incidents.adapters.git import Git
from incidents.adapters.git_document import GitDocument
from incidents.domain.changes import Change, State
from incidents.lab import ports, processes
from tests.adapters.support import change, read_reference
from tests.lab_fixtures import PLACES, need

NOTHING: State = {"tree": ""}
CHECKOUT, BASKET = "apps/checkout", "apps/basket"
# What stands at a path: text, or a mode and what git keeps there; None removes it.
Content = str | tuple[str, str] | None


class Origin:
    """A bare repository, `repo.git` in a folder of its own, to which the test commits as other people would."""

    def __init__(self, folder: Path) -> None:
        need("git")
        self.folder, self.path = folder, folder / "repo.git"
        self._moments = 1_750_000_000
        self.git("init", "--quiet", "--bare", "-b", "main", str(self.path))

    def git(self, *arguments: str, given: bytes = b"") -> str:
        environment = {"PATH": os.environ["PATH"], "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null"}
        command = ["git", "--git-dir", str(self.path), *arguments]
        return subprocess.run(command, input=given, env=environment, check=True, capture_output=True).stdout.decode()

    def commit(
        self, files: Mapping[str, Content], subject: str = "Change it", *, onto: str = "refs/heads/main^0"
    ) -> str:
        """One commit on main, on top of `onto` (empty: of nothing). Gives its id."""
        self._moments += 60
        text = f"commit refs/heads/new\ncommitter Shop <shop@example.com> {self._moments} +0000\n{_data(subject)}"
        if onto and self.has_commits():
            text += f"from {onto}\n"
        for path, content in files.items():
            mode, what = content if isinstance(content, tuple) else ("100644", content)
            if what is None:
                text += f'D "{path}"\n'
            elif mode == "160000":
                text += f'M 160000 {what} "{path}"\n'
            else:
                text += f'M {mode} inline "{path}"\n{_data(what)}'
        self.git("fast-import", "--quiet", "--force", "--date-format=raw", given=_bytes(text))
        self.git("update-ref", "refs/heads/main", "refs/heads/new")
        self.git("update-ref", "-d", "refs/heads/new")
        return self.head()

    def join(self, tree_of: str, parents: Sequence[str], subject: str) -> str:
        """A commit with the tree of another one, on no branch. Gives its id."""
        who = ["-c", "user.name=Shop", "-c", "user.email=shop@example.com"]
        above = [word for parent in parents for word in ("-p", parent)]
        return self.git(*who, "commit-tree", f"{tree_of}^{{tree}}", *above, "-m", subject).strip()

    def has_commits(self) -> bool:
        return bool(self.git("for-each-ref"))

    def head(self) -> str:
        return self.git("rev-parse", "main").strip()

    def commits(self) -> int:
        return int(self.git("rev-list", "--count", "main"))

    def state(self, path: str, revision: str = "main") -> State:
        try:
            return {"tree": self.git("rev-parse", "--verify", "--quiet", f"{revision}:{path}").strip()}
        except subprocess.CalledProcessError:
            return NOTHING

    def listing(self, revision: str = "main") -> dict[str, str]:
        """Mode and object of every file, by path."""
        lines = self.git("ls-tree", "-r", "-z", revision).split("\0")[:-1]
        return {path: about for about, _, path in (line.partition("\t") for line in lines)}

    def message(self, revision: str = "main") -> str:
        return self.git("log", "-1", "--format=%B", revision).rstrip("\n")

    def hook(self, name: str, script: str) -> None:
        path = self.path / "hooks" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)


def _data(text: str) -> str:
    return f"data {len(_bytes(text))}\n{text}\n"


def _bytes(text: str) -> bytes:
    """Its UTF-8; a byte that belongs to none stands in the text as `\\udcXX`."""
    return text.encode("utf-8", "surrogateescape")


def git(url: str, keys: Sequence[str], budget_seconds: float = 10, settings: Mapping[str, object] | None = None) -> Git:
    return Git.from_settings(
        name="config-repository",
        settings={"url": url, **(settings or {})},
        secret=read_reference,
        keys=frozenset(keys),
        budget_seconds=budget_seconds,
    )


def by_http(
    address: str, keys: Sequence[str], budget_seconds: float = 10, settings: Mapping[str, object] | None = None
) -> Git:
    return git(f"http://{address}/repo.git", keys, budget_seconds, settings)


def documents(
    url: str, keys: Sequence[str], budget_seconds: float = 10, settings: Mapping[str, object] | None = None
) -> GitDocument:
    return GitDocument.from_settings(
        name="config-repository",
        settings={"url": url, **(settings or {})},
        secret=read_reference,
        keys=frozenset(keys),
        budget_seconds=budget_seconds,
    )


def documents_by_http(
    address: str, keys: Sequence[str], budget_seconds: float = 10, settings: Mapping[str, object] | None = None
) -> GitDocument:
    return documents(f"http://{address}/repo.git", keys, budget_seconds, settings)


def to(path: str, after: State, before: State) -> Change:
    return change(path, after, before)


class Sshd:
    """A real sshd that lets in the user who runs the tests, by one key. `settings` are what the adapter needs."""

    def __init__(self, folder: Path) -> None:
        need("sshd", "ssh", "ssh-keygen")
        if os.getuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        self.folder, self.port = folder, ports.free_port("127.0.0.1")
        for name in ("host", "key", "stranger"):
            kind = ["-q", "-t", "ed25519", "-N", "", "-C", name]
            subprocess.run(["ssh-keygen", *kind, "-f", str(folder / name)], check=True)
        shutil.copy(folder / "key.pub", folder / "authorized_keys")
        self.known("known_hosts", "host")
        configuration = folder / "sshd_config"
        configuration.write_text(
            f"Port {self.port}\nListenAddress 127.0.0.1\nHostKey {folder}/host\nPidFile none\n"
            f"AuthorizedKeysFile {folder}/authorized_keys\nStrictModes no\nUsePAM no\n"
            "PasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin prohibit-password\n"
            "AcceptEnv GIT_PROTOCOL\nMaxStartups 100\n"
        )
        program = shutil.which("sshd", path=PLACES) or "sshd"
        self.program = processes.start("sshd", [program, "-D", "-e", "-f", str(configuration)], folder)
        self._wait()

    def url(self, path: Path) -> str:
        return f"ssh://{pwd.getpwuid(os.getuid()).pw_name}@127.0.0.1:{self.port}{path}"

    def settings(self, key: str = "key", known_hosts: str = "known_hosts") -> dict[str, object]:
        return {"key": f"file:{self.folder / key}", "known_hosts": f"file:{self.folder / known_hosts}"}

    def known(self, file: str, host: str) -> None:
        """Writes a file of known hosts in which this host has that key."""
        public = (self.folder / f"{host}.pub").read_text()
        (self.folder / file).write_text(f"[127.0.0.1]:{self.port} {public}")

    def stop(self) -> None:
        processes.stop([self.program])

    def _wait(self) -> None:
        end = time.monotonic() + 10
        while time.monotonic() < end:
            processes.check_alive([self.program])
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.02)
        raise AssertionError("sshd does not listen")
