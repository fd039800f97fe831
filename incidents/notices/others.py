"""Whatever else apprise can reach: chats, telephones, paging services. The package is an option."""

from __future__ import annotations

import importlib
import importlib.util
import logging
from collections.abc import Mapping
from typing import Any

from incidents.domain.notices import Posting, Result
from incidents.notices.base import Secret, within
from incidents.wire.settings import Settings, fault

SETTINGS = frozenset({"url"})
# In seconds, for whatever its plug-in does.
BUDGET = 30.0
MISSING = "needs the package apprise, which is not installed here: pip install apprise, then try again"

# Its plug-ins write addresses, which hold tokens, into the log.
logging.getLogger("apprise").setLevel(logging.CRITICAL)


class Other:
    """Sends by one address in apprise's notation, all of which is a secret."""

    def __init__(self, name: str, target: Any, *, budget: float = BUDGET) -> None:
        self._name, self._target, self._budget = name, target, budget

    def send(self, posting: Posting, to: str = "") -> Result:
        body = "\n\n".join(part for part in (posting.text, posting.link) if part) or posting.subject
        try:
            went = within(self._budget, lambda: self._target.notify(title=posting.subject, body=body), "apprise")
        except TimeoutError:
            return Result(went=False, detail=f"{self._name} took too long")
        except Exception as error:
            return Result(went=False, detail=f"its plug-in broke ({type(error).__name__})")
        return Result(went=True) if went else Result(went=False, detail="it did not take it")

    def masked(self, to: str = "") -> str:
        return f"{self._name} (by apprise)"

    def close(self) -> None:
        """Nothing is held between two notices."""


def other_of(name: str, settings: Mapping[str, object], secret: Secret) -> Other:
    """Raises InventoryFault: apprise is not installed, or knows no such address."""
    given = Settings.of(settings, SETTINGS)
    url = given.secret("url", secret)
    if importlib.util.find_spec("apprise") is None:
        raise fault("url", MISSING)
    target = importlib.import_module("apprise").Apprise()
    if not target.add(url):
        raise fault("url", "is no address that apprise knows; docs/notifications.md says where they are listed")
    return Other(name, target)
