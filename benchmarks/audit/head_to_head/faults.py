"""The faults: operators of `defaultplusplus.deform`, and which causes of the audit would be a right answer to each.

Chosen before any result was seen: one operator for each component that an encoder has, at the strongest setting of its
grid, over the whole run; and over the predictions alone, where the training was right, those that change predictions.
Of what is left, `README.md` says why.
"""

from dataclasses import dataclass

TRAINING, PREDICTION = "training", "prediction"

# What a run that learns badly leaves to be seen in its files: it learned nothing, too little, or one class.
LEARNS_BADLY = ("C20", "C25", "C26", "C53", "C56", "C60")
# What a model that works otherwise at prediction than in training leaves: other weights or statistics, dropout, tokens,
# a mask, positions or padding.
WORKS_OTHERWISE = ("C20", "C22", "C23", "C25", "C27", "C30", "C33", "C34")


@dataclass(frozen=True)
class Fault:
    """An operator and its setting, and when it is at work: over the whole run, or over the predictions of test."""

    operator: str
    setting: float | str | None
    when: str
    right: tuple[str, ...]

    @property
    def name(self) -> str:
        setting = "" if self.setting is None else f"-{self.setting}"
        return f"{self.when}-{self.operator}{setting}".lower()


FAULTS = [
    Fault("ETZ", 0.5, TRAINING, LEARNS_BADLY),
    Fault("MZM", None, TRAINING, LEARNS_BADLY),
    Fault("QTH", "all", TRAINING, LEARNS_BADLY),
    Fault("SPD", 0.5, TRAINING, (*LEARNS_BADLY, "C23")),
    Fault("POE", None, TRAINING, LEARNS_BADLY),
    Fault("VSH", None, TRAINING, LEARNS_BADLY),
    Fault("FWI", "constant_one", TRAINING, LEARNS_BADLY),
    Fault("NZG", None, TRAINING, LEARNS_BADLY),
    Fault("RIN", 1.0, TRAINING, (*LEARNS_BADLY, "C23")),
    Fault("OSL", 5.0, TRAINING, LEARNS_BADLY),
    Fault("ETZ", 0.5, PREDICTION, (*WORKS_OTHERWISE, "C35", "C36", "C55")),
    Fault("ESW", 0.5, PREDICTION, (*WORKS_OTHERWISE, "C35", "C36", "C55")),
    Fault("MZM", None, PREDICTION, WORKS_OTHERWISE),
    Fault("QTH", "all", PREDICTION, WORKS_OTHERWISE),
    Fault("SPD", 0.5, PREDICTION, WORKS_OTHERWISE),
    Fault("POE", None, PREDICTION, WORKS_OTHERWISE),
    Fault("FSW", 5.0, PREDICTION, WORKS_OTHERWISE),
    Fault("NSG", 0.5, PREDICTION, WORKS_OTHERWISE),
    Fault("RIN", 1.0, PREDICTION, WORKS_OTHERWISE),
    Fault("OSL", 5.0, PREDICTION, ("C60",)),
    Fault("OOD", 1.0, PREDICTION, ("C10",)),
    Fault("ORI", "xavier", PREDICTION, ("C20", "C25")),
]
