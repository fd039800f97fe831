"""Keys of Route 53: `ZONE/NAME/TYPE`, such as `Z0123456789ABC/www.example.com./A`, in one form.

Route 53 gives names in small letters with a dot at the end, and writes every sign but letters, digits, `-` and `_` as
`\\ooo`, its octal number; `*` comes back as `\\052`. Source: Developer Guide, "DNS domain name format". Here `*` stands
for itself, because people write it so, and everything else as Route 53 has it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from incidents.domain.errors import InventoryFault

# The shapes ResourceId and RRType of the service model 2013-04-01; SOA is left out, for a zone has it from Route 53.
ZONE = re.compile(r"[0-9A-Z]{1,32}")
TYPES = frozenset(
    {
        "A",
        "AAAA",
        "CAA",
        "CNAME",
        "DS",
        "HTTPS",
        "MX",
        "NAPTR",
        "NS",
        "PTR",
        "SPF",
        "SRV",
        "SSHFP",
        "SVCB",
        "TLSA",
        "TXT",
    }
)
_ESCAPE = re.compile(r"\\([0-3][0-7]{2})")
_BARE = re.compile(r"[a-z0-9_*-]")
_SIGN = r"(?:[a-z0-9_*-]|\\[0-3][0-7]{2})"
# RFC 1035 section 2.3.4: 63 signs a label, 255 a name.
_LABEL = re.compile(rf"{_SIGN}{{1,63}}")
LONGEST_NAME = 255


@dataclass(frozen=True, slots=True, order=True)
class Key:
    """One record set: everything of that name and type in that hosted zone."""

    zone: str
    name: str
    type: str

    @staticmethod
    def parse(text: str) -> Key:
        """Raises InventoryFault for what is no key."""
        parts = text.split("/")
        if len(parts) != 3:
            form = "ZONE/NAME/TYPE, such as Z0123456789ABC/www.example.com./A"
            raise InventoryFault(f"{text!r} must be {form}; a slash in a name is written as \\057")
        zone, name, kind = parts[0], plain(parts[1]), parts[2].upper()
        if not ZONE.fullmatch(zone):
            raise InventoryFault(f"{zone!r} must be the id of a hosted zone, in capital letters and digits")
        labels = name.removesuffix(".").split(".")
        length = len(_ESCAPE.sub("x", name))
        if not all(_LABEL.fullmatch(label) for label in labels) or length > LONGEST_NAME or len(labels) < 2:
            raise InventoryFault(f"{parts[1]!r} must be a full name in ASCII; other signs are written as \\ooo, octal")
        if kind not in TYPES:
            raise InventoryFault(f"{parts[2]!r} must be one of {', '.join(sorted(TYPES))}")
        return Key(zone, name, kind)

    def __str__(self) -> str:
        return f"{self.zone}/{self.name}/{self.type}"

    @property
    def place(self) -> tuple[str, str]:
        """Where it stands in the list of its zone."""
        return self.name, self.type

    @property
    def order(self) -> tuple[str, str]:
        """How the list of a zone is sorted: by the labels from the last one, then by type."""
        return ".".join(reversed(self.name.removesuffix(".").split("."))) + ".", self.type


def plain(name: str) -> str:
    """The one form of a name: small letters, a dot at the end, escapes only where a sign needs one."""
    whole = name.lower() if name.endswith(".") else f"{name.lower()}."
    return _ESCAPE.sub(_unescaped, whole)


def _unescaped(found: re.Match[str]) -> str:
    sign = chr(int(found[1], 8)).lower()
    return sign if _BARE.fullmatch(sign) else found[0]
