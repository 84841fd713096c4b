"""Compares two tables of predictions of the same rows. usage: compare.py ONE.csv OTHER.csv"""
import sys

import pandas as pd

one, other = (pd.read_csv(file) for file in sys.argv[1:])
assert list(one.id) == list(other.id), "other rows"
numbers = [column for column in one.columns if one[column].dtype.kind == "f"]
labels = int((one.label != other.label).sum())
largest = float((one[numbers] - other[numbers]).abs().max().max())
print(f"labels that differ: {labels} of {len(one)}, largest difference of a number: {largest:.2e}")
