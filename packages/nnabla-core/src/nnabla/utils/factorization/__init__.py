"""Factorizations of weights."""
