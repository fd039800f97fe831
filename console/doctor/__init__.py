"""What is wrong with an installation, in plain words, and how it is mended."""
