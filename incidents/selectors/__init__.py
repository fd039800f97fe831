"""Read models for the pages: frozen values of exactly what is shown, from a fixed number of queries. Nothing writes."""
