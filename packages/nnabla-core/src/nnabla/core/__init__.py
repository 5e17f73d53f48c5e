"""Networks as objects: modules that own parameters and other modules."""
