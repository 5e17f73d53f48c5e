"""The conformance kit: what a backend, an operator, a format or a command is held against, and the report on it."""
