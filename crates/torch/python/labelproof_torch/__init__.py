"""The program that runs Labelproof's networks, for the LibTorch in the ``torch`` that is installed beside it.

Nothing here is for people: ``labelproof`` asks this package where the program is.
"""

from __future__ import annotations

import os
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

#: The LibTorch that the program was compiled for. Another one has other functions under the same names.
TORCH = "2.9"

_HERE = Path(__file__).parent
_LIBRARIES = _HERE.parent / "torch" / "lib"


def program() -> str:
    """The path of the program; a RuntimeError says what to do where it would not start."""
    wanted = f"pip install 'torch=={TORCH}.*'"
    try:
        found = version("torch")
    except PackageNotFoundError:
        raise RuntimeError(f"install PyTorch {TORCH}: {wanted}") from None
    if found.split(".")[:2] != TORCH.split("."):
        raise RuntimeError(f"PyTorch {found} is installed, and this program is for {TORCH}: {wanted}")
    if not _LIBRARIES.is_dir():
        raise RuntimeError(f"install PyTorch into the same environment, there is no {_LIBRARIES}: {wanted}")
    return str(_HERE / "labelproof-torch")


def environment() -> dict[str, str]:
    """What the program needs in its environment."""
    cuda = _LIBRARIES / "libtorch_cuda.so"
    # The program names LibTorch's part for the processor alone; the one for NVIDIA's GPUs announces itself once it is
    # loaded, which takes seconds that are wasted without such a GPU.
    if cuda.exists() and Path("/dev/nvidia0").exists():
        return {"LD_PRELOAD": ":".join(filter(None, [str(cuda), os.environ.get("LD_PRELOAD")]))}
    return {}
