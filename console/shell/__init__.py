"""The verbs of the pages for a shell on the host, when the pages are away."""
