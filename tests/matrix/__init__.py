"""Every address, every method, every role, of one's own organization and of another one."""
