"""GFLOP/s of 32-bit matrix products in LibTorch at the encoder's shapes: what the machine gives at most. usage: peak.py TOKENS"""
import sys, time
import torch
rows, rates = int(sys.argv[1]), []
for inputs, outputs in [(384, 384), (384, 1536), (1536, 384)]:
    left, right = torch.randn(rows, inputs), torch.randn(inputs, outputs)
    for _ in range(3):
        torch.mm(left, right)
    seconds = []
    for _ in range(15):
        start = time.perf_counter()
        torch.mm(left, right)
        seconds.append(time.perf_counter() - start)
    rates.append(2 * rows * inputs * outputs / min(seconds) / 1e9)
print(f"peak {max(rates):.1f} GFLOP/s")
