"""A plot as a file of its own, which no page gives its colours."""

from training.plots.plot import Plot

_STYLE = """<style>
.plot { font: 13px sans-serif; } .plot text { fill: #1b1b1f; } .plot .tick { text-anchor: middle; }
.plot .grid { stroke: #d4d4dc; } .plot .line { fill: none; stroke-width: 2.5; }
.c0 { stroke: #2f6fb7; } .c1 { stroke: #b3541e; } .c2 { stroke: #3d7a3d; }
.c3 { stroke: #8a4a9e; } .c4 { stroke: #5c5c66; }
</style><rect width="100%" height="100%" fill="#ffffff"/>"""


def standalone(plot: Plot) -> str:
    """Return the SVG file of a plot of lines, in the colours of a light page."""
    start, tag_end, rest = plot.svg.partition(">")
    namespaced = start.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)
    return f"{namespaced}{tag_end}{_STYLE}{rest}\n"
