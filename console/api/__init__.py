"""The same verbs as on the pages, over HTTP and by a token: the same doors, the same services, the same codes."""
