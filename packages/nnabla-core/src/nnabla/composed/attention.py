"""Multi-head attention over given projections."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypeAlias

from nnabla.errors import ShapeError

if TYPE_CHECKING:
    from nnabla import NdArray, Variable

    Input: TypeAlias = Variable | NdArray

__all__ = ["multi_head_attention"]


class AttentionShapeError(ShapeError, AssertionError):
    """Inputs or weights of an attention do not fit together."""


def multi_head_attention(
    query: Input,
    key: Input,
    value: Input,
    num_heads: int,
    q_weight: Input,
    k_weight: Input,
    v_weight: Input,
    out_weight: Input,
    q_bias: Input | None = None,
    k_bias: Input | None = None,
    v_bias: Input | None = None,
    out_bias: Input | None = None,
    attn_bias_k: Input | None = None,
    attn_bias_v: Input | None = None,
    dropout: float = 0.0,
    additive_mask: Input | None = None,
    key_padding_mask: Input | None = None,
) -> tuple[Input, Input]:
    """Scaled dot-product attention in several heads.

    For each head, :math:`\\mathrm{softmax}(q k^T / \\sqrt{d} + \\mathrm{mask}) v`, where q, k and v
    are slices of the projected inputs and d is the size of q; the heads' results side by side are
    projected once more.
    Source: Vaswani et al. 2017, "Attention is all you need", eq. 1 and section 3.2.2.

    With T target steps, S source steps and B samples:

    Args:
        query: ``(T, B, E_q)``.
        key: ``(S, B, E_key)``.
        value: ``(S, B, E_value)``.
        num_heads: Number of heads, a divisor of E_k and E_v.
        q_weight: ``(E_q, E_k)``.
        k_weight: ``(E_key, E_k)``.
        v_weight: ``(E_value, E_v)``.
        out_weight: ``(E_v, E_out)``.
        q_bias: ``(E_k,)``.
        k_bias: ``(E_k,)``.
        v_bias: ``(E_v,)``.
        out_bias: ``(E_out,)``.
        attn_bias_k: ``(1, 1, E_k)``, a further key for all samples; together with ``attn_bias_v``.
        attn_bias_v: ``(1, 1, E_v)``, its value.
        dropout: Probability to drop an attention weight, 0 to 1.
        additive_mask: ``(T, S)``, added to the logits.
        key_padding_mask: ``(B, S)``; sources where it is not 0 get no attention.

    Returns:
        The output ``(T, B, E_out)`` and the attention weights ``(B * num_heads, T, S)``, where S is
        one more with ``attn_bias_k``.

    Raises:
        AttentionShapeError: The shapes do not fit, or ``num_heads`` divides no embedding.
    """
    from nnabla import functions as F

    _check(query, key, value, num_heads, q_weight, k_weight, v_weight, attn_bias_k, attn_bias_v)
    steps, batch = query.shape[:2]
    head = q_weight.shape[1] // num_heads

    q = F.affine(query, q_weight, q_bias, base_axis=2) * (1 / math.sqrt(head))
    k = F.affine(key, k_weight, k_bias, base_axis=2)
    v = F.affine(value, v_weight, v_bias, base_axis=2)
    if attn_bias_k is not None and attn_bias_v is not None:
        k = F.concatenate(k, F.broadcast(attn_bias_k, (1, batch, k.shape[2])), axis=0)
        v = F.concatenate(v, F.broadcast(attn_bias_v, (1, batch, v.shape[2])), axis=0)
        if additive_mask is not None:
            additive_mask = F.pad(additive_mask, (0, 1))
        if key_padding_mask is not None:
            key_padding_mask = F.pad(key_padding_mask, (0, 1))

    def by_head(x: Input) -> Input:
        """``(steps, B, E)`` to ``(B * num_heads, steps, E / num_heads)``."""
        size = x.shape[2] // num_heads
        return F.transpose(F.reshape(x, (x.shape[0], batch * num_heads, size)), (1, 0, 2))

    logits = F.batch_matmul(by_head(q), by_head(k), transpose_b=True)
    if additive_mask is not None:
        logits = logits + F.reshape(additive_mask, (1, *additive_mask.shape))
    if key_padding_mask is not None:
        logits = _without_padding(logits, key_padding_mask, num_heads)
    weights = F.softmax(logits, axis=2)
    if dropout > 0:
        weights = F.dropout(weights, p=dropout)
    output = F.transpose(F.batch_matmul(weights, by_head(v)), (1, 0, 2))
    output = F.reshape(output, (steps, batch, v.shape[2]))
    return F.affine(output, out_weight, out_bias, base_axis=2), weights


def _without_padding(logits: Input, key_padding_mask: Input, num_heads: int) -> Input:
    """Minus infinity where the mask, ``(B, S)``, is not 0."""
    from nnabla import NdArray
    from nnabla import functions as F

    rows, steps, sources = logits.shape
    shape = (rows // num_heads, num_heads, steps, sources)
    mask = F.broadcast(F.reshape(key_padding_mask, (shape[0], 1, 1, sources)), shape)
    if isinstance(logits, NdArray):  # F.constant would give a Variable that nobody computes
        array = NdArray(shape)
        array.fill(-math.inf)
        lowest: Input = array
    else:
        lowest = F.constant(-math.inf, shape)
    return F.reshape(F.where(mask, lowest, F.reshape(logits, shape)), logits.shape)


def _check(
    query: Input,
    key: Input,
    value: Input,
    num_heads: int,
    q_weight: Input,
    k_weight: Input,
    v_weight: Input,
    attn_bias_k: Input | None,
    attn_bias_v: Input | None,
) -> None:
    for name, given in (("query", query), ("key", key), ("value", value)):
        if len(given.shape) != 3:
            raise AttentionShapeError(
                f"multi_head_attention: {name} must have the 3 dimensions (steps, batch, "
                f"features), got the shape {given.shape}"
            )
    if key.shape[:2] != value.shape[:2] or query.shape[1] != key.shape[1]:
        raise AttentionShapeError(
            f"multi_head_attention: query (T, B, E), key (S, B, E) and value (S, B, E) must agree "
            f"in S and B, got {query.shape}, {key.shape} and {value.shape}"
        )
    if q_weight.shape[1] != k_weight.shape[1]:
        raise AttentionShapeError(
            f"multi_head_attention: q_weight {q_weight.shape} and k_weight {k_weight.shape} must "
            f"project to the same size"
        )
    for name, weight in (("q_weight", q_weight), ("v_weight", v_weight)):
        if num_heads < 1 or weight.shape[1] % num_heads:
            raise AttentionShapeError(
                f"multi_head_attention: num_heads={num_heads} does not divide the "
                f"{weight.shape[1]} features that {name} projects to"
            )
    if (attn_bias_k is None) != (attn_bias_v is None):
        raise AttentionShapeError(
            "multi_head_attention: attn_bias_k and attn_bias_v are a key and its value; pass both or none"
        )
