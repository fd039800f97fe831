"""The code that talks to backends: a file a kind. Imports `domain` and its own base, nothing else of ours."""
