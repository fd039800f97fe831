"""Where the name of the shop may lead: the page of the shop, and somebody else's, at one port of two addresses."""

from __future__ import annotations

import errno

from incidents.lab.faults import LabFault
from incidents.lab.web import Answer, Pages

OURS = "the web shop of Example Shop"
OUR_PAGE = Answer(200, f"<!doctype html>\n<title>Shop</title>\n<p>{OURS}</p>\n")
THEIR_PAGE = Answer(200, "<!doctype html>\n<title>For sale</title>\n<p>this name is for sale</p>\n")
TRIES = 20


async def listen(right: str, wrong: str, pages: Pages) -> int:
    """Starts the listeners, of somebody else's page only where there is another address; returns their port.

    Raises LabFault when no port is free at both.
    """
    for _ in range(TRIES):
        address = await pages.listen(right, lambda: OUR_PAGE)
        port = int(address.rpartition(":")[2])
        if not wrong:
            return port
        try:
            await pages.listen(wrong, lambda: THEIR_PAGE, port)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            continue
        return port
    raise LabFault("no port is free at both homes of the name")
