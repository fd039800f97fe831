"""The thin shell round `domain.decide`: leases, outside calls within budgets, and the loop that carries a run on."""
