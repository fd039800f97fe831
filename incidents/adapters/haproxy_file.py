"""HAProxy's server-state file, which it reads when it starts: what makes a change outlive a reload."""

from __future__ import annotations

import errno
import os
import stat
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from incidents.adapters.haproxy_servers import Reading

# HAProxy may run as another user than we do, and the file holds no secret.
MODE_OF_A_NEW_FILE = 0o644
# Each further one means that somebody changed a server in the milliseconds of the one before.
MOST_WRITES = 3


@dataclass(frozen=True, slots=True)
class StateFile:
    """The file at `path`; always a whole one, the old or the new."""

    path: Path

    def keep(self, reading: Reading, look: Callable[[], Reading | None]) -> None:
        """Writes a reading, and writes again while what is has become another than what was written.

        Two writers never know which of their readings is older. Looking again after writing lets the last one to
        write be right, whoever it is, without a lock between the processes.

        Args:
            look: takes a new reading; None where there is none, and then what was written stays.

        Raises: OSError when the file could not be written.
        """
        for _ in range(MOST_WRITES):
            self._replace(reading.text)
            now = look()
            if now is None or now.settings() == reading.settings():
                return
            reading = now

    def _replace(self, text: str) -> None:
        # Where the path is a link, its target is replaced, and the link stays.
        target = Path(os.path.realpath(self.path))
        try:
            found = target.stat().st_mode
        except FileNotFoundError:
            found = stat.S_IFREG | MODE_OF_A_NEW_FILE
        if not stat.S_ISREG(found):
            raise OSError(errno.EINVAL, "it is no plain file")
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
                os.fchmod(file.fileno(), stat.S_IMODE(found))
                file.flush()
                os.fsync(file.fileno())
            os.replace(name, target)
        except BaseException:
            os.unlink(name)
            raise
