"""Settings that cannot even be read: told before Django begins, for then no command of it begins."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence

import django

from console.doctor.findings import Finding, broken, exit_code

MEND = "Set it in the environment; docs/settings.md has every name, and what may stand there."


def fault_of_settings() -> Finding | None:
    """What keeps the settings from being read; None where nothing does."""
    try:
        django.setup()
    except Exception as error:  # whatever a wrong value raises where it is read, or first used
        text = " ".join(str(error).split()) or type(error).__name__
        return broken("settings", f"The settings cannot be read: {text.rstrip('.')}.", MEND)
    return None


def end_without_settings(arguments: Sequence[str]) -> None:
    """Ends this process, with what is wrong, where the settings cannot be read. Nothing else can be looked at then."""
    found = fault_of_settings()
    if found is None:
        return
    code = exit_code([found])
    if "--json" in arguments:
        print(json.dumps({"ends": code, "findings": [found.as_json()]}, indent=2))
    else:
        print(f"{found.mark:6}  {found.part:12}  {found.text}\n        {found.mend}")
    sys.exit(code)
