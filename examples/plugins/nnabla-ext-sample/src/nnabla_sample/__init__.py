"""An operator, a file format and a command for NNabla, besides the backends of this distribution.

``nnabla_sample.functions`` and ``nnabla_sample.parametric_functions`` are to be used like NNabla's own.
"""
