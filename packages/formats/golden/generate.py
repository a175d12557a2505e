"""Files of safetensors, NumPy and PyTorch, and what Python's readers say of ermine's.

Writes python/, and checks every file of ermine/, which `UPDATE_GOLDEN=1 npx vitest run test/written.test.ts` writes.
"""

import json
import pathlib

import numpy as np
import safetensors
import safetensors.torch
import torch

FOLDER = pathlib.Path(__file__).resolve().parent
PYTHON, ERMINE = FOLDER / "python", FOLDER / "ermine"
PYTHON.mkdir(exist_ok=True)

floats = [0.0, -0.0, 1.0, -1.5, 3.140625, 65504.0, -65504.0, 2.0**-24, 6.1e-5, float("inf"), float("-inf"), float("nan")]
torch_dtypes = {
    "F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16, "I64": torch.int64, "I32": torch.int32,
    "I16": torch.int16, "I8": torch.int8, "U8": torch.uint8, "BOOL": torch.bool, "U16": torch.uint16, "U32": torch.uint32, "U64": torch.uint64,
}  # fmt: skip


def integers(dtype):
    info = torch.iinfo(dtype)
    return [info.min, info.max, 0, 1, 100 if info.min == 0 else -100]


def tensor_of(name, dtype):
    if name == "BOOL":
        return torch.tensor([True, False, True])
    if dtype.is_floating_point:
        return torch.tensor(floats, dtype=torch.float64).to(dtype)
    return torch.tensor(integers(dtype), dtype=dtype)


def listed(t):
    """Elements as JSON has them: whole numbers as texts, for some have 64 bits; float32 of every float."""
    if t.dtype == torch.bool:
        return [int(x) for x in t.flatten().tolist()]
    if t.dtype.is_floating_point:
        return [str(float(x)) for x in t.flatten().to(torch.float64).tolist()]
    return [str(int(x)) for x in t.flatten().tolist()]


def write_safetensors():
    tensors = {f"all.{name}": tensor_of(name, dtype) for name, dtype in torch_dtypes.items()}
    tensors |= {"scalar": torch.tensor(2.5), "empty": torch.zeros(0, 3), "deep": torch.arange(24, dtype=torch.float32).reshape(2, 3, 4)}
    safetensors.torch.save_file(tensors, PYTHON / "dtypes.safetensors", metadata={"format": "pt", "é": 'a "quoted"\ntext'})
    expected = {k: {"shape": list(v.shape), "elements": listed(v)} for k, v in tensors.items()}
    (PYTHON / "dtypes.json").write_text(json.dumps(expected, ensure_ascii=False))


def write_model():
    """A network of PyTorch's with its state dict, an input and its output."""
    torch.manual_seed(0)
    net = torch.nn.Sequential(
        torch.nn.Conv2d(1, 4, 3, padding=1), torch.nn.BatchNorm2d(4), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(4 * 25, 3),
    )  # fmt: skip
    net(torch.randn(16, 1, 5, 5))
    net.eval()
    x = torch.randn(2, 1, 5, 5)
    state = {f"backbone.{k}": v for k, v in net.state_dict().items()}
    safetensors.torch.save_file(state, PYTHON / "model.safetensors")
    safetensors.torch.save_file({"input": x, "output": net(x).detach()}, PYTHON / "model-io.safetensors")


def write_npy():
    arrays = {}
    for code in ["?", "b", "B", "<h", ">h", "<H", ">H", "<i", ">i", "<I", ">I", "<q", ">q", "<Q", ">Q", "<e", ">e", "<f", ">f", "<d", ">d"]:
        dtype = np.dtype(code)
        if dtype.kind == "b":
            values = np.array([[True, False, True], [False, False, True]])
        elif dtype.kind == "f":
            values = np.array(floats, dtype=np.float64).reshape(3, 4).astype(dtype)
        else:
            info = np.iinfo(dtype)
            values = np.array([[info.min, info.max, 0], [1, 2, 100]], dtype=dtype)
        for order in "CF":
            name = f"{dtype.name}-{'big' if code[0] == '>' else 'little'}-{order}"
            np.save(PYTHON / f"{name}.npy", np.asarray(values, dtype=dtype, order=order))
            arrays[name] = values
    arrays["scalar"] = np.float32(3.5)
    arrays["empty"] = np.zeros((0, 3), np.float32)
    arrays["four"] = np.asfortranarray(np.arange(120, dtype=np.int32).reshape(2, 3, 4, 5))
    for name in ["scalar", "empty", "four"]:
        np.save(PYTHON / f"{name}.npy", arrays[name])
    with open(PYTHON / "version3.npy", "wb") as file:
        np.lib.format.write_array(file, np.arange(3.0), version=(3, 0))
    arrays["version3"] = np.arange(3.0)
    refused = {
        "object": np.array([{}, None], dtype=object), "text": np.array(["a", "bc"]), "complex": np.array([1j]),
        "dates": np.array(["2020-01-01"], dtype="datetime64[D]"), "records": np.zeros(2, dtype=[("a", "f4"), ("b", "i4")]),
    }  # fmt: skip
    for name, values in refused.items():
        np.save(PYTHON / f"refused-{name}.npy", values, allow_pickle=True)
    np.savez(PYTHON / "plain.npz", weights=arrays["four"], bias=np.arange(3, dtype=np.float32))
    np.savez_compressed(PYTHON / "compressed.npz", weights=arrays["four"], bias=np.arange(3, dtype=np.float32))
    expected = {}
    for name, values in arrays.items():
        values = np.asarray(values)
        text = (lambda x: str(float(x))) if values.dtype.kind == "f" else (lambda x: str(int(x)))
        expected[name] = {"dtype": values.dtype.name, "shape": list(values.shape), "elements": [text(x) for x in values.flatten()]}
    (PYTHON / "npy.json").write_text(json.dumps(expected))


def same(got, want):
    if len(got) != len(want):
        return False
    return all(a == b or (a != a and b != b) for a, b in zip(got, want))


def check_ermine():
    """Every file of ermine's, with Python's own readers."""
    expected = json.loads((ERMINE / "expected.json").read_text())
    for name, want in expected.items():
        path = ERMINE / name
        if path.suffix == ".safetensors":
            found = safetensors.torch.load_file(path)
            with safetensors.safe_open(path, "pt") as file:
                assert (file.metadata() or {}) == want["metadata"], name
        elif path.suffix == ".npz":
            found = dict(np.load(path, allow_pickle=False))
        else:
            found = {"": np.load(path, allow_pickle=False)}
        assert set(found) == set(want["tensors"]), f"{name}: {set(found)}"
        for key, tensor in want["tensors"].items():
            values = found[key]
            assert list(values.shape) == tensor["shape"], f"{name} {key}: {values.shape}"
            flat = values.flatten().tolist()
            number = int if isinstance(flat[0] if flat else 0, int) else float
            assert same(flat, [number(x) for x in tensor["elements"]]), f"{name} {key}: {flat}"
            assert tensor["dtype"] in str(values.dtype), f"{name} {key}: {values.dtype}"
    print(f"{len(expected)} files of ermine's are right")


if __name__ == "__main__":
    write_safetensors()
    write_model()
    write_npy()
    check_ermine()
