"""What every page shows: whose console this is, whom to call, and whether it is a demo."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest


def help_line(request: HttpRequest) -> dict[str, str]:
    return {"help_phone": settings.HELP_PHONE, "operator_name": settings.OPERATOR_NAME, "notice": settings.NOTICE}
