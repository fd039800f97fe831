"""The Celery application. Its tasks are doorbells; what is true stands in the database."""

from __future__ import annotations

import os

from celery import Celery

from incidents.engine.sweeper import SweepStep

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "console.settings")

app = Celery("handrail")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["incidents"])
# Every worker also sweeps the database, so that nothing depends on a message.
app.steps["worker"].add(SweepStep)
