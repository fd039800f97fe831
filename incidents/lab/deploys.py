"""Breaks and heals what is deployed in a lab, in its repository or in the world; visitors say when it shows.

`facts` is what lab.json holds, see docs/lab.md.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from incidents.lab import parts, talk
from incidents.lab.demo import REPOSITORY
from incidents.lab.releases import BROKEN, GOOD, Release, trees
from incidents.lab.repository import Repository
from incidents.lab.waiting import wait
from incidents.lab.web import Seen, visit

Facts = dict[str, Any]


def break_(facts: Facts) -> None:
    """Releases what does not work, at every location. Doing it twice is harmless."""
    _publish(facts, BROKEN, BROKEN.message)
    wait(lambda: all(page == Seen(500, BROKEN.version) for page in seen(facts).values()), "the deployer")


def heal(facts: Facts) -> None:
    """Puts the good release back by one more commit, whatever stands there."""
    _publish(facts, GOOD, f"Put back release {GOOD.version}")
    wait(lambda: all(page == Seen(200, GOOD.version) for page in seen(facts).values()), "the deployer")


def seen(facts: Facts) -> dict[str, Seen]:
    """What a visitor is answered at each location."""
    return {location: visit(address) for location, address in facts["repository"]["pages"].items()}


def _publish(facts: Facts, release: Release, message: str) -> None:
    given = facts["repository"]
    if given["kind"] == "git":
        Repository(Path(given["url"]), parts.installed("git")).publish(release, message)
        return
    states = {key: {"tree": tree} for key, tree in trees(release).items()}
    talk.ask(facts["world"]["address"], op="put", backend=REPOSITORY, states=states)
