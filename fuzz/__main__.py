"""`python -m fuzz`: damaged inputs for every reader; see docs/reliability.md for what came out."""

from __future__ import annotations

import argparse
import sys

from fuzz.kinds import KINDS
from fuzz.run import fuzz


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m fuzz", description=__doc__)
    parser.add_argument("kinds", nargs="*", help=f"of {', '.join(KINDS)}; all without any")
    parser.add_argument("--cases", type=int, default=10_000, help="of every kind")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=60.0, help="at most, of every kind")
    given = parser.parse_args()
    unknown = set(given.kinds) - KINDS.keys()
    if unknown:
        parser.error(f"unknown kinds: {', '.join(sorted(unknown))}")
    bad = 0
    print("| kind | cases | clean errors | read | anything else | seconds |\n|---|---|---|---|---|---|")
    for name in given.kinds or KINDS:
        outcome = fuzz(name, given.cases, given.seed, given.minutes)
        what = "; ".join(f"{times} x {how} (first: case {outcome.first[how]})" for how, times in outcome.bad.most_common())
        print(
            f"| {name} | {outcome.cases} | {outcome.clean} | {outcome.read} | {what or 'none'} | {outcome.seconds:.0f} |",
            flush=True,
        )
        bad += sum(outcome.bad.values())
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
