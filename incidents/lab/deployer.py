"""A tiny deployer: serves what stands at the head of a Git repository, at every location, a moment after it changed.

That are three pages a location: what is deployed there, the gate by the policy, and the sign-in by the public keys.

Run as `python -m incidents.lab.deployer FILE`; FILE holds as JSON `git` (the program), `repository` (path), `branch`,
`key_file` (the private key that signs) and `places` [{location, folder, policy, keys, host}], the three being paths in
the repository. When all listens, it prints one line of JSON: {"pages": {LOCATION: "host:port"}, "gates", "sign_ins"}.

It reads through one `git cat-file --batch`, which looks each name up anew and ends when we do, for its input ends then.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from incidents.lab import policies, program, releases, signing
from incidents.lab.repository import environment
from incidents.lab.web import Answer, Pages

SECONDS_BETWEEN_LOOKS = 0.1
SECONDS_UNTIL_NEXT_TRY = 0.5
NOTHING = Answer(500, "nothing is deployed here\n")
KINDS = ("pages", "gates", "sign_ins")


class Deployer:
    """Keeps the pages of each location, and goes on serving it while the repository cannot be read."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        self._given = given
        self._key = signing.read_private(Path(given["key_file"]))
        self._pages: dict[str, Mapping[str, Answer]] = {}
        self._head = ""

    def page(self, location: str, kind: str) -> Answer:
        """The page of a location; `kind` is one of KINDS."""
        return self._pages[location][kind] if location in self._pages else NOTHING

    async def follow(self) -> None:
        """Looks at the head for ever, and checks out what is new there."""
        while True:
            try:
                await self._follow()
            except (OSError, EOFError, ValueError) as error:
                sys.stderr.write(f"the repository cannot be read: {error!r}\n")
                sys.stderr.flush()
            await asyncio.sleep(SECONDS_UNTIL_NEXT_TRY)

    async def _follow(self) -> None:
        git = await asyncio.create_subprocess_exec(
            self._given["git"],
            f"--git-dir={self._given['repository']}",
            "cat-file",
            "--batch",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env=environment(),
        )
        try:
            while True:
                head, _ = await _read(git, f"refs/heads/{self._given['branch']}")
                if head and head != self._head:
                    places = self._given["places"]
                    self._pages = {place["location"]: await self._pages_of(git, head, place) for place in places}
                    self._head = head
                await asyncio.sleep(SECONDS_BETWEEN_LOOKS)
        finally:
            if git.returncode is None:
                git.kill()
            await git.wait()

    async def _pages_of(
        self, git: asyncio.subprocess.Process, head: str, place: Mapping[str, str]
    ) -> Mapping[str, Answer]:
        _, policy = await _read(git, f"{head}:{place['policy']}")
        _, keys = await _read(git, f"{head}:{place['keys']}")
        return {
            "pages": await _page(git, f"{head}:{place['folder']}"),
            "gates": policies.page(policy),
            "sign_ins": signing.page(keys, self._key),
        }


async def _page(git: asyncio.subprocess.Process, folder: str) -> Answer:
    """The page of a folder in one commit, `COMMIT:FOLDER`."""
    _, settings = await _read(git, f"{folder}/{releases.SETTINGS}")
    name = releases.template_of(settings)
    _, template = await _read(git, f"{folder}/{name}") if name else ("", None)
    return releases.page(settings, template)


async def _read(git: asyncio.subprocess.Process, name: str) -> tuple[str, bytes | None]:
    """Name and content of an object; an empty name and None where there is none."""
    if git.stdin is None or git.stdout is None:
        raise ValueError("git has no pipes")
    git.stdin.write(f"{name}\n".encode())
    await git.stdin.drain()
    words = (await git.stdout.readuntil(b"\n")).decode().split()
    if words[-1] == "missing":
        return "", None
    size = int(words[2])
    return words[0], (await git.stdout.readexactly(size + 1))[:-1]


async def _main(file: Path) -> None:
    given = json.loads(file.read_text())
    deployer, pages = Deployer(given), Pages()
    listening = {
        kind: {
            place["location"]: await pages.listen(place["host"], partial(deployer.page, place["location"], kind))
            for place in given["places"]
        }
        for kind in KINDS
    }
    following = asyncio.create_task(deployer.follow())
    await program.announce(listening)
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)


if __name__ == "__main__":
    asyncio.run(_main(Path(sys.argv[1])))
