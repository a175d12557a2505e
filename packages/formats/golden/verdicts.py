"""Which files does safetensors take? Files come on standard input, each after its length in 4 bytes; a byte goes out for each, 1 where it is taken."""

import sys

import safetensors

assert safetensors.__version__.startswith("0.8."), f"safetensors {safetensors.__version__}; pip install safetensors==0.8.0"
source, sink = sys.stdin.buffer, sys.stdout.buffer
while True:
    length = source.read(4)
    if len(length) < 4:
        break
    try:
        safetensors.deserialize(source.read(int.from_bytes(length, "little")))
        sink.write(b"\x01")
    except safetensors.SafetensorError:
        sink.write(b"\x00")
