"""Put back the last good public keys, or trust bundle, by which others know whom to let in."""

from __future__ import annotations

from collections.abc import Iterator

from incidents.actions.base import Words
from incidents.actions.whole import RestoreWhole
from incidents.domain.facts import BindingFacts, ResourceFacts
from incidents.domain.findings import Finding, Severity
from incidents.domain.kinds import Kind


class RestoreKeys(RestoreWhole):
    """Restores the `keyset` aspect, whole. Only public keys ever come this way (`domain.keysets`)."""

    name = "restore_keys"
    kinds: tuple[Kind, ...] = (Kind.KEYS,)
    aspects = frozenset({"keyset"})
    words = Words(
        verb="Put back the last good keys for",
        doing="Putting back the last good keys for",
        done="able to let people in again",
        can="put back the public keys that were proven to work",
        explained="Public keys tell your systems whose signatures to believe. With wrong ones nobody can sign in.",
        stays="secret keys, passwords and people's accounts; none of them passes through here",
        check="signing in works",
        consequence="signatures by newer keys are not believed any more",
    )
    proven = "They go back to the public keys that were there when it last worked."
    nothing = "The keys are already those that last worked. There is nothing to put back."

    def worth_knowing(self, resource: ResourceFacts, side: BindingFacts) -> Iterator[Finding]:
        text = (
            f"If the keys of {resource.name} were changed on purpose, because a secret one was lost or stolen, do not "
            "put the old ones back. Call us."
        )
        yield Finding("guard.key-change", Severity.WARNING, text, resource.name)
