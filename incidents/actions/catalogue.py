"""Every action there is, by name."""

from __future__ import annotations

from incidents.actions.base import Action
from incidents.actions.readvertise_prefix import ReadvertisePrefix
from incidents.actions.restore_keys import RestoreKeys
from incidents.actions.restore_record import RestoreRecord
from incidents.actions.revert_deploy import RevertDeploy
from incidents.actions.roll_back_policy import RollBackPolicy
from incidents.actions.shift_traffic_away import ShiftTrafficAway
from incidents.actions.shift_traffic_back import ShiftTrafficBack

ACTIONS: tuple[Action, ...] = (
    ReadvertisePrefix(),
    RevertDeploy(),
    ShiftTrafficBack(),
    ShiftTrafficAway(),
    RollBackPolicy(),
    RestoreRecord(),
    RestoreKeys(),
)
CATALOGUE = {action.name: action for action in ACTIONS}
