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
NORMALS = {"a": (0.5, 1), "b": (0, 2), "cp": (-1, 0.5), "d_m": (3, 1), "d_y": (0, 4)}
RATES = {"sd_a": 1, "sd_b": 2, "sd_cp": 4, "sd_d_m": 0.5, "sd_d_y": 0.2}
RATES |= {"sigma_m": 1, "sigma_y": 0.5}
ETA = 1.5
PRIOR = family.Prior(
    **{name: f"normal({mean}, {sd})" for name, (mean, sd) in NORMALS.items()},
    **{name: f"exponential({rate})" for name, rate in RATES.items()},
    cor=f"lkj({ETA})",
)


def coefficients(values) -> np.ndarray:
    """Participants' own a, b, cp, d_m and d_y, shape (n_participants, 5)."""
    groups = family.group_coefficients(list(values))
    return np.array([[values[name] for name in names] for names in groups.values()]).T
