"""Celery tasks: each is a doorbell. The argument is a key; its loss or repetition is harmless."""

from __future__ import annotations

import uuid

from celery import shared_task

from incidents.engine.advance import advance
from incidents.engine.bell import TASK


@shared_task(name=TASK, ignore_result=True)  # type: ignore[untyped-decorator]  # celery has no types
def advance_run(run_id: str) -> None:
    advance(uuid.UUID(run_id))
