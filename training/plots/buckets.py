"""Two distributions over the same buckets, as bars next to each other."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

from training.plots.plot import Plot, Table
from training.plots.svg import WIDTH, drawing, label, number

HEIGHT, FOOT, HEAD, GAP = 200, 30, 26, 6


def buckets(
    key: str, title: str, edges: Sequence[float], counts: Mapping[str, Sequence[int]]
) -> Plot:
    """Draw for each bucket the share that it has in each of two distributions.

    Args:
        key: unique on the page.
        title: says what is drawn.
        edges: E ascending values between the E + 1 buckets.
        counts: by name of the distribution, the counts of all buckets, not all zero.
    """
    names = [f"up to {number(edges[0])}"] if edges else ["all"]
    names += [f"{number(a)} to {number(b)}" for a, b in pairwise(edges)]
    names += [f"above {number(edges[-1])}"] if edges else []
    shares = {name: [count / sum(each) for count in each] for name, each in counts.items()}
    tallest = max(share for each in shares.values() for share in each)
    slot = WIDTH / len(names)
    width = (slot - GAP) / len(shares)
    parts = []
    for kind, (n, each) in zip(("other", "main"), enumerate(shares.values()), strict=False):
        for bucket, share in enumerate(each):
            height = (HEIGHT - FOOT - HEAD) * share / tallest
            x, y = slot * bucket + GAP / 2 + width * n, HEIGHT - FOOT - height
            parts.append(
                f'<rect class="{kind}" x="{x:.1f}" y="{y:.1f}" width="{max(width - 1, 1):.1f}" '
                f'height="{height:.1f}"/>'
            )
        parts += [
            f'<rect class="{kind}" x="{180 * n}" y="4" width="14" height="14"/>',
            label(list(shares)[n], 180 * n + 20, 0),
        ]
    parts += [
        f'<text class="tick" x="{slot * after:.1f}" y="{HEIGHT - 10}">{number(edge)}</text>'
        for after, edge in enumerate(edges, 1)
    ]
    text = "; ".join(
        f"{name}: most in {names[each.index(max(each))]}, {max(each):.0%}"
        for name, each in shares.items()
    )
    rows = [
        [bucket, *(f"{each[n]:.1%}" for each in shares.values())] for n, bucket in enumerate(names)
    ]
    return Plot(
        drawing(key, title, f"{text}.", parts, height=HEIGHT),
        Table(title, ["Values", *shares], rows),
    )
