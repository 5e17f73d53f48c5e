"""The cases of the core's operators, a module for each family of :mod:`nnabla.ops`."""
