"""A console with one of everything to look at, in a folder of its own. Run as `python -m tests.pages.stage FOLDER`.

Prints one line of JSON, what `cast.build` gives, once everything stands. Then reads a line at a time from stdin, the
name of a scenario or `heal`, does that to the lab, looks, and prints an empty line. Ends with its stdin, and its lab
with it.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import django


def main(folder: Path) -> int:
    django.setup()
    from console.up.world import migrate
    from incidents.engine.poller import poll_once
    from incidents.lab.lab import Lab
    from tests.pages.cast import build
    from tests.scene import set_scene

    migrate()
    with Lab(folder / "lab", simulated=True) as lab:
        scene = set_scene(lab, folder, budget=3, flap_minutes="0")
        print(json.dumps(build(scene)), flush=True)
        for line in sys.stdin:
            if line.strip() == "heal":
                lab.heal()
                poll_once()
            else:
                scene.break_(line.strip())
            print(flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
