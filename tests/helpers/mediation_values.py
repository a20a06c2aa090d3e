"""Values of a mediation, and the coefficients in them."""

import numpy as np

from recovery import families

family = families.find("mediation")
OMEGA = np.array(
    [
        [1.0, 0.5, 0.1, 0.0, -0.2],
        [0.5, 1.0, -0.3, 0.4, 0.0],
        [0.1, -0.3, 1.0, 0.0, 0.2],
        [0.0, 0.4, 0.0, 1.0, 0.3],
        [-0.2, 0.0, 0.2, 0.3, 1.0],
    ]
)
MEANS = np.array([0.6, -0.4, 0.3, 1.0, -2.0])
SDS = np.array([0.5, 0.8, 0.3, 1.0, 0.7])
PRIOR = family.Prior(
    path_mean=[0.5, 0, -1],
    path_sd=[1, 2, 0.5],
    intercept_mean=[3, 0],
    intercept_sd=[1, 4],
    sigma_p_rate=[1, 2, 4, 0.5, 0.2],
    sigma_rate=[1, 0.5],
    lkj_eta=1.5,
)


def coefficients(values) -> np.ndarray:
    """Participants' own a, b, cp, d_m and d_y, shape (n_participants, 5)."""
    groups = family.group_coefficients(list(values))
    return np.array([[values[name] for name in names] for names in groups.values()]).T
