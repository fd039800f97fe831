"""Put back the last document of a policy that was proven to let through what it should."""

from __future__ import annotations

from incidents.actions.base import Words
from incidents.actions.whole import RestoreWhole
from incidents.domain.kinds import Kind


class RollBackPolicy(RestoreWhole):
    """Restores the `document` aspect, whole: a policy that is mended in parts is one that nobody has ever tried."""

    name = "roll_back_policy"
    kinds: tuple[Kind, ...] = (Kind.POLICY,)
    aspects = frozenset({"document"})
    words = Words(
        verb="Put back the last good policy for",
        doing="Putting back the last good policy for",
        done="as it was when it last worked",
        can="put back the last policy that was proven to work",
        explained="A policy says who may reach what. It goes back, as a whole, to the one that last worked.",
        stays="your programs, your prefixes and your DNS, and every other policy",
        check="what should come through does",
        consequence="other traffic is let through, or kept out, within seconds",
    )
    proven = "It goes back to the policy that was in force when it last worked, as a whole."
    nothing = "The policy is already the one that last worked. There is nothing to put back."
