"""The checks of the exercises: `exercises.check_weighted_loss(weighted_loss)`.

One module per notebook, one public function `check_<name>` per exercise, each returning a
`Result`: not attempted, passed, or failed with the hint that fits the mistake. The machinery is in
`_check`. A new check also needs its right and wrong answers in tests/answers: a test asks for them.
"""

from toyutils.exercises._check import Result
from toyutils.exercises.nb00 import (
    check_concepts_00,
    check_count_represented,
    check_two_or_more_probability,
)
from toyutils.exercises.nb01 import (
    check_best_bias,
    check_concepts_01,
    check_minimum_loss,
    check_reconstruct,
    check_weighted_loss,
)
from toyutils.exercises.nb02 import (
    check_commits,
    check_concepts_02,
    check_expected_linear_loss,
    check_feature_variance,
)
from toyutils.exercises.nb03 import (
    check_antipodal_loss,
    check_break_even_density,
    check_concepts_03,
    check_initial_weights,
    check_reaches_antipodal,
    check_relu_reconstruct,
)
from toyutils.exercises.nb04 import (
    check_concepts_04,
    check_expecting_bias,
    check_free_pairs,
    check_interference_received,
    check_my_model,
)
from toyutils.exercises.nb05 import (
    check_concepts_05,
    check_gaps_in_degrees,
    check_polygon,
    check_seeds_needed,
    check_two_pairs_loss,
)
from toyutils.exercises.nb06 import (
    check_concepts_06,
    check_error_signal,
    check_missing_terms,
    check_slope_by_nudging,
    check_weight_gradient,
)
from toyutils.exercises.nb07 import (
    check_as_good_as,
    check_best_corners,
    check_best_of,
    check_concepts_07,
    check_interference_cost,
)
from toyutils.exercises.nb08 import (
    check_concepts_08,
    check_first_record,
    check_least_linear_loss,
    check_partners,
    check_shared_with_others,
)
from toyutils.exercises.nb09 import (
    check_boundary,
    check_concepts_09,
    check_count_phases,
    check_crossing,
    check_three_prototypes,
)
from toyutils.exercises.nb10 import (
    check_concepts_10,
    check_connected,
    check_share_on_line,
    check_shares_of_a_dimension,
    check_worth_of_a_dimension,
)

__all__ = [
    "Result",
    "check_antipodal_loss",
    "check_as_good_as",
    "check_best_bias",
    "check_best_corners",
    "check_best_of",
    "check_boundary",
    "check_break_even_density",
    "check_commits",
    "check_concepts_00",
    "check_concepts_01",
    "check_concepts_02",
    "check_concepts_03",
    "check_concepts_04",
    "check_concepts_05",
    "check_concepts_06",
    "check_concepts_07",
    "check_concepts_08",
    "check_concepts_09",
    "check_concepts_10",
    "check_connected",
    "check_count_phases",
    "check_count_represented",
    "check_crossing",
    "check_error_signal",
    "check_expected_linear_loss",
    "check_expecting_bias",
    "check_feature_variance",
    "check_first_record",
    "check_free_pairs",
    "check_gaps_in_degrees",
    "check_initial_weights",
    "check_interference_cost",
    "check_interference_received",
    "check_least_linear_loss",
    "check_minimum_loss",
    "check_missing_terms",
    "check_my_model",
    "check_partners",
    "check_polygon",
    "check_reaches_antipodal",
    "check_reconstruct",
    "check_relu_reconstruct",
    "check_seeds_needed",
    "check_share_on_line",
    "check_shared_with_others",
    "check_shares_of_a_dimension",
    "check_slope_by_nudging",
    "check_three_prototypes",
    "check_two_or_more_probability",
    "check_two_pairs_loss",
    "check_weight_gradient",
    "check_weighted_loss",
    "check_worth_of_a_dimension",
]
