"""What talking to a machine needs, whatever is at the other end: settings, deadlines, HTTP. For adapters and probes."""
