"""Asks a validator whether origins are authorised; see `probes.rpki`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from incidents.domain.errors import HandrailError
from incidents.domain.rpki import Origin, Validity
from incidents.engine.backends import TOOLS
from incidents.probes.base import Validator


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
