"""Every figure of the notebooks: plain functions that return plotly figures.

A figure never trains and never changes what it draws. All share one look (`look`): a feature
has one colour everywhere, geometry has equal axes, and `fig.layout.meta["alt"]` says in words
and numbers what the picture shows; where a front end cannot draw, that text is displayed. `show`
stores a figure in every form that front ends want, `still` draws it without JavaScript.
"""

from toyutils.plots import show  # noqa: F401 - sets how figures are displayed
from toyutils.plots.animations import arrows_animation, training_dashboard, turning_arrow
from toyutils.plots.arrows import directions_over_seeds, feature_arrows, gram_heatmap
from toyutils.plots.curves import curves, loss_curves, phase_diagram, theory_vs_trained
from toyutils.plots.data import feature_scatter, mapping
from toyutils.plots.look import feature_color
from toyutils.plots.many import gram_grid, norm_bars
from toyutils.plots.matrices import matrix_steps
from toyutils.plots.seeds import outcome_shares, outcomes_over_seeds
from toyutils.plots.shapes import gram_graph, sticky_lines

__all__ = [
    "arrows_animation",
    "curves",
    "directions_over_seeds",
    "feature_arrows",
    "feature_color",
    "feature_scatter",
    "gram_graph",
    "gram_grid",
    "gram_heatmap",
    "loss_curves",
    "mapping",
    "matrix_steps",
    "norm_bars",
    "outcome_shares",
    "outcomes_over_seeds",
    "phase_diagram",
    "sticky_lines",
    "theory_vs_trained",
    "training_dashboard",
    "turning_arrow",
]
