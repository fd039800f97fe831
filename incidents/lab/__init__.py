"""A small world on loopback: real routers where they are installed, simulated ones otherwise. See docs/lab.md."""
