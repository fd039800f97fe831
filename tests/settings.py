"""The settings of the tests: those of the console, on loopback and with its secrets made up."""

from __future__ import annotations

import os

os.environ.setdefault("SECRET_KEY", "only-for-tests")
os.environ.setdefault("SECURE", "false")
os.environ.setdefault("SNAPSHOT_AFTER_SECONDS", "0")

from console.settings import *  # noqa: E402, F403  # the environment comes first

STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    # Hashed names need `collectstatic`; the tests read the files themselves.
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
