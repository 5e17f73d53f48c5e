"""Multi-head attention and the layers of the Transformer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from nnabla import functions as F
from nnabla.errors import ShapeError
from nnabla.initializer import ConstantInitializer
from nnabla.parametric_functions.api import Initial, glorot, parameter, parametric_function_api
from nnabla.parametric_functions.fully_connected import affine
from nnabla.parametric_functions.normalization import layer_normalization

if TYPE_CHECKING:
    from nnabla import Variable
    from nnabla.parametric_functions.api import Input

    Activation = Callable[[Input], Input]

__all__ = ["multi_head_attention", "transformer", "transformer_decode", "transformer_encode"]


@parametric_function_api(
    "multi_head_attention",
    [
        ("q_weight", "Projection of the query", "(E_q, E_k)", True),
        ("k_weight", "Projection of the key", "(key's features, E_k)", True),
        ("v_weight", "Projection of the value", "(value's features, E_v)", True),
        ("out_weight", "Projection of the output", "(E_v, out_dim)", True),
        ("q_bias, k_bias, v_bias, out_bias", "Their biases", "(second size of the weights,)", True),
        (
            "attn_bias_k, attn_bias_v",
            "A further key and value",
            "(1, 1, E_k) and (1, 1, E_v)",
            True,
        ),
    ],
)
def multi_head_attention(
    query: Input,
    key: Input,
    value: Input,
    num_heads: int = 12,
    dropout: float = 0.0,
    k_embed_dim: int | None = None,
    v_embed_dim: int | None = None,
    out_dim: int | None = None,
    rng: np.random.RandomState | None = None,
    with_bias: bool = True,
    add_attn_bias: bool = False,
    additive_mask: Input | None = None,
    key_padding_mask: Input | None = None,
    fix_parameters: bool = False,
    param_init: Mapping[str, Initial] | None = None,
) -> tuple[Input, Input]:
    """Attention of several heads, each over a learned projection of query, key and value.

    Source: Vaswani et al. 2017, "Attention is all you need", section 3.2.
    With T target steps, S source steps and B samples:

    Args:
        query: ``(T, B, E_q)``.
        key: ``(S, B, features)``.
        value: ``(S, B, features)``.
        num_heads: Number of heads, a divisor of ``k_embed_dim`` and ``v_embed_dim``.
        dropout: Probability to drop an attention weight, 0 to 1.
        k_embed_dim: E_k, the size of projected queries and keys; E_q by default.
        v_embed_dim: E_v, the size of projected values; that of ``value`` by default.
        out_dim: Size of the output; E_v by default.
        rng: Source of the initial weights, `nnabla.random.prng` by default.
        with_bias: Add biases to the projections.
        add_attn_bias: Add a learned key and value to the source.
        additive_mask: ``(T, S)``, added to the attention logits.
        key_padding_mask: ``(B, S)``; sources where it is not 0 get no attention.
        fix_parameters: Use the parameters without training them here.
        param_init: Initial values by parameter name. By default weights are uniform by
            `calc_uniform_lim_glorot` and biases 0.

    Returns:
        The output ``(T, B, out_dim)`` and the attention weights ``(B * num_heads, T, S)``, S one
        more with ``add_attn_bias``.
    """
    for name, given in (("query", query), ("key", key), ("value", value)):
        if len(given.shape) != 3:
            raise ShapeError(
                f"multi_head_attention: {name} must have the 3 dimensions (steps, batch, "
                f"features), got the shape {given.shape}"
            )
    inits = param_init or {}

    def weight(name: str, inmaps: int, outmaps: int) -> Variable:
        default = glorot(inmaps, outmaps, (1, 1), rng)
        return parameter(name, (inmaps, outmaps), inits.get(name), default, fix_parameters)

    def bias(name: str, size: int) -> Variable | None:
        if not with_bias:
            return None
        return parameter(name, (size,), inits.get(name), ConstantInitializer, fix_parameters)

    def extra(name: str, size: int) -> Variable | None:
        if not add_attn_bias:
            return None
        default = glorot(1, size, (1, 1), rng)
        return parameter(name, (1, 1, size), inits.get(name), default, fix_parameters)

    q_features, k_features, v_features = query.shape[2], key.shape[2], value.shape[2]
    k_size = q_features if k_embed_dim is None else k_embed_dim
    v_size = v_features if v_embed_dim is None else v_embed_dim
    out_size = v_size if out_dim is None else out_dim
    return F.multi_head_attention(
        query,
        key,
        value,
        num_heads,
        weight("q_weight", q_features, k_size),
        weight("k_weight", k_features, k_size),
        weight("v_weight", v_features, v_size),
        weight("out_weight", v_size, out_size),
        bias("q_bias", k_size),
        bias("k_bias", k_size),
        bias("v_bias", v_size),
        bias("out_bias", out_size),
        extra("attn_bias_k", k_size),
        extra("attn_bias_v", v_size),
        dropout,
        additive_mask,
        key_padding_mask,
    )


@parametric_function_api("transformer_encode")
def transformer_encode(
    src: Input,
    embed_dim: int,
    num_heads: int,
    dim_feedforward: int = 2048,
    dropout: float = 0.1,
    activation: Activation | None = None,
    src_additive_mask: Input | None = None,
    src_key_padding_mask: Input | None = None,
    rng: np.random.RandomState | None = None,
    add_attn_bias: bool = False,
    fix_parameters: bool = False,
) -> Input:
    """One encoder layer of the Transformer: self-attention, then a feed-forward network.

    Each is followed by dropout, the residual connection and layer normalization.
    Source: Vaswani et al. 2017, "Attention is all you need", section 3.1.
    With S source steps and B samples:

    Args:
        src: ``(S, B, embed_dim)``.
        embed_dim: Number of features.
        num_heads: Number of attention heads, a divisor of ``embed_dim``.
        dim_feedforward: Hidden size of the feed-forward network.
        dropout: Probability to drop an output, 0 to 1.
        activation: Activation of the feed-forward network, `nnabla.functions.relu` by default.
        src_additive_mask: ``(S, S)``, added to the attention logits.
        src_key_padding_mask: ``(B, S)``; steps where it is not 0 get no attention.
        rng: Source of the initial weights, `nnabla.random.prng` by default.
        add_attn_bias: Add a learned key and value to the source.
        fix_parameters: Use the parameters without training them here.

    Returns:
        As ``src``.
    """
    attended = _attend(
        src, src, embed_dim, num_heads, src_additive_mask, src_key_padding_mask, rng,
        add_attn_bias, fix_parameters, "src_self_attn",
    )  # fmt: skip
    x = _add_and_normalize(src, attended, dropout, fix_parameters, "enc_layer_norm1")
    fed = _feed_forward(x, embed_dim, dim_feedforward, dropout, activation, rng, fix_parameters, "enc_affine")
    return _add_and_normalize(x, fed, dropout, fix_parameters, "enc_layer_norm2")


@parametric_function_api("transformer_decode")
def transformer_decode(
    tgt: Input,
    memory: Input,
    embed_dim: int,
    num_heads: int,
    dim_feedforward: int = 2048,
    dropout: float = 0.1,
    activation: Activation | None = None,
    tgt_additive_mask: Input | None = None,
    memory_additive_mask: Input | None = None,
    tgt_key_padding_mask: Input | None = None,
    memory_key_padding_mask: Input | None = None,
    rng: np.random.RandomState | None = None,
    add_attn_bias: bool = False,
    fix_parameters: bool = False,
) -> Input:
    """One decoder layer of the Transformer: attention to itself and to the encoder's output.

    A feed-forward network comes last; each of the three is followed by dropout, the residual
    connection and layer normalization.
    Source: Vaswani et al. 2017, "Attention is all you need", section 3.1.
    With T target steps, S source steps and B samples:

    Args:
        tgt: ``(T, B, embed_dim)``.
        memory: ``(S, B, embed_dim)``, the encoder's output.
        embed_dim: Number of features.
        num_heads: Number of attention heads, a divisor of ``embed_dim``.
        dim_feedforward: Hidden size of the feed-forward network.
        dropout: Probability to drop an output, 0 to 1.
        activation: Activation of the feed-forward network, `nnabla.functions.relu` by default.
        tgt_additive_mask: ``(T, T)``, added to the logits of the self-attention.
        memory_additive_mask: ``(T, S)``, added to the logits of the attention to ``memory``.
        tgt_key_padding_mask: ``(B, T)``; target steps where it is not 0 get no attention.
        memory_key_padding_mask: ``(B, S)``; source steps where it is not 0 get no attention.
        rng: Source of the initial weights, `nnabla.random.prng` by default.
        add_attn_bias: Add a learned key and value to the source.
        fix_parameters: Use the parameters without training them here.

    Returns:
        As ``tgt``.
    """
    attended = _attend(
        tgt, tgt, embed_dim, num_heads, tgt_additive_mask, tgt_key_padding_mask, rng,
        add_attn_bias, fix_parameters, "tgt_self_attn",
    )  # fmt: skip
    x = _add_and_normalize(tgt, attended, dropout, fix_parameters, "dec_layer_norm1")
    attended = _attend(
        x, memory, embed_dim, num_heads, memory_additive_mask, memory_key_padding_mask, rng,
        add_attn_bias, fix_parameters, "tgt_memory_attn",
    )  # fmt: skip
    x = _add_and_normalize(x, attended, dropout, fix_parameters, "dec_layer_norm2")
    fed = _feed_forward(x, embed_dim, dim_feedforward, dropout, activation, rng, fix_parameters, "dec_affine")
    return _add_and_normalize(x, fed, dropout, fix_parameters, "dec_layer_norm3")


@parametric_function_api("transformer")
def transformer(
    src: Input,
    tgt: Input,
    embed_dim: int = 512,
    num_heads: int = 8,
    num_encoder_layers: int = 6,
    num_decoder_layers: int = 6,
    dim_feedforward: int = 2048,
    dropout: float = 0.1,
    activation: Activation | None = None,
    src_additive_mask: Input | None = None,
    tgt_additive_mask: Input | None = None,
    memory_additive_mask: Input | None = None,
    src_key_padding_mask: Input | None = None,
    tgt_key_padding_mask: Input | None = None,
    memory_key_padding_mask: Input | None = None,
    rng: np.random.RandomState | None = None,
    add_attn_bias: bool = False,
    fix_parameters: bool = False,
) -> Input:
    """The Transformer's encoder and decoder, without embeddings and output layer.

    Source: Vaswani et al. 2017, "Attention is all you need", section 3.
    With T target steps, S source steps and B samples:

    Args:
        src: ``(S, B, embed_dim)``.
        tgt: ``(T, B, embed_dim)``.
        embed_dim: Number of features.
        num_heads: Number of attention heads, a divisor of ``embed_dim``.
        num_encoder_layers: Number of encoder layers.
        num_decoder_layers: Number of decoder layers.
        dim_feedforward: Hidden size of the feed-forward networks.
        dropout: Probability to drop an output, 0 to 1.
        activation: Activation of the feed-forward networks, `nnabla.functions.relu` by default.
        src_additive_mask: ``(S, S)``, added to the logits of the encoder.
        tgt_additive_mask: ``(T, T)``, added to the logits of the decoder's self-attention.
        memory_additive_mask: ``(T, S)``, added to the logits of the attention to the encoder.
        src_key_padding_mask: ``(B, S)``; source steps where it is not 0 get no attention in the
            encoder.
        tgt_key_padding_mask: ``(B, T)``; the same for target steps.
        memory_key_padding_mask: ``(B, S)``; the same for source steps in the decoder.
        rng: Source of the initial weights, `nnabla.random.prng` by default.
        add_attn_bias: Add a learned key and value to each source.
        fix_parameters: Use the parameters without training them here.

    Returns:
        As ``tgt``.
    """
    shared: dict[str, Any] = {
        "embed_dim": embed_dim,
        "num_heads": num_heads,
        "dim_feedforward": dim_feedforward,
        "dropout": dropout,
        "activation": activation,
        "rng": rng,
        "add_attn_bias": add_attn_bias,
        "fix_parameters": fix_parameters,
    }
    memory = src
    for i in range(num_encoder_layers):
        memory = transformer_encode(
            memory,
            src_additive_mask=src_additive_mask,
            src_key_padding_mask=src_key_padding_mask,
            name=f"encoder{i:02d}",
            **shared,
        )
    output = tgt
    for i in range(num_decoder_layers):
        output = transformer_decode(
            output,
            memory,
            tgt_additive_mask=tgt_additive_mask,
            memory_additive_mask=memory_additive_mask,
            tgt_key_padding_mask=tgt_key_padding_mask,
            memory_key_padding_mask=memory_key_padding_mask,
            name=f"decoder{i:02d}",
            **shared,
        )
    return output


def _attend(
    x: Input,
    source: Input,
    embed_dim: int,
    num_heads: int,
    additive_mask: Input | None,
    key_padding_mask: Input | None,
    rng: np.random.RandomState | None,
    add_attn_bias: bool,
    fix_parameters: bool,
    name: str,
) -> Input:
    output, _ = multi_head_attention(
        x,
        source,
        source,
        num_heads,
        k_embed_dim=embed_dim,
        v_embed_dim=embed_dim,
        out_dim=embed_dim,
        rng=rng,
        add_attn_bias=add_attn_bias,
        additive_mask=additive_mask,
        key_padding_mask=key_padding_mask,
        fix_parameters=fix_parameters,
        name=name,
    )
    return output


def _feed_forward(
    x: Input,
    embed_dim: int,
    dim_feedforward: int,
    dropout: float,
    activation: Activation | None,
    rng: np.random.RandomState | None,
    fix_parameters: bool,
    name: str,
) -> Input:
    hidden = affine(x, dim_feedforward, base_axis=2, rng=rng, fix_parameters=fix_parameters, name=f"{name}1")
    hidden = (activation or F.relu)(hidden)
    if dropout > 0:
        hidden = F.dropout(hidden, p=dropout)
    return affine(hidden, embed_dim, base_axis=2, rng=rng, fix_parameters=fix_parameters, name=f"{name}2")


def _add_and_normalize(x: Input, branch: Input, dropout: float, fix_parameters: bool, name: str) -> Input:
    if dropout > 0:
        branch = F.dropout(branch, p=dropout)
    return layer_normalization(x + branch, batch_axis=(0, 1), fix_parameters=fix_parameters, name=name)
