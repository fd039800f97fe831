"""The machine: what is broken, what may be done about it, and the doing. No HTTP request in here."""
