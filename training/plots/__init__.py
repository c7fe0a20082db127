"""Plots as inline SVG, each with a title, a description and its figures as a table.

Colours are classes of `training/pages/static/theme.css`; lines also have different dashes and end
in their names.
"""

from training.plots.bars import Mark, bars, forest
from training.plots.buckets import buckets
from training.plots.calibration import calibration
from training.plots.chain import chain
from training.plots.distribution import distribution
from training.plots.lines import lines
from training.plots.plot import Plot, Table
from training.plots.sparkline import sparkline
from training.plots.standalone import standalone

__all__ = [
    "Mark",
    "Plot",
    "Table",
    "bars",
    "buckets",
    "calibration",
    "chain",
    "distribution",
    "forest",
    "lines",
    "sparkline",
    "standalone",
]
