"""Formats of parameter files."""
