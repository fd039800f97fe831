"""What every template keeps to: no inline script or style, no banned word, small files, nothing from elsewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.template.loader import get_template
from django.test import Client

from console import words
from tests.console.conftest import Shop

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "templates"
TEMPLATES = sorted(FOLDER.rglob("*.html"))
STATIC = ROOT / "console" / "static" / "console"
BANNED = re.compile(
    r"are you sure|oops|something went wrong|successfully|\binvalid\b|\bjobs?\b|\btasks?\b|\bexecutions?\b"
    r"|\brevert\b|\bPoP\b|\bcolo\b|!(?!doctype|important)(?=\s*<|\s*$)",
    re.IGNORECASE,
)

each_template = pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(FOLDER)))


def prose(text: str) -> str:
    """What people read of a template."""
    text = re.sub(r"{%.*?%}|{{.*?}}|{#.*?#}", " ", text, flags=re.DOTALL)
    return re.sub(r"<[^>]*>", "<", text)


@each_template
def test_it_has_no_inline_script_or_style(path: Path) -> None:
    text = path.read_text()

    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:|hx-on", text)
    assert all('src="' in tag for tag in re.findall(r"<script[^>]*>", text))
    assert "http-equiv" not in text
    assert "://" not in text


@each_template
def test_it_has_no_banned_word(path: Path) -> None:
    text = prose(path.read_text()).replace("<span aria-hidden", "")
    signs = text.replace("< !<", "<").replace("<!<", "<")

    assert BANNED.findall(signs) == []


def test_no_sentence_for_a_code_has_a_banned_word() -> None:
    assert [text for text in words.CODES.values() if BANNED.search(text)] == []


@each_template
def test_it_is_small_and_can_be_read(path: Path) -> None:
    assert path.read_text().count("\n") <= 120
    get_template(str(path.relative_to(FOLDER)))


def test_every_template_is_used() -> None:
    texts = "".join(path.read_text() for path in [*TEMPLATES, *(ROOT / "console").rglob("*.py")])
    by_name = {"403_csrf.html"}  # Django's own view for a missing token looks for it

    for path in TEMPLATES:
        name = str(path.relative_to(FOLDER))
        assert f'"{name}"' in texts or name in by_name, name


def test_static_files_are_small_and_ask_nobody_else() -> None:
    for path in STATIC.iterdir():
        assert "://" not in path.read_text().replace("http://www.w3.org/2000/svg", ""), path
    assert len((STATIC / "console.css").read_bytes()) <= 10 * 1024
    assert (STATIC / "app.js").read_text().count("\n") <= 70


def test_pages_carry_the_strict_policy(shop: Shop, operator: Client) -> None:
    policy = operator.get(shop.home)["Content-Security-Policy"]

    assert "default-src 'none'; script-src 'self'; style-src 'self'" in policy
    assert "unsafe" not in policy


def test_pages_have_one_heading_a_place_to_announce_and_the_help_line(shop: Shop, operator: Client) -> None:
    page = operator.get(shop.home).text

    assert page.count("<h1>") == 1
    assert '<p id="announce" class="unseen" role="status" aria-atomic="true"></p>' in page
    assert page.index('class="help"') < page.index("<main")
    assert '"allowEval":false' in page
