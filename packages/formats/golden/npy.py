"""What does NumPy read? npy files come on standard input, each after its length in 4 bytes; a line goes out for each: "-" where it is refused, else dtype, shape and elements."""

import io
import sys

import numpy as np

source = sys.stdin.buffer
while True:
    length = source.read(4)
    if len(length) < 4:
        break
    file = io.BytesIO(source.read(int.from_bytes(length, "little")))
    try:
        array = np.load(file, allow_pickle=False)
        if file.read(1) != b"":
            raise ValueError("more than one array")
        print(array.dtype.name, list(array.shape), array.astype(array.dtype.newbyteorder("<")).tobytes("C").hex(), sep=" ")
    except Exception:
        print("-")
