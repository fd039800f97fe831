"""Secrets by reference: the inventory lies in Git, what it refers to does not."""

from __future__ import annotations

import os
from pathlib import Path

from incidents.domain.errors import InventoryFault


def is_reference(text: str) -> bool:
    return text.startswith(("env:", "file:"))


def resolve(reference: str, base: Path) -> str:
    """The secret behind `env:NAME` or `file:PATH`, without the line end that editors add.

    Args:
        base: the folder from which relative paths count.

    Raises:
        InventoryFault: no such reference, or nothing behind it. Neither the secret, nor a text that might be one,
            is part of the message.
    """
    scheme, _, rest = reference.partition(":")
    if scheme == "env" and rest:
        return _variable(rest)
    if scheme == "file" and rest:
        return _file(rest, base)
    raise InventoryFault("must be a reference, env:NAME or file:PATH, never the secret itself")


def _variable(name: str) -> str:
    value = os.environ.get(name, "")
    if not value:
        raise InventoryFault(f"the environment variable {name} is not set, or is empty; set it and try again")
    return value


# In characters; a key with its certificates is shorter.
LONGEST = 65_536


def _file(name: str, base: Path) -> str:
    path = base / name
    try:
        if path.exists() and not path.is_file():
            raise InventoryFault(f"{path} is no file")
        with path.open(encoding="utf-8") as file:
            value = file.read(LONGEST).rstrip("\r\n")
    except OSError as error:
        raise InventoryFault(f"the file {path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise InventoryFault(f"the file {path} is not text in UTF-8") from None
    if not value:
        raise InventoryFault(f"the file {path} is empty")
    return value
