"""Has the cases from the wild scored, and writes the result into the document.

    python wild.py SCORE.PY ../../target/release/labelproof --output ../../docs/audit-benchmark.md

`SCORE.PY` lies beside its cases, which are not part of this repository.
"""

import argparse
import re
import subprocess
import sys
from pathlib import Path

import document

HEADING = "## Cases from the wild"
TEXT = """\
What people gave, or would give, to the audit, rebuilt from public threads and result files; each case says which
verdict, cause or sentence a right answer must have. These are examples of kinds: other cases of the same kinds are kept
apart, so that nothing is fitted to them here.

{made_by}

```text
{result}
```"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("score", type=Path, help="the scorer, score.py")
    parser.add_argument("labelproof", type=Path)
    parser.add_argument("--output", type=Path, help="the document whose part is written anew")
    options = parser.parse_args()
    command = [sys.executable, str(options.score), str(options.labelproof.resolve())]
    run = subprocess.run(command, capture_output=True, text=True)
    # Folders of this machine say nothing to a reader.
    result = re.sub(r"/\S*/(?=[^/\s]+)", "", run.stdout).strip() or run.stderr.strip()
    part = TEXT.format(made_by=document.made_by(options.labelproof), result=result)
    print(part)
    if options.output is not None:
        document.write_part(options.output, HEADING, part)


if __name__ == "__main__":
    main()
