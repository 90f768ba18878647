"""From a network to an ONNX graph: the exporter, and what makes its graph small and readable.

The graph of one network serves both files: with the choices of every layer as outputs and K, m, tau and the sample as
inputs; or, joined with the sampler, from an image to a picture.
"""

import copy
import json
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from onnxscript import FLOAT, opset20

from satlib._version import __version__
from satlib.config import SATConfig
from satlib.network.model import SAT
from satlib.weights.portable.network import Choice, Portable

OPSET, IR_VERSION = 20, 10
"""The first with Gelu; what onnxruntime reads since 1.18."""

INPUTS = ("image", "samples", "n_centers", "n_neighbors", "temperature")
PICTURE = "upscaled"
OUTPUTS = (PICTURE, *Choice._fields)
TRACED = (50, 71)
"""Height and width of the image that the exporter looks at; no side of anything else is as long."""

SMALL = {TensorProto.FLOAT: np.float16, TensorProto.INT64: np.int16}
"""What a file stores instead, where nothing is lost."""

LEAST_SMALL = 64
"""Tensors of fewer numbers stay as they are."""


def in_float32(model: SAT, *, half: bool) -> SAT:
    """Return a copy of a network on the CPU, in float32 and eval mode; ``half``: with weights rounded to float16.

    Raises
    ------
    ValueError
        If its layers do not aggregate; or if a weight is too large for float16.
    """
    if model.config.selective != "aggregate":
        raise ValueError(f"a network with selective={model.config.selective!r} is not exported, only with 'aggregate'")
    twin = copy.deepcopy(model).cpu().float().eval().requires_grad_(False)
    for name, parameter in twin.named_parameters() if half else ():
        parameter.data = parameter.data.half().float()
        if not parameter.isfinite().all():
            raise ValueError(f"the weights {name} are too large for float16; export without --fp16")
    return twin


def exploring_graph(model: SAT) -> onnx.ModelProto:
    """Return the graph of a network from `in_float32`, with `INPUTS` and `OUTPUTS`."""
    grid = TRACED[0] * TRACED[1]
    n_layers, k = sum(model.config.groups), max(2, grid // 20)
    samples = torch.arange(0, grid, 5).expand(n_layers, -1)
    random = torch.Generator().manual_seed(0)
    image = torch.rand(1, model.in_channels, *TRACED, generator=random, dtype=torch.float32)
    example = (image, samples, torch.tensor(k), torch.tensor(3), torch.tensor(0.1, dtype=torch.float32))
    free = torch.export.Dim.DYNAMIC
    with _quietly(), torch.no_grad():
        program = torch.export.export(
            Portable(model),
            example,
            dynamic_shapes=({2: free, 3: free}, {1: free}, None, None, None),
            strict=False,
            prefer_deferred_runtime_asserts_over_guards=True,
        )
        exported = torch.onnx.export(
            program,
            dynamo=True,
            verbose=False,
            opset_version=OPSET,
            input_names=INPUTS,
            output_names=OUTPUTS,
            custom_translation_table={torch.ops.aten.sort.stable: _sort},
        )
    assert exported is not None
    graph = exported.model_proto
    graph.ir_version = IR_VERSION
    _strip(graph)
    _share_constants(graph.graph)
    _store_small(graph.graph)
    _say_what_it_is(graph, model.config)
    return graph


def picture_graph(exploring: onnx.ModelProto, drawn: onnx.ModelProto, config: SATConfig) -> onnx.ModelProto:
    """Return the graph with an image as its one input and the picture as its one output.

    ``drawn`` is the configuration's :func:`satlib.weights.portable.sampler.sampler`, which goes before the network.
    """
    inner = exploring.graph
    temperature = numpy_helper.from_array(np.array(config.temperature, np.float32), "temperature")
    nodes = _needed([*drawn.graph.node, *inner.node], {PICTURE})
    used = {name for node in nodes for name in _read_by(node)}
    constants = [t for t in (*drawn.graph.initializer, *inner.initializer, temperature) if t.name in used]
    ends = ([v for v in inner.input if v.name == "image"], [v for v in inner.output if v.name == PICTURE])
    graph = helper.make_graph(nodes, "sat", *ends, constants)
    joined = helper.make_model(graph, opset_imports=exploring.opset_import, ir_version=IR_VERSION)
    joined.functions.extend(exploring.functions)
    joined.producer_name, joined.producer_version = exploring.producer_name, exploring.producer_version
    joined.metadata_props.extend(exploring.metadata_props)
    return joined


def _sort(values: FLOAT, *, stable: bool | None = None, dim: int = -1, descending: bool = False) -> object:
    """Translate a stable sort of a vector, for which the exporter has no rule: ties of a TopK go to the lower index."""
    return opset20.TopK(values, opset20.Shape(values), axis=dim, largest=int(descending), sorted=1)


@contextmanager
def _quietly() -> Iterator[None]:
    """Keep the exporter's remarks to its own developers from the user."""
    disabled = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(disabled)


def _strip(model: onnx.ModelProto) -> None:
    """Drop what only the exporter's developers want: lines of source, shapes inside."""
    graph = model.graph
    for part in (model, graph, *graph.node, *graph.input, *graph.output, *graph.initializer, *model.functions):
        del part.metadata_props[:]
        part.doc_string = ""
    del graph.value_info[:]


def _share_constants(graph: onnx.GraphProto) -> None:
    """Keep one of equal constants: the exporter makes one for each layer."""
    first: dict[tuple[int, tuple[int, ...], bytes], str] = {}
    instead: dict[str, str] = {}
    kept = []
    for tensor in graph.initializer:
        same = first.setdefault((tensor.data_type, tuple(tensor.dims), tensor.raw_data), tensor.name)
        instead[tensor.name] = same
        if same == tensor.name:
            kept.append(copy.deepcopy(tensor))
    del graph.initializer[:]
    graph.initializer.extend(kept)
    for node in graph.node:
        node.input[:] = [instead.get(name, name) for name in node.input]


def _store_small(graph: onnx.GraphProto) -> None:
    """Store numbers in 16 bits that lose nothing by it, as satlib's own files do with weights; a Cast widens them."""
    casts = []
    for tensor in graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.size < LEAST_SMALL or tensor.data_type not in SMALL:
            continue
        with np.errstate(over="ignore"):
            small = values.astype(SMALL[tensor.data_type])
        if np.array_equal(small.astype(values.dtype), values):
            stored = f"{tensor.name}.stored"
            casts.append(helper.make_node("Cast", [stored], [tensor.name], to=tensor.data_type))
            tensor.CopyFrom(numpy_helper.from_array(small, stored))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)


def _say_what_it_is(model: onnx.ModelProto, config: SATConfig) -> None:
    """Say what the file is: its maker, the scale and the configuration."""
    model.producer_name, model.producer_version = "satlib", __version__
    said = {"format": "satlib", "scale": str(config.scale), "config": json.dumps(config.to_dict())}
    helper.set_model_props(model, said)


def _needed(nodes: list[onnx.NodeProto], wanted: set[str]) -> list[onnx.NodeProto]:
    """Return the nodes that make some values, in their order."""
    kept = []
    for node in reversed(nodes):
        if wanted & set(node.output):
            wanted |= set(_read_by(node))
            kept.append(node)
    return kept[::-1]


def _read_by(node: onnx.NodeProto) -> Iterator[str]:
    """Yield the values that a node reads, in the bodies of loops, too."""
    yield from node.input
    for attribute in node.attribute:
        for inner in attribute.g.node:
            yield from _read_by(inner)
