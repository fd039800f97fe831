"""A small world on loopback: real daemons where they are installed, simulated ones otherwise. See docs/lab.md."""
