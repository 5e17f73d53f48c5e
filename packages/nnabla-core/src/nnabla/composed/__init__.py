"""Functions of ``nnabla.functions`` that are written in Python over operators, one module a family.

Each module lists its public functions in ``__all__``; ``nnabla.functions`` collects them, and a function here
takes the place of an operator of the same name.
"""
