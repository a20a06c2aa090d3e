"""`make calibrate`: studies are run one after another, and their verdicts collected."""

import pandas as pd
import pytest

from recovery.run import calibration_verdicts
from recovery.score import calibration

ROW = {"scenario": "s", "model": "m", "n_ranked": 9, "p_corrected": 0.5}


@pytest.fixture
def verdicts(tmp_path, monkeypatch):
    """A study file, and a function that sets the verdicts in its results."""
    file = tmp_path / "study.yaml"
    file.write_text("name: x\n")

    def give(*values):
        rows = [
            {**ROW, "quantity": f"q{n}", "p_value": 0.9 - n / 10, "verdict": value}
            for n, value in enumerate(values)
        ]
        frame = pd.DataFrame(rows)
        monkeypatch.setattr(calibration_verdicts.tables, "read_frame", lambda _: frame)
        return str(file)

    return give


@pytest.mark.parametrize(
    ("values", "good"),
    [
        ([calibration.CALIBRATED, calibration.CALIBRATED], True),
        ([calibration.CALIBRATED, calibration.NOT_APPLICABLE], True),
        ([calibration.CALIBRATED, "another verdict"], False),
        ([calibration.NOT_APPLICABLE], False),
    ],
)
def test_all_that_applies_must_be_calibrated(verdicts, values, good):
    file = verdicts(*values)
    assert calibration_verdicts.all_calibrated([file], print, lambda _: True) is good


def test_the_least_calibrated_quantity_is_shown(verdicts):
    said = []
    file = verdicts(*[calibration.CALIBRATED] * 3)
    calibration_verdicts.all_calibrated([file], said.append, lambda _: True)
    assert "q2" in said[0]
    assert "q0" not in said[0]


def test_a_study_that_fails_ends_it(verdicts):
    started = []
    file = verdicts(calibration.CALIBRATED)
    run = lambda name: started.append(name)  # noqa: E731
    assert not calibration_verdicts.all_calibrated([file, "other.yaml"], print, run)
    assert started == [file]
