"""What Gunicorn reads by itself when it starts here: its log is ours. The rest stands in the Procfile."""

from __future__ import annotations

from console.settings import LOGGING

# Requests are told by console.middleware, without what an address may hold.
accesslog = None
logconfig_dict = LOGGING
