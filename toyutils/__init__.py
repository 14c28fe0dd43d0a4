"""Helpers shared by the notebooks on superposition.

The modules, in the order in which they build on each other: `features`, `models`,
`history`, `training`, `geometry`, `theory`, `sweeps`, `plots`, `exercises`; `arguments` checks what
several of them are given.
"""

__version__ = "0.1.0"
