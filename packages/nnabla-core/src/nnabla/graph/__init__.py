"""Graphs: variables, functions, and the programs that run them."""
