"""Figures, each beside its limit or beside the same work done directly, in the same run. No time is asserted."""
