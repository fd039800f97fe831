"""A passkey in the browser of the tests: an authenticator of Chromium's own, which says yes by itself."""

from __future__ import annotations

from tests.browser import Browser


def add_authenticator(browser: Browser) -> str:
    """Gives the tab an authenticator that verifies its user, and returns its id."""
    browser.call("WebAuthn.enable")
    answer = browser.call(
        "WebAuthn.addVirtualAuthenticator",
        options={
            "protocol": "ctap2",
            "transport": "internal",
            "hasResidentKey": True,
            "hasUserVerification": True,
            "isUserVerified": True,
            "automaticPresenceSimulation": True,
        },
    )
    found: str = answer["authenticatorId"]
    return found


def remove_authenticator(browser: Browser, authenticator: str) -> None:
    browser.call("WebAuthn.removeVirtualAuthenticator", authenticatorId=authenticator)
