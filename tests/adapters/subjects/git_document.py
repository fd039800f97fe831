"""Two policies in a real repository behind the real `git http-backend`, with a token."""

from __future__ import annotations

import pytest

from tests.adapters.gits import Origin, documents_by_http
from tests.adapters.subjects import Subject
from tests.fakes.git_web import GitWeb

VARIANTS = ("text",)
TOKEN = "a token of the contract suite"
KEYS = ("policies/checkout.rego", "policies/basket.rego")


def make(variant: str, request: pytest.FixtureRequest) -> Subject:
    folder = request.getfixturevalue("tmp_path")
    origin = Origin(folder)
    origin.commit({"README": "The shop.", **dict.fromkeys(KEYS, "package shop\n")})
    web = GitWeb(folder)
    web.token = f"deploy:{TOKEN}"
    web.__enter__()
    request.addfinalizer(lambda: web.__exit__())
    (folder / "token").write_text(TOKEN)
    return Subject(
        address=web.address,
        keys=KEYS,
        states=({"document": "package shop\r\n\n# Größe\tß"}, {"document": "\ufeffallow = true\n\n"}),
        nothing={"document": "deny\n"},
        make=documents_by_http,
        settings={"token": f"file:{folder / 'token'}", "username": "deploy"},
        effects=origin.commits,
        compares=True,
        budget=10,
    )
