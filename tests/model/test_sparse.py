from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tfq

DENSE, COMPRESSED = 0, 1


def run(content: bytes) -> Any:
    """What LiteRT's DENSIFY makes of the sparse constant."""
    litert = pytest.importorskip("ai_edge_litert.interpreter")
    resolver = litert.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    interpreter = litert.Interpreter(
        model_content=content,
        experimental_op_resolver_type=resolver,
        experimental_preserve_all_tensors=True,
    )
    interpreter.allocate_tensors()
    for each in interpreter.get_input_details():
        interpreter.set_tensor(each["index"], np.zeros(each["shape"], each["dtype"]))
    interpreter.invoke()
    densified = [op for op in tfq.load(content).operators if op.name == "DENSIFY"]
    return [interpreter.get_tensor(op.outputs[0].index) for op in densified]


def test_real_sparse_weights_are_what_litert_makes_of_them(faces: dict[str, Path]) -> None:
    content = faces["face_detection_full_range_sparse"].read_bytes()
    sparse = [tensor for tensor in tfq.load(content).tensors if tensor.is_sparse]

    densified = run(content)

    assert len(sparse) == len(densified) == 46
    for tensor, expected in zip(sparse, densified, strict=True):
        np.testing.assert_array_equal(tensor.numpy(), expected)
        assert (expected == 0).any()


@pytest.fixture
def sparse(bindings: Any, pack: Callable[[Any], bytes]) -> Callable[..., bytes]:
    """Makes a model that does nothing but to densify one constant."""

    def sparse(values: Any, shape: tuple[int, ...], order: Any, blocks: Any, levels: Any) -> bytes:
        sparsity = bindings.SparsityParametersT()
        sparsity.traversalOrder, sparsity.blockMap = order, blocks
        sparsity.dimMetadata = [metadata(*level) for level in levels]
        constant, result, code = bindings.TensorT(), bindings.TensorT(), bindings.OperatorCodeT()
        for tensor in (constant, result):
            tensor.shape = list(shape)
            tensor.type = bindings.TensorType.FLOAT32
        constant.buffer, constant.sparsity = 1, sparsity
        code.deprecatedBuiltinCode = code.builtinCode = bindings.BuiltinOperator.DENSIFY
        code.version = 1
        operator, subgraph, model = bindings.OperatorT(), bindings.SubGraphT(), bindings.ModelT()
        operator.inputs, operator.outputs = [0], [1]
        subgraph.tensors, subgraph.operators = [constant, result], [operator]
        subgraph.inputs, subgraph.outputs = [], [1]
        buffer = bindings.BufferT()
        buffer.data = np.frombuffer(np.asarray(values, dtype="<f4").tobytes(), dtype="u1")
        model.version, model.operatorCodes, model.subgraphs = 3, [code], [subgraph]
        model.buffers = [bindings.BufferT(), buffer]
        return pack(model)

    def metadata(kind: int, *details: Any) -> Any:
        level = bindings.DimensionMetadataT()
        level.format = kind
        if kind == DENSE:
            (level.denseSize,) = details
            return level
        segments, indices = bindings.Int32VectorT(), bindings.Uint8VectorT()
        segments.values, indices.values = details
        union = bindings.SparseIndexVector
        level.arraySegmentsType, level.arraySegments = union.Int32Vector, segments
        level.arrayIndicesType, level.arrayIndices = union.Uint8Vector, indices
        return level

    return sparse


CASES = {
    "csr": ([1, 2, 3], (3, 4), [0, 1], [], [(DENSE, 3), (COMPRESSED, [0, 1, 1, 3], [2, 0, 3])]),
    "columns first": (
        [1, 2, 3],
        (3, 4),
        [1, 0],
        [],
        [(DENSE, 4), (COMPRESSED, [0, 1, 1, 3, 3], [2, 0, 1])],
    ),
    "blocks of 2 by 2": (
        range(1, 9),
        (4, 4),
        [0, 1, 2, 3],
        [0, 1],
        [(DENSE, 2), (COMPRESSED, [0, 1, 2], [1, 0]), (DENSE, 2), (DENSE, 2)],
    ),
    "blocks of 1 by 4": (
        range(1, 9),
        (3, 8),
        [0, 1, 2],
        [1],
        [(DENSE, 3), (COMPRESSED, [0, 1, 1, 2], [1, 0]), (DENSE, 4)],
    ),
    "three dimensions": (
        [1, 2],
        (2, 2, 3),
        [0, 1, 2],
        [],
        [(DENSE, 2), (DENSE, 2), (COMPRESSED, [0, 0, 1, 1, 2], [2, 0])],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_each_layout_gives_what_litert_gives(case: str, sparse: Callable[..., bytes]) -> None:
    content = sparse(*CASES[case])

    np.testing.assert_array_equal(tfq.load(content).tensors[0].numpy(), run(content)[0])


CSR = ([1, 2, 3], (3, 4), [0, 1], [])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((*CSR, [(DENSE, 3)]), r"walks along \(0, 1\) of 2 dimensions"),
        (([1], (3, 4), [0, 0], [], [(DENSE, 3), (DENSE, 4)]), "walks along"),
        ((*CSR, [(DENSE, 2), (COMPRESSED, [0, 1, 3], [0, 1, 2])]), "level 0 has not all 3 indices"),
        (
            (*CSR, [(DENSE, 3), (COMPRESSED, [0, 1, 3], [0, 1, 2])]),
            "segments of level 1 do not fit",
        ),
        ((*CSR, [(DENSE, 3), (COMPRESSED, [0, 2, 1, 3], [0, 1, 2])]), "segments of level 1 do not"),
        ((*CSR, [(DENSE, 3), (COMPRESSED, [0, 1, 1, 3], [0, 1, 4])]), "an index outside of 4"),
        ((*CSR, [(DENSE, 3), (DENSE, 4)]), "there are 12 places, but 3 values"),
        (([1], (4, 4), [0, 1, 2], [1], [(DENSE, 4), (DENSE, 1), (DENSE, 3)]), "blocks of 3"),
        (([1], (4, 4), [0, 1, 2], [9], [(DENSE, 4), (DENSE, 1), (DENSE, 2)]), "blocks of 2 along"),
        (([1], (1 << 14, 1 << 15), [0, 1], [], [(DENSE, 1 << 14), (DENSE, 1 << 15)]), "4 bytes"),
    ],
)
def test_broken_sparsity_is_named(
    arguments: Any, message: str, sparse: Callable[..., bytes]
) -> None:
    tensor = tfq.load(sparse(*arguments)).tensors[0]
    with pytest.raises(tfq.InvalidModelError, match=f"its sparsity is broken: .*{message}"):
        tensor.numpy()
