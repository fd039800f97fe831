"""Who sits at the shell."""

from __future__ import annotations

import os
import pwd


def shell_user() -> str:
    """The name of the system's user, by their id; what the environment says of them can be set by anybody."""
    uid = os.getuid()
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:  # an id without a name, as in some containers
        return f"user {uid}"
