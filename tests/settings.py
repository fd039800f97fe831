"""The settings of the tests: those of the console, on loopback and with its secrets made up."""

from __future__ import annotations

import os

os.environ.setdefault("SECRET_KEY", "only-for-tests")
os.environ.setdefault("SECURE", "false")
# Most tests are about something else than sign-in; those that are set what they need.
os.environ.setdefault("SECOND_FACTOR", "optional")
os.environ.setdefault("SNAPSHOT_AFTER_SECONDS", "0")
os.environ.setdefault("SNAPSHOT_SOURCE_AFTER_SECONDS", "0")

from console.settings import *  # noqa: F403  # the environment comes first

STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    # Hashed names need `collectstatic`; the tests read the files themselves.
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}

# A file and not memory, so that threads and worker processes open it as they would open the real one.
_folder = VAR_DIR / "test"  # noqa: F405
_folder.mkdir(parents=True, exist_ok=True)
if "sqlite3" in str(DATABASES["default"]["ENGINE"]):  # noqa: F405
    DATABASES["default"]["TEST"] = {"NAME": str(_folder / f"{os.getpid()}.sqlite3")}  # noqa: F405
PASSWORD_HASHERS = ["tests.hashers.QuickArgon2"]
WHITENOISE_AUTOREFRESH = WHITENOISE_USE_FINDERS = True
