"""Two ways to tell whether one thing takes longer than another, from pairs that were measured in turn.

Neither asks how the times are distributed: among the outliers that a network and a disk make, a t-test misses real
differences.  Pairs without a difference are left out, as usual."""
import itertools
import math


def sign_test(differences):
    """p, two-sided: that as many are above nought as below, and chance made the rest (exact)."""
    above = sum(difference > 0 for difference in differences)
    below = sum(difference < 0 for difference in differences)
    n = above + below
    tail = sum(math.comb(n, k) for k in range(min(above, below) + 1))
    return min(1.0, 2 * tail / 2**n)


def wilcoxon_test(differences):
    """p, two-sided, of the signed-rank test: as the sign test, but a large difference counts for more.  Normal approximation
    with corrections for ties and continuity: good from some twenty pairs on."""
    ordered = sorted((difference for difference in differences if difference), key=abs)
    n, above, ties, rank = len(ordered), 0.0, 0.0, 0
    for _, same in itertools.groupby(ordered, key=abs):
        same = list(same)
        mean_rank = rank + (len(same) + 1) / 2
        above += mean_rank * sum(difference > 0 for difference in same)
        ties += len(same) ** 3 - len(same)
        rank += len(same)
    spread = math.sqrt(n * (n + 1) * (2 * n + 1) / 24 - ties / 48)
    if spread == 0:
        return 1.0
    away = max(0.0, abs(above - n * (n + 1) / 4) - 0.5)
    return math.erfc(away / spread / math.sqrt(2))
