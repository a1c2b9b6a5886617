"""Tensors to disk in the safetensors format, one tensor at a time: no second copy of the model in memory."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

import torch
from torch import Tensor

from tunesmith.runs.files import Chunk

_NAMES = {
    torch.float64: "F64", torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16",
    torch.int64: "I64", torch.int32: "I32", torch.int16: "I16", torch.int8: "I8",
    torch.uint64: "U64", torch.uint32: "U32", torch.uint16: "U16", torch.uint8: "U8",
    torch.bool: "BOOL", torch.complex64: "C64", torch.float8_e4m3fn: "F8_E4M3", torch.float8_e5m2: "F8_E5M2",
}  # fmt: skip


def safetensors_chunks(tensors: Mapping[str, Tensor]) -> Iterator[Chunk]:
    """Yield the bytes of a safetensors file that holds `tensors`.

    Tensors that share memory are written once each, views as their own values.

    Source: the format's description in the safetensors README: 8 bytes with the header's length, a JSON header padded
        with spaces, then the values, little-endian. Wide types come first, so that each tensor stays aligned.
    """
    names = sorted(tensors, key=lambda name: (-tensors[name].element_size(), name))
    header, end = {}, 0
    for name in names:
        tensor = tensors[name]
        assert tensor.dtype in _NAMES, f"{name}: no safetensors type for {tensor.dtype}"
        start, end = end, end + tensor.numel() * tensor.element_size()
        header[name] = {"dtype": _NAMES[tensor.dtype], "shape": list(tensor.shape), "data_offsets": [start, end]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    yield len(text).to_bytes(8, "little") + text
    for name in names:
        flat = tensors[name].detach().cpu().contiguous().reshape(-1)
        if flat.numel():
            yield flat.view(torch.uint8).numpy().data
