"""Faults that give good numbers and bad predictions, each injected into a real run.

A fault is a function of a run that returns the files the run would then have left, or None where the data set has no
room for it. It is registered with the ids of the causes it injects (see the catalogue of `labelproof audit`) and of
those that follow from them and are true too.
"""

# In the order of the tables.
from faults import metrics, pairing, state, inputs, splits, labels, pairs  # noqa: F401, I001
from faults.registry import FAULTS, Fault

__all__ = ["FAULTS", "Fault"]
