"""Layers as classes whose parameters are made with them, of sizes that are given."""
