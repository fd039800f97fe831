"""Signs requests to AWS (Signature Version 4) by botocore; its transport, retries and time limits are not used.

In a file of its own, so that a worker that has no such backend does not load botocore.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from incidents.domain.errors import BackendUnreachable, InventoryFault

# At DEBUG it would write what it signs into the log, and a session token is part of that.
logging.getLogger("botocore").setLevel(logging.ERROR)


@dataclass(frozen=True, slots=True)
class Keys:
    """What requests are signed with. `session` is empty where the keys are not temporary ones."""

    access: str
    secret: str = field(repr=False)
    session: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs for one service in one region.

    Args:
        name: slug of the backend, for messages.
        keys: read anew for each request, for temporary ones change within the hour. Raises InventoryFault, OSError.
    """

    name: str
    service: str
    region: str
    keys: Callable[[], Keys] = field(repr=False)

    def sign(self, method: str, url: str, content: bytes) -> tuple[Mapping[str, str], Keys]:
        """Headers that go with the request, and the keys, none of which may stand in a message.

        Raises BackendUnreachable, for then nothing is sent.
        """
        try:
            keys = self.keys()
        except (InventoryFault, OSError):
            raise BackendUnreachable(f"our keys for {self.name} cannot be read, so nothing was sent") from None
        request = AWSRequest(method=method, url=url, data=content)
        credentials = Credentials(keys.access, keys.secret, keys.session or None)
        SigV4Auth(credentials, self.service, self.region).add_auth(request)
        return dict(request.headers.items()), keys
