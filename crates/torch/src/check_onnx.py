import json
import sys

try:
    import numpy
    import onnxruntime
except ImportError as error:
    print(error.name)
    sys.exit(3)

graph, samples = sys.argv[1:]
samples = json.load(open(samples))
rows, pad = samples["rows"], samples["pad"]
longest = max(map(len, rows))
ids = numpy.array([row + [pad] * (longest - len(row)) for row in rows], dtype=numpy.int64)
mask = numpy.array([[1] * len(row) + [0] * (longest - len(row)) for row in rows], dtype=numpy.int64)
session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])


def logits(ids, mask):
    return session.run(["logits"], {"input_ids": ids, "attention_mask": mask})[0]


expected = numpy.array(samples["logits"], dtype=numpy.float64)
alone = [logits(ids[row : row + 1, : len(tokens)], mask[row : row + 1, : len(tokens)]) for row, tokens in enumerate(rows)]
differences = [numpy.abs(found - expected) for found in (logits(ids, mask), numpy.concatenate(alone))]
# NumPy's maximum is NaN where a difference is, unlike Python's.
print(float(numpy.max(differences)))
