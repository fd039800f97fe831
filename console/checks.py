"""What `manage.py check --deploy` says of our own settings."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Tags, Warning, register

FACTOR = Warning(
    "SECOND_FACTOR is `optional`: a password alone opens everything.",
    hint="Leave it out, or set it to `required`. `optional` is for a demo on one machine.",
    id="handrail.W001",
)


@register(Tags.security, deploy=True)
def check_second_factor(app_configs: Any, **_: Any) -> list[CheckMessage]:
    return [FACTOR] if settings.SECOND_FACTOR != "required" else []
