"""File formats of NNabla, as plugins of ``nnabla-core``."""
