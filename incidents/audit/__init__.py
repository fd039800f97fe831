"""The audit log: append, verify, and the fence that the database keeps around it."""
