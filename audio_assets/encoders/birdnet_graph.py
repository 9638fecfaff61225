"""Edit BirdNET's graph to begin after its spectrograms and to return the embedding too.

The embedding is the input of the class head, inside the graph. Making the interpreter keep every
tensor would also provide it, but costs 3.8 GB with 16 windows; a second output costs nothing. The
parameters of the spectrograms are read from the graph here; computing them belongs in
:mod:`audio_assets.encoders.birdnet_front_end`.
"""

import struct
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from audio_assets.encoders.birdnet_front_end import Branch

_IMAGE = "model/concatenate/concat"
_HOPS = {"MEL_SPEC1": 278, "MEL_SPEC2": 280}


def with_embedding_output(model: bytes, dimension: int, classes: int) -> bytes:
    """Return the TFLite model with two outputs: class scores, and the input of its class head.

    Only the list of outputs changes: a new list is appended to the file, and the reference to the
    old one is redirected to it. Weights and operators are untouched, so no number can change.

    Parameters
    ----------
    model
        A TFLite flatbuffer with one output, made by a fully connected layer.
    dimension, classes
        Expected length of an embedding and number of class scores.

    Returns
    -------
    bytes
        The edited flatbuffer; outputs in the order class scores, embedding.

    Raises
    ------
    ValueError
        If the graph does not end in a fully connected layer of these sizes.
    """
    from ai_edge_litert import schema_py_generated as schema

    edited = bytearray(model)
    graph_model = schema.Model.GetRootAs(edited, 0)
    graph = graph_model.Subgraphs(0)
    if graph.OutputsLength() != 1:
        raise ValueError(f"the graph has {graph.OutputsLength()} outputs instead of one")
    scores = graph.Outputs(0)
    head = next(
        operator
        for operator in (graph.Operators(i) for i in reversed(range(graph.OperatorsLength())))
        if operator.OutputsLength() and operator.Outputs(0) == scores
    )
    opcode = graph_model.OperatorCodes(head.OpcodeIndex())
    if _builtin(opcode) != schema.BuiltinOperator.FULLY_CONNECTED:
        raise ValueError("the graph does not end in a fully connected layer")
    embedding = head.Inputs(0)
    found = (_last_size(graph, embedding), _last_size(graph, scores))
    if found != (dimension, classes):
        raise ValueError(
            f"the class head is {found[0]} to {found[1]}, not {dimension} to {classes}"
        )

    _set_list(edited, graph, _OUTPUTS_SLOT, (scores, embedding))
    return bytes(edited)


def without_front_end(model: bytes) -> bytes:
    """Return BirdNET's graph from the image of its two spectrograms on.

    The list of operators is shortened in place at its front, and the input is redirected to the
    image. Weights and the other operators are untouched.

    Returns
    -------
    bytes
        The edited flatbuffer; its input is float32[n, 96, 511, 2].

    Raises
    ------
    ValueError
        If the graph has no such image, or an operator after it uses a tensor from before it.
    """
    from ai_edge_litert import schema_py_generated as schema

    edited = bytearray(model)
    graph = schema.Model.GetRootAs(edited, 0).Subgraphs(0)
    dropped, image = _operator(graph, _IMAGE)
    operators = list(_operators(graph))
    made = {_first_output(operator) for operator in operators[: dropped + 1]} - {image}
    if any(made & set(operator.InputsAsNumpy()) for operator in operators[dropped + 1 :]):
        raise ValueError("the graph reads from its spectrograms in more than one place")

    # The length replaces the reference to the last dropped operator.
    start = graph._tab.Vector(graph._tab.Offset(_OPERATORS_SLOT)) + 4 * dropped
    struct.pack_into("<I", edited, start, len(operators) - dropped - 1)
    field = graph._tab.Pos + graph._tab.Offset(_OPERATORS_SLOT)
    struct.pack_into("<I", edited, field, start - field)
    _set_list(edited, graph, _INPUTS_SLOT, (image,))
    return bytes(edited)


def front_end_branches(model: bytes) -> tuple[Branch, ...]:
    """Read the parameters of the two spectrograms from BirdNET's graph, in the image's order.

    Raises
    ------
    ValueError
        If the graph lacks one of their operators.
    """
    from ai_edge_litert import schema_py_generated as schema

    graph_model = schema.Model.GetRootAs(model, 0)
    graph = graph_model.Subgraphs(0)

    def constant(output: str) -> NDArray[np.float32]:
        operator = graph.Operators(_operator(graph, output)[0])
        tensor = graph.Tensors(operator.Inputs(1))
        data = graph_model.Buffers(tensor.Buffer()).DataAsNumpy()
        shape = tensor.ShapeAsNumpy() if tensor.ShapeLength() else ()
        return np.frombuffer(data.tobytes(), dtype=np.float32).reshape(shape)

    return tuple(
        Branch(
            window=constant(f"model/{name}/stft/mul"),
            filters=constant(f"model/{name}/Tensordot/MatMul"),
            exponent=np.float32(constant(f"model/{name}/Pow_1")),
            hop=hop,
        )
        for name, hop in _HOPS.items()
    )


# Offsets of SubGraph's second, third and fourth field in its vtable, after two 2-byte sizes.
_INPUTS_SLOT = 6
_OUTPUTS_SLOT = 8
_OPERATORS_SLOT = 10


def _set_list(edited: bytearray, graph: Any, slot: int, tensors: tuple[int, ...]) -> None:
    """Append a list of tensors to the file and make a field of the graph refer to it."""
    edited += bytes(-len(edited) % 4)
    field = graph._tab.Pos + graph._tab.Offset(slot)
    # A flatbuffer refers to a vector by its distance from the reference.
    struct.pack_into("<I", edited, field, len(edited) - field)
    edited += struct.pack(f"<I{len(tensors)}i", len(tensors), *tensors)


def _operators(graph: Any) -> Iterator[Any]:
    return (graph.Operators(index) for index in range(graph.OperatorsLength()))


def _first_output(operator: Any) -> int:
    return int(operator.Outputs(0))


def _operator(graph: Any, output: str) -> tuple[int, int]:
    """Return the index of the first operator whose output name starts so, and that output."""
    for index, operator in enumerate(_operators(graph)):
        tensor = _first_output(operator)
        if graph.Tensors(tensor).Name().decode().startswith(output):
            return index, tensor
    raise ValueError(f"the graph has no operator that makes {output}")


def _builtin(opcode: Any) -> int:
    # Older writers fill only the deprecated byte.
    return int(max(opcode.BuiltinCode(), opcode.DeprecatedBuiltinCode()))


def _last_size(graph: Any, tensor: int) -> int:
    shape = graph.Tensors(tensor).ShapeAsNumpy()
    return int(shape[-1])
