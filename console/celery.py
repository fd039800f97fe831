"""The Celery application. Its tasks are doorbells; what is true stands in the database."""

from __future__ import annotations

import os

from celery import Celery
from celery.signals import celeryd_init, setup_logging
from django.conf import settings

from console.logs import configure
from incidents.engine.sweeper import SweepStep

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "console.settings")

app = Celery("handrail")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["incidents"])
# Every worker also sweeps the database, so that nothing depends on a message.
app.steps["worker"].add(SweepStep)


# The first comes before Celery warns of anything.
@celeryd_init.connect  # type: ignore[untyped-decorator]  # celery has no types
@setup_logging.connect  # type: ignore[untyped-decorator]  # celery has no types
def keep_our_log(**_: object) -> None:
    """With somebody connected, Celery sets up no log of its own."""
    configure(settings.LOGGING)
