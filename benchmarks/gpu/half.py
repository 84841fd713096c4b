"""Writes the float32 tensors of a safetensors file in float16: half the luggage. usage: half.py FROM TO"""
import json
import struct
import sys

import numpy as np

with open(sys.argv[1], "rb") as file:
    content = file.read()
(length,) = struct.unpack("<Q", content[:8])
header, numbers = json.loads(content[8 : 8 + length]), content[8 + length :]
header.pop("__metadata__", None)
parts, end = [], 0
for tensor in header.values():
    first, last = tensor["data_offsets"]
    part = numbers[first:last]
    if tensor["dtype"] == "F32":
        part, tensor["dtype"] = np.frombuffer(part, "<f4").astype("<f2").tobytes(), "F16"
    tensor["data_offsets"] = [end, end + len(part)]
    end += len(part)
    parts.append(part)
text = json.dumps(header).encode()
with open(sys.argv[2], "wb") as file:
    file.write(struct.pack("<Q", len(text)) + text + b"".join(parts))
