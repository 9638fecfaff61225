"""BirdNET's graph, edited so that it gives the embedding beside the class scores.

The embedding is the input of the class head, inside the graph. Asking the interpreter to keep every
tensor would give it too, and costs 3.8 GB at 16 windows; a second output costs nothing.
"""

import struct
from typing import Any


def with_embedding_output(model: bytes, dimension: int, classes: int) -> bytes:
    """A TFLite model whose outputs are its class scores and the input of its class head.

    The list of outputs is the one thing that changes: a new list is appended to the file and the
    reference to the old one is pointed at it. Weights and operators stay where they are, so no
    number can change.

    Parameters
    ----------
    model
        A TFLite flatbuffer with one output, made by a fully connected layer.
    dimension, classes
        Length of an embedding and number of class scores that are expected.

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

    edited += bytes(-len(edited) % 4)
    field = graph._tab.Pos + graph._tab.Offset(_OUTPUTS_SLOT)
    # A flatbuffer refers to a vector by its distance from the reference.
    struct.pack_into("<I", edited, field, len(edited) - field)
    edited += struct.pack("<Iii", 2, scores, embedding)
    return bytes(edited)


# Place of SubGraph.outputs in its vtable: the third field, after two 2-byte sizes.
_OUTPUTS_SLOT = 8


def _builtin(opcode: Any) -> int:
    # Older writers fill only the deprecated byte.
    return int(max(opcode.BuiltinCode(), opcode.DeprecatedBuiltinCode()))


def _last_size(graph: Any, tensor: int) -> int:
    shape = graph.Tensors(tensor).ShapeAsNumpy()
    return int(shape[-1])
