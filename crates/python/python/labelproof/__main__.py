"""``python -m labelproof`` is the command ``labelproof``."""

from ._command import main

main()
