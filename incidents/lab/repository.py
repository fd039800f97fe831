"""The bare Git repository of a real lab, and the commits that the lab itself makes in it; none is ever rewritten."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from incidents.lab.demo import CHECKOUT, PLACES
from incidents.lab.faults import LabFault
from incidents.lab.releases import GOOD, OLDER, Files, Release, blob, trees

BRANCH = "main"
AUTHOR = "Example Shop <releases@shop.example>"
SECONDS = 20.0
# Neither the settings of the machine nor those of the person matter to the lab.
ENVIRONMENT = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_DEFAULT_HASH": "sha1",
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C",
}
# History is only ever added to, whoever pushes.
RECEIVE = "[receive]\n\tdenyNonFastForwards = true\n\tdenyDeletes = true\n"


def environment() -> dict[str, str]:
    """What git of the lab runs with; no `GIT_DIR` or such of the caller leads it elsewhere."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return {**kept, **ENVIRONMENT}


@dataclass(frozen=True, slots=True)
class Repository:
    """The bare repository at `path`; `git` is the program. Every verb raises LabFault when git says no."""

    path: Path
    git: str

    def prepare(self, documents: Sequence[tuple[str, Files]]) -> None:
        """Makes it with the history of the demo, unless there is one that can be used: history outlives restarts.

        Args:
            documents: further commits after the releases, each as its message and {path: content}.
        """
        if self.path.exists():
            try:
                self.trees()
            except LabFault:
                shutil.rmtree(self.path)
            else:
                return
        self._run("init", "--quiet", "--bare", str(self.path))
        self._run("symbolic-ref", "HEAD", f"refs/heads/{BRANCH}")
        with (self.path / "config").open("a") as config:
            config.write(RECEIVE)
        week = 7 * 24 * 3600
        now = int(time.time())
        commits = [_release(OLDER, OLDER.message, now - 5 * week), _release(GOOD, GOOD.message, now - 2 * week)]
        commits += [_commit(files, message, now - week) for message, files in documents]
        self._run("fast-import", "--quiet", given=b"".join(commits))

    def trees(self) -> Mapping[str, str]:
        """{folder of a location: name of its tree} at the head. A folder that is not there is a fault."""
        return self._objects([CHECKOUT.key(place) for place in PLACES])

    def publish(self, release: Release, message: str) -> None:
        """Adds a commit with this release at every location; none where all of it stands there already."""
        if not self._holds(trees(release)):
            self._run("fast-import", "--quiet", given=_release(release, message, int(time.time()), after=BRANCH))

    def write(self, files: Files, message: str) -> None:
        """Adds a commit with these files, {path: content}; none where all of them stand there already."""
        if not self._holds({path: blob(content) for path, content in files.items()}):
            self._run("fast-import", "--quiet", given=_commit(files, message, int(time.time()), after=BRANCH))

    def _holds(self, wanted: Mapping[str, str]) -> bool:
        """Whether these objects stand at these paths at the head."""
        try:
            return self._objects(list(wanted)) == wanted
        except LabFault:
            return False  # one of them is gone

    def _objects(self, paths: Sequence[str]) -> Mapping[str, str]:
        answer = self._run("rev-parse", *[f"{BRANCH}:{path}" for path in paths])
        return dict(zip(paths, answer.split(), strict=True))

    def _run(self, *arguments: str, given: bytes = b"") -> str:
        try:
            done = subprocess.run(
                [self.git, *([] if arguments[0] == "init" else [f"--git-dir={self.path}"]), *arguments],
                input=given,
                capture_output=True,
                env=environment(),
                timeout=SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise LabFault(f"git {arguments[0]} does not work: {error}") from None
        if done.returncode:
            words = done.stderr.decode(errors="replace").strip().splitlines()
            raise LabFault(f"git {arguments[0]} says no: {words[-1][:300] if words else done.returncode}")
        return done.stdout.decode()


def _release(release: Release, message: str, at: int, after: str = "") -> bytes:
    """One commit which holds the folders of the release and nothing else new."""
    folders = {CHECKOUT.key(place): release.files(place) for place in PLACES}
    files = {f"{folder}/{name}": content for folder, held in folders.items() for name, content in held.items()}
    return _commit(files, message, at, after, list(folders) if after else ())


def _commit(files: Files, message: str, at: int, after: str = "", anew: Sequence[str] = ()) -> bytes:
    """One commit in the language of git-fast-import(1); `anew` are folders that hold nothing but these files then."""
    text = message.encode() + b"\n"
    parts = [f"commit refs/heads/{BRANCH}\ncommitter {AUTHOR} {at} +0000\n".encode(), _data(text)]
    if after:
        parts.append(f"from refs/heads/{after}^0\n".encode())
    parts += [f"D {folder}\n".encode() for folder in anew]
    for path, content in files.items():
        parts += [f"M 100644 inline {path}\n".encode(), _data(content)]
    return b"".join([*parts, b"\n"])


def _data(content: bytes) -> bytes:
    return f"data {len(content)}\n".encode() + content + b"\n"
