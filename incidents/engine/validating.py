"""Asks probes about origins: a validator whether they are authorised, collectors whom they hear."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from incidents.domain.errors import HandrailError
from incidents.domain.rpki import Origin, Validity
from incidents.engine.backends import TOOLS, ask_all
from incidents.probes.base import Listener, Validator


def ask_validator(slug: str, routes: Sequence[tuple[int, str]]) -> Mapping[tuple[int, str], Validity]:
    """What the validator of that name says of each (origin AS, prefix). Never raises: trouble is `unknown`."""
    try:
        TOOLS.refresh()
        answers = (
            TOOLS.probe(slug)
            .call(lambda probe: probe.validity(routes) if isinstance(probe, Validator) else {})
            .result()
        )
    except HandrailError as error:
        return dict.fromkeys(routes, Validity(Origin.UNKNOWN, detail=str(error)))
    missing = Validity(Origin.UNKNOWN, detail=f"{slug} gave no answer")
    return {route: answers.get(route, missing) for route in routes}


def ask_listeners(slugs: Sequence[str], prefixes: Sequence[str]) -> Mapping[str, frozenset[int]]:
    """The AS numbers that the collectors behind these probes hear announcing each prefix.

    One that does not answer has heard nothing: its word is a warning, and nothing waits for it.
    """
    answers = ask_all(
        slugs,
        lambda slug: TOOLS.probe(slug).call(
            lambda probe: probe.origins(prefixes) if isinstance(probe, Listener) else {}
        ),
    )
    heard: dict[str, frozenset[int]] = {}
    for answer in answers.values():
        if not isinstance(answer, HandrailError):
            for prefix, origins in answer.items():
                heard[prefix] = heard.get(prefix, frozenset()) | origins
    return heard
