"""manage.py openapi: writes docs/openapi.json anew, from the code."""

from __future__ import annotations

from django.conf import settings
from django.core.management.base import BaseCommand

from console.api.document import document


class Command(BaseCommand):
    help = "Write the OpenAPI document of the API to docs/openapi.json."

    def handle(self, **options: object) -> None:
        path = settings.BASE_DIR / "docs/openapi.json"
        path.write_text(document())
        self.stdout.write(f"✓ {path} is what the code says.")
