"""The checkout page of the demo, release by release: its files in Git, and the page that they make."""

from __future__ import annotations

import hashlib
import json
import string
from collections.abc import Mapping
from dataclasses import dataclass

from incidents.lab.demo import CHECKOUT, PLACES, Place
from incidents.lab.web import Answer

SETTINGS = "settings.json"
TEMPLATE = "page.html"
Files = Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class Release:
    """One release; the template that it names need not be there, which is how a release can be broken."""

    version: str
    heading: str
    template: str = TEMPLATE

    @property
    def message(self) -> str:
        return f"Release {self.version}"

    def files(self, place: Place) -> Files:
        """What lies in a location's folder."""
        settings = {"location": place.title, "template": self.template, "version": self.version}
        page = (
            "<!doctype html>\n<title>Checkout</title>\n"
            f"<h1>{self.heading}</h1>\n<p>checkout $version, served from $location</p>\n"
        )
        return {TEMPLATE: page.encode(), SETTINGS: (json.dumps(settings, indent=2) + "\n").encode()}


OLDER = Release("1.41", "Pay for your basket")
GOOD = Release("1.42", "Pay for your basket, now with gift cards")
# Somebody renamed the template in the settings, and forgot the file.
BROKEN = Release("1.43", "Pay for your basket, now with gift cards and coupons", "checkout.html")
RELEASES = (OLDER, GOOD, BROKEN)


def template_of(settings: bytes | None) -> str:
    """The file that the settings name; empty where they name none."""
    name = _values(settings).get("template", "")
    return name if name.isprintable() else ""


def page(settings: bytes | None, template: bytes | None) -> Answer:
    """The page that the files of a location make, or an honest failure.

    Args:
        settings: content of SETTINGS; None where it is not there.
        template: content of the file that they name; None where it is not there.
    """
    values = _values(settings)
    if "template" not in values:
        return Answer(500, f"{SETTINGS} is not there, or cannot be read\n")
    version = values.get("version", "")
    if template is None:
        return Answer(500, f"the template {values['template']} does not exist\n", version)
    return Answer(200, string.Template(template.decode(errors="replace")).safe_substitute(values), version)


def _values(settings: bytes | None) -> dict[str, str]:
    try:
        values = json.loads(settings or b"")
    except ValueError:
        return {}
    return {key: str(value) for key, value in values.items()} if isinstance(values, dict) else {}


def tree(files: Files) -> str:
    """The name that Git gives to a folder with just these files: SHA-1 of its tree object."""
    rows = b"".join(b"100644 " + name.encode() + b"\0" + _digest("blob", files[name]) for name in sorted(files))
    return _digest("tree", rows).hex()


def blob(content: bytes) -> str:
    """The name that Git gives to a file with this content."""
    return _digest("blob", content).hex()


def trees(release: Release) -> dict[str, str]:
    """{key: tree} of a release at every location."""
    return {CHECKOUT.key(place): tree(release.files(place)) for place in PLACES}


def _digest(kind: str, content: bytes) -> bytes:
    # Git names things by SHA-1; nobody is kept out by it here.
    return hashlib.sha1(f"{kind} {len(content)}\0".encode() + content, usedforsecurity=False).digest()
