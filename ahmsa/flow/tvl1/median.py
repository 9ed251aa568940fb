"""The median of n values as a fixed list of compare-exchanges: no branches, so it runs on whole rows or batches at once."""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise

import numpy as np
import numpy.typing as npt


@lru_cache(maxsize=4)
def selection_network(count: int) -> npt.NDArray[np.int64]:
    """(m, 2) pairs (i, j): put the smaller of values i and j at i, the larger at j; in the end the median is at count // 2.

    count is odd. Forgetful selection: among count // 2 + 2 values neither the smallest nor the largest can be the median, so
    both are moved to the edges and dropped, and one new value joins, until one is left.
    """
    live = list(range(count // 2 + 2)) if count > 1 else []
    pairs: list[tuple[int, int]] = []
    waiting = list(range(len(live), count))
    while len(live) > 1:
        pairs += pairwise(live)
        live.pop()
        pairs += [(i, j) for j, i in pairwise(live[::-1])]
        live.pop(0)
        if waiting:
            live.append(waiting.pop(0))
    assert live in ([], [count // 2])
    return np.array(pairs, dtype=np.int64).reshape(-1, 2)
