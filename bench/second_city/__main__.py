"""Write a second, independent city, with its truth, to measure detectors on what nobody tuned them on.

    .venv/bin/python bench/second_city/__main__.py --persons 30000 --seed 7 --profile county --out FOLDER

Contract tables as CSV with truth/ beside them, for `bench/quality.py --truth FOLDER`. Profiles: profiles.py. The same
arguments give the same bytes.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # run as a script, the folder is not a package yet

import numpy as np

from second_city.chronicle import make_city, write_city
from second_city.profiles import PROFILES


def main() -> None:
    """Read the command line, write the city, say what was written."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--persons", type=int, default=30_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--profile", choices=sorted(PROFILES), default="county")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    city = make_city(PROFILES[options.profile], options.persons, np.random.default_rng([options.seed, 20250701]))
    lines = write_city(city, options.out)
    print(
        f"{options.out}: {options.persons} persons, {lines} lines, {len(city.truth.schemes)} schemes, "
        f"{city.truth.groups} innocent groups, {time.process_time():.1f} s of CPU"
    )


if __name__ == "__main__":
    main()
