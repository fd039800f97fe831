"""The face: everything that a person or a client touches."""

from console.celery import app as celery_app

__all__ = ["celery_app"]
