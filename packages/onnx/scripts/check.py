"""
Holds files that the tests kept against PyPI's onnx: its checker accepts them (types and shapes inferred), and its reference evaluator gives what ermine gives.

    pip install onnx==1.22.0
    ERMINE_ONNX_FILES=/tmp/files npx vitest run    (in packages/onnx)
    python scripts/check.py /tmp/files
"""

import json
import pathlib
import sys

import numpy as np
import onnx
from onnx.reference import ReferenceEvaluator

TYPES = {"float32": np.float32, "int32": np.int32, "int64": np.int64, "uint8": np.uint8, "bool": np.bool_}
# Tests whose files onnx 1.22's evaluator cannot run, and why: these are only checked.
UNEVALUATED = {
    "convolutionTranspose, a long line": "it lays the groups of a one-dimensional ConvTranspose over each other",
    "scan, from the last step to the first": "it has no Scan from the last step to the first",
    "scan, one in another": "likewise",
    "a loop over an open number of steps without sequences, from the last step to the first, and within another": "likewise",
}


def array(tensor):
    kind = TYPES[tensor["type"]]
    numbers = [float(text) for text in tensor["data"]]
    return np.array(numbers, dtype=np.float64).astype(kind).reshape(tensor["shape"])


def check(path):
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    case = json.loads(path.with_suffix(".json").read_text())
    if any(case["test"].endswith(name) for name in UNEVALUATED):
        return "checked"
    names = [value.name for value in model.graph.input]
    feeds = {name: array(tensor) for name, tensor in zip(names, case["inputs"])}
    with np.errstate(all="ignore"):
        results = ReferenceEvaluator(model).run(None, feeds)
    for result, tensor in zip(results, case["outputs"]):
        expected = array(tensor)
        assert result.shape == expected.shape, f"{result.shape} and not {expected.shape}"
        assert result.dtype == expected.dtype, f"{result.dtype} and not {expected.dtype}"
        np.testing.assert_allclose(result, expected, rtol=1e-4, atol=1e-4)
    return "evaluated"


counts = {"checked": 0, "evaluated": 0}
failures = 0
paths = sorted(pathlib.Path(sys.argv[1]).glob("*.onnx"))
for path in paths:
    try:
        counts[check(path)] += 1
    except Exception as error:  # noqa: BLE001
        failures += 1
        print(json.loads(path.with_suffix(".json").read_text())["test"], path.name, type(error).__name__, str(error)[:600], sep="\n  ")
print(f"{len(paths)} files: {counts['evaluated']} evaluated, {counts['checked']} checked only, {failures} failed")
sys.exit(1 if failures or not paths else 0)
