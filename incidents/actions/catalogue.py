"""Every action there is, by name."""

from __future__ import annotations

from incidents.actions.base import Action
from incidents.actions.readvertise_prefix import ReadvertisePrefix

CATALOGUE: dict[str, Action] = {action.name: action for action in (ReadvertisePrefix(),)}
