"""Helpers shared by the notebooks on superposition.

The modules, in the order in which they build on each other: `features`, `models`,
`history`, `training`, `geometry`, `theory` (closed forms; `exact` losses and their `optima`),
`scores` of dictionaries, `sweeps`, `plots`, `exercises`, `claims`; `arguments` checks what
several of them are given.
"""

__version__ = "0.1.0"
