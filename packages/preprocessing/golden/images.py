"""Writes images.json: images at another size as PyTorch's interpolate(mode="bilinear", antialias=True) has them.

    python packages/preprocessing/golden/images.py        # torch is installed
"""

import json
import pathlib

import torch
from torch.nn.functional import interpolate

CASES = [((5, 7, 1), (3, 4)), ((8, 8, 3), (5, 5)), ((3, 2, 3), (6, 5)), ((12, 9, 1), (1, 1)), ((1, 1, 3), (2, 3)), ((4, 30, 1), (8, 7))]


def case(shape, size, generator):
    height, width, channels = shape
    pixels = torch.randint(0, 256, shape, generator=generator)
    image = pixels.permute(2, 0, 1)[None].double()
    resized = interpolate(image, size=size, mode="bilinear", antialias=True)[0]
    return {
        "height": height,
        "width": width,
        "channels": channels,
        "data": pixels.flatten().tolist(),
        "size": list(size),
        "expected": [round(value, 6) for value in resized.flatten().tolist()],
    }


generator = torch.Generator().manual_seed(0)
cases = [case(shape, size, generator) for shape, size in CASES]
path = pathlib.Path(__file__).with_name("images.json")
path.write_text(json.dumps({"torch": torch.__version__.split("+")[0], "cases": cases}) + "\n")
