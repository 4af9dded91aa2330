"""Read what slipcover wrote, print the files least run and the whole, and fail below the share asked for.

Slipcover's own gate reads the workers' files twice, the second time after it has removed them.
"""

import json
import sys
from pathlib import Path

SHOWN = 20
AT_LEAST = 92.0  # % of lines and branches together


def main(path: str) -> int:
    """Print and return 1 below AT_LEAST."""
    found = json.loads(Path(path).read_text(encoding="utf-8"))
    files = sorted((file["summary"]["percent_covered"], name) for name, file in found["files"].items())
    for percent, name in files[:SHOWN]:
        sys.stdout.write(f"{percent:6.1f} %  {name}\n")
    total = found["summary"]["percent_covered"]
    told = f"{total:6.2f} % of the lines and branches of {len(files)} files are run by tests; at least {AT_LEAST:g} %."
    sys.stdout.write(f"{told}\n")
    return int(total < AT_LEAST)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
