"""An authenticator app for tests, by RFC 6238 and not by the library that checks it."""

from __future__ import annotations

import base64
import hmac
import time

STEP = 30


def code_of(secret: str, steps: int = 0) -> str:
    """The six digits that the app shows now, or so many steps of 30 s later."""
    counter = int(time.time()) // STEP + steps
    mac = hmac.digest(base64.b32decode(secret), counter.to_bytes(8, "big"), "sha1")
    place = mac[-1] & 15
    number = int.from_bytes(mac[place : place + 4], "big") & 0x7FFFFFFF
    return f"{number % 10**6:06d}"


def settle(seconds: float = 3.0) -> None:
    """Waits where the code is about to change, so that a test does not straddle two of them."""
    left = STEP - time.time() % STEP
    if left < seconds:
        time.sleep(left)
