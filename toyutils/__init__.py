"""Helpers shared by the notebooks on superposition.

The modules, in the order in which they build on each other: `features`, `models`,
`training`, `geometry`, `theory`, `sweeps`, `plots`, `exercises`.
"""

__version__ = "0.1.0"
