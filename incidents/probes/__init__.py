"""Instruments that look from outside: a file an instrument. Imports `domain` and its own base, nothing else of ours."""
