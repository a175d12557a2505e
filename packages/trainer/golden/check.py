"""Are the model's values in the checkpoints what Python's safetensors reads?"""

import json
import pathlib

import numpy as np
from safetensors import safe_open

folder = pathlib.Path(__file__).resolve().parent / "checkpoints"
paths = sorted(folder.glob("*.safetensors"))
assert paths, "there are no checkpoints"
for path in paths:
    expected = json.loads(path.with_suffix(".json").read_text())["kept"]
    with safe_open(path, "np") as file:
        assert file.metadata()["format"] == "ermine.checkpoint", path.name
        for name, values in expected.items():
            found = file.get_tensor(f"model.{name}")
            assert found.flatten().tolist() == np.asarray(values, found.dtype).tolist(), f"{path.name}: {name}"
        names = [name for name in file.keys() if name.startswith("optimizer.")]
        assert names and all(np.isfinite(file.get_tensor(name)).all() for name in names), path.name
    print(f"{path.name}: {len(expected)} tensors of the model and {len(names)} of the optimizer are right")
