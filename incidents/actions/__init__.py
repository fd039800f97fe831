"""The catalogue of actions: a file an action."""
