"""What the scripts share: inputs that are exact in float32, tensors and files of the golden schema."""

import json
import math
import pathlib

import torch

FOLDER = pathlib.Path(__file__).resolve().parent.parent


def exact(tensor):
    """The nearest numbers that float32 holds, as float64."""
    return tensor.to(torch.float32).to(torch.float64)


def numbers(*shape, seed, scale=1.0):
    """Normal numbers, exact in float32."""
    generator = torch.Generator().manual_seed(seed)
    return exact(torch.randn(shape, generator=generator, dtype=torch.float64) * scale)


def number(value):
    """A number as JSON: nine significant digits, or the name of one that JSON cannot say."""
    value = float(value)
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return value if value == int(value) and abs(value) < 1e15 else float(f"{value:.9g}")


def tensor(values):
    values = values.detach()
    whole = not values.dtype.is_floating_point
    data = [int(v) if whole else number(v) for v in values.reshape(-1).tolist()]
    return {"shape": list(values.shape), "dtype": "int32" if whole else "float32", "data": data}


def exact_tensor(values):
    """An input: its digits must give the same float32 back."""
    return {**tensor(values), "data": [number32(v) for v in values.detach().reshape(-1).tolist()]}


def number32(value):
    shown = number(value)
    return shown if isinstance(shown, str) or math.isclose(shown, value, rel_tol=1e-8, abs_tol=0) else value


def write(kind, cases):
    for index, case in enumerate(cases):
        case["id"] = f"more/{case['id']}/{index}"
    path = FOLDER / f"more-{kind}.json"
    content = {"schema": 1, "kind": kind, "torch": torch.__version__, "cases": cases}
    path.write_text(json.dumps(content, separators=(",", ":")) + "\n")
    print(f"{path.name}: {len(cases)} cases, {path.stat().st_size} bytes")
