#!/usr/bin/env python
"""The command line of the console: `manage.py help` lists what it can do."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "console.settings")
    # After `make up`, a command in another shell speaks to the same demo.
    from console.up.environment import adopt

    adopt(Path(os.environ.get("VAR_DIR", Path(__file__).parent / "var")))
    if sys.argv[1:2] == ["doctor"]:
        from console.doctor.before import end_without_settings

        end_without_settings(sys.argv)
    from django.core.management import execute_from_command_line

    program, *rest = sys.argv
    # What runs on and on writes a log; any other command speaks for itself to whoever typed it.
    if rest[:1] not in (["poll"], ["drive"]):
        os.environ.setdefault("LOG_LEVEL", "WARNING")
    # A command is a module, whose name can have no hyphen; people write one.
    verb = [rest[0].replace("-", "_"), *rest[1:]] if rest and not rest[0].startswith("-") else rest
    execute_from_command_line([program, *verb])


if __name__ == "__main__":
    main()
