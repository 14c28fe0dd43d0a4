"""Every figure of the notebooks. Importing it changes how plotly figures are displayed.

Each figure is a plain function that takes arrays or a history and returns a plotly figure; it
never trains, never runs a model and never changes what it draws. One module holds one kind of
picture: `weights`, `points`, `curves`, `maps`, `outcomes`, `shapes`, `film`; `tables` shows
numbers. All share one look (`look`): a feature has one colour everywhere, geometry
has equal axes, and `fig.layout.meta["alt"]` says in words and numbers what the picture shows.
`show` stores a displayed figure in every form that front ends want (`show.off()` undoes that);
`still` draws it without JavaScript.
"""

from toyutils.plots import show  # noqa: F401 - sets how figures are displayed
from toyutils.plots.curves import curves
from toyutils.plots.film import (
    arrows_animation,
    branches,
    solid_animation,
    training_dashboard,
    turning_arrow,
)
from toyutils.plots.look import feature_color
from toyutils.plots.maps import landscape, phase_diagram, region_map
from toyutils.plots.outcomes import outcome_shares, outcomes_over_seeds, ridge
from toyutils.plots.points import (
    feature_scatter,
    in_out_bars,
    mapping,
    rows_and_columns,
    rows_over_seeds,
    spokes,
)
from toyutils.plots.shapes import gram_graph, polytope, sticky_lines
from toyutils.plots.tables import matrix_steps, table
from toyutils.plots.weights import (
    agreement,
    feature_arrows,
    gram_grid,
    network,
    neuron_stacks,
    norm_bars,
)

__all__ = [
    "agreement",
    "arrows_animation",
    "branches",
    "curves",
    "feature_arrows",
    "feature_color",
    "feature_scatter",
    "gram_graph",
    "gram_grid",
    "in_out_bars",
    "landscape",
    "mapping",
    "matrix_steps",
    "network",
    "neuron_stacks",
    "norm_bars",
    "outcome_shares",
    "outcomes_over_seeds",
    "phase_diagram",
    "polytope",
    "region_map",
    "ridge",
    "rows_and_columns",
    "rows_over_seeds",
    "solid_animation",
    "spokes",
    "sticky_lines",
    "table",
    "training_dashboard",
    "turning_arrow",
]
