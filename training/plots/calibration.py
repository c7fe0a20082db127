"""A calibration: which probability belongs to which score."""

from collections.abc import Sequence

from training.plots.plot import Plot, Table
from training.plots.svg import WIDTH, Scale, drawing, label, number, scale_over

HEIGHT, FOOT, LEFT = 220, 34, 50


def calibration(
    key: str,
    title: str,
    scores: Sequence[float],
    probabilities: Sequence[float],
    marked: tuple[float, float] | None = None,
) -> Plot:
    """Draw probabilities over scores, and mark one pair.

    Args:
        key: unique on the page.
        title: says what is drawn.
        scores: P, rising.
        probabilities: P, of each score.
        marked: a score and its probability; None for no mark.
    """
    ends = [*scores, *([] if marked is None else [marked[0]])]
    across = scale_over(ends, LEFT, WIDTH - 10)
    top = max([*probabilities, *([] if marked is None else [marked[1]]), 1e-9])
    up = Scale(0.0, top, HEIGHT - FOOT, 24)
    points = [(across(s), up(p)) for s, p in zip(scores, probabilities, strict=True)]
    # The function is constant before its first point and after its last.
    points = [(LEFT, points[0][1]), *points, (WIDTH - 10, points[-1][1])]
    drawn = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    parts = [
        f'<line class="grid" x1="{LEFT}" x2="{WIDTH - 10}" y1="{up(p):.1f}" y2="{up(p):.1f}"/>'
        f'<text x="0" y="{up(p) + 4:.1f}">{p:.2f}</text>'
        for p in (0.0, top / 2, top)
    ]
    parts += [
        f'<polyline class="line c0" points="{drawn}"/>',
        f'<text x="{LEFT}" y="{HEIGHT - 12}">score {number(min(ends))}</text>',
        f'<text class="end" x="{WIDTH - 10}" y="{HEIGHT - 12}">{number(max(ends))}</text>',
    ]
    text = (
        f"From probability {number(probabilities[0])} at score {number(scores[0])} "
        f"to {number(probabilities[-1])} at {number(scores[-1])}."
    )
    if marked is not None:
        x, y = across(marked[0]), up(marked[1])
        kind = "end" if x > WIDTH / 2 else ""
        text += f" The score {number(marked[0])} has probability {number(marked[1])}."
        parts += [
            f'<circle class="main" cx="{x:.1f}" cy="{y:.1f}" r="6"/>',
            label(f"{marked[1]:.1%}", x, y - 26, kind),
        ]
    rows = [[number(s), number(p)] for s, p in zip(scores, probabilities, strict=True)]
    return Plot(
        drawing(key, title, text, parts, height=HEIGHT),
        Table(title, ["Score", "Probability"], rows),
    )
