"""Every action there is, by name."""

from __future__ import annotations

from incidents.actions.base import Action
from incidents.actions.readvertise_prefix import ReadvertisePrefix
from incidents.actions.restore_keys import RestoreKeys
from incidents.actions.restore_record import RestoreRecord
from incidents.actions.restore_to import PART_OF, RestoreTo
from incidents.actions.revert_deploy import RevertDeploy
from incidents.actions.roll_back_policy import RollBackPolicy
from incidents.actions.shift_traffic_away import ShiftTrafficAway
from incidents.actions.shift_traffic_back import ShiftTrafficBack
from incidents.domain.changes import Change
from incidents.domain.kinds import kind_of

ACTIONS: tuple[Action, ...] = (
    ReadvertisePrefix(),
    RevertDeploy(),
    ShiftTrafficBack(),
    ShiftTrafficAway(),
    RollBackPolicy(),
    RestoreRecord(),
    RestoreKeys(),
    RestoreTo(),
)
CATALOGUE = {action.name: action for action in ACTIONS}


def describe(action: Action, change: Change) -> tuple[str, str]:
    """Before and after in a few words, as whoever puts back that kind of thing says them."""
    says = action if len(action.kinds) == 1 else PART_OF[kind_of(change.aspect)]
    return says.describe(change.before), says.describe(change.after)
