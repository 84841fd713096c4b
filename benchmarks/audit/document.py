"""The document of the benchmark: parts under headings of their own, each written by a command of its own."""

import datetime
import re
import subprocess
from pathlib import Path


def made_by(labelproof: Path) -> str:
    """When, and with which revision, a part was measured."""
    version = subprocess.run([labelproof, "--version"], capture_output=True, text=True).stdout.strip()
    revision = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=Path(__file__).parent, capture_output=True, text=True
    ).stdout.strip()
    kind = "release" if "release" in labelproof.resolve().parts else "debug"
    today = datetime.datetime.now(datetime.UTC).date()
    return f"Measured on {today} with {version}, revision `{revision or 'unknown'}`, a {kind} build."


def write_part(path: Path, heading: str, text: str) -> None:
    """Puts a part under its heading, in the place of an older one, or at the end."""
    level = len(heading) - len(heading.lstrip("#"))
    part = f"{heading}\n\n{text.strip()}\n"
    old = path.read_text() if path.exists() else ""
    found = re.search(rf"^{re.escape(heading)}$", old, re.MULTILINE)
    if found is None:
        path.write_text(f"{old.rstrip()}\n\n{part}".lstrip())
        return
    following = re.search(rf"^#{{1,{level}}} ", old[found.end() :], re.MULTILINE)
    end = found.end() + following.start() if following else len(old)
    rest = old[end:]
    path.write_text(f"{old[: found.start()]}{part}" + (f"\n{rest}" if rest else ""))
