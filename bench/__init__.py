"""Figures, each beside its limit or beside the same work done directly, in the same run. Nothing here asserts a time."""
