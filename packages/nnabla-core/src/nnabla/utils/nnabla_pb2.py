"""The protobuf messages of NNabla's files; another name of ``nnabla_io.messages``."""

from nnabla._forward import forward

forward(__name__, "nnabla_io.messages", "nnabla-io")
