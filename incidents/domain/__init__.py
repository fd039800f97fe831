"""Pure rules: values in, values out. Standard library only, no clock and no I/O of its own."""
