"""Every seed of a study, derived from the root seed and the purpose of the seed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from recovery.common.hashing import digest


def dataset_seed(specification: Mapping[str, Any], replicate: int) -> int:
    """Return the 63-bit seed of a replicate's dataset.

    It is decided by root seed, truth, participants, observations, other sizes and replicate.
    """
    words = _words(specification, _dataset(specification, replicate), 2)
    return (int(words[0]) << 31 | int(words[1]) >> 1) & (2**63 - 1)


def fit_seed(specification: Mapping[str, Any], replicate: int, attempt: int = 1) -> int:
    """Return the 31-bit seed of one attempt: the dataset's, its model's and its prior's."""
    content = {
        "dataset": _dataset(specification, replicate),
        "model": specification["model"],
        "prior": specification["hyperparameters"],
        **({"attempt": attempt} if attempt > 1 else {}),
        **({"verified_by": specification["engine"]} if "verifies" in specification else {}),
    }
    return int(_words(specification, content, 1)[0]) >> 1 or 1


def rank_rng(seed: int, purpose: str) -> np.random.Generator:
    """Return the generator for the ranks of a fit: of its test functions and ties, or of jitter."""
    return np.random.default_rng([seed, *purpose.encode()])


def prior_predictive_seed(root_seed: int, prior: Mapping[str, Any]) -> int:
    """Return the seed of the prior predictive draws of one prior."""
    return int(_words({"root_seed": root_seed}, {"prior_predictive": prior}, 1)[0])


def verified_rng(root_seed: int, content: Mapping[str, Any]) -> np.random.Generator:
    """Return the generator that chooses the replicates of a cell for the verifying engine."""
    return np.random.default_rng(_words({"root_seed": root_seed}, {"verified": content}, 4))


def _dataset(specification: Mapping[str, Any], replicate: int) -> dict[str, Any]:
    keys = ("truth", "participants", "observations", "sizes")
    decides = {key: specification[key] for key in keys if key in specification}
    return {"replicate": replicate, **decides}


def _words(specification: Mapping[str, Any], content: Any, words: int) -> np.ndarray:
    """32-bit words from the root seed and the hash of the purpose."""
    entropy = [specification["root_seed"], int(digest(content), 16)]
    return np.random.SeedSequence(entropy).generate_state(words, np.uint32)
