"""`make up`: the whole console on one machine, with a lab in which something is broken. A demo, not production."""
