"""A real repository behind the real `git http-backend`, with a token."""

from __future__ import annotations

import pytest

from tests.adapters.gits import BASKET, CHECKOUT, NOTHING, Origin, by_http
from tests.adapters.subjects import Subject
from tests.fakes.git_web import GitWeb

VARIANTS = ("http",)
TOKEN = "a token of the contract suite"


def make(variant: str, request: pytest.FixtureRequest) -> Subject:
    folder = request.getfixturevalue("tmp_path")
    origin = Origin(folder)
    states = []
    for version in ("1.42", "1.43"):
        origin.commit({f"{path}/image": f"shop:{version}" for path in (CHECKOUT, BASKET)} | {"README": "The shop."})
        states.append(origin.state(CHECKOUT))
    origin.commit({CHECKOUT: None, BASKET: None})
    web = GitWeb(folder)
    web.token = f"deploy:{TOKEN}"
    web.__enter__()
    request.addfinalizer(lambda: web.__exit__())
    (folder / "token").write_text(TOKEN)
    return Subject(
        address=web.address,
        keys=(CHECKOUT, BASKET),
        states=(states[0], states[1]),
        nothing=NOTHING,
        make=by_http,
        settings={"token": f"file:{folder / 'token'}", "username": "deploy"},
        effects=origin.commits,
        compares=True,
        budget=10,
    )
