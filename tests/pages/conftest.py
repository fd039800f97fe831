"""One console, one server and one browser for all tests of this folder."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest

from tests.browser import Browser, chromium
from tests.lab_fixtures import need
from tests.pages.house import Stage, on_stage


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with on_stage(tmp_path_factory.mktemp("stage")) as made:
        yield made


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if shutil.which("chromium-browser") is None:
        need("chromium")
    with chromium() as browser:
        # Heard from the first byte of every page.
        browser.call(
            "Page.addScriptToEvaluateOnNewDocument",
            source="window.refused = [];"
            "addEventListener('securitypolicyviolation', e => refused.push(`${e.violatedDirective} ${e.blockedURI}`))",
        )
        yield browser
