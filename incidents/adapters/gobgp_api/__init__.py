"""Generated from gobgp.proto beside this file; see README.md for the command."""
