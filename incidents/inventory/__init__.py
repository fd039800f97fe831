"""The inventory as code: what one YAML file says, and every fault in it. Pure apart from reading secrets."""
