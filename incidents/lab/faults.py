"""What can go wrong with a lab, in words for the person who started it."""

from __future__ import annotations

from incidents.domain.errors import HandrailError


class LabFault(HandrailError):
    """The lab cannot do it; the text is one clear line."""
