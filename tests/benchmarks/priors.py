"""What named priors cost: programs beside the same with their priors written out in Stan."""

import shutil
import tempfile
from pathlib import Path

from common import STAN, Row, datasets, stan_data

from recovery import engines
from recovery.engines.protocol import Program, Settings

SIZE = (30, 20)  # participants, observations
MODELS = ("pooled", "centered", "noncentered", "marginal")
SETTINGS = Settings(chains=4, warmup=300, draws=1000, adapt_delta=0.8, max_treedepth=10)
REPEATS = 5
WRITTEN_OUT = {  # included in place of the files of stan/priors
    "parameters": "vector[K] real_line;\nvector<lower=0>[n_parameters - K] positive;\n",
    "named": "vector[n_parameters] named = append_row(real_line, positive);\n",
    "densities": "real_line ~ normal(0, 1);\npositive ~ exponential(1);\n",
}


def measure() -> list[Row]:
    """Compare the time of a leapfrog step, the smallest of some repeats in turn."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "priors").mkdir()
        for name, text in WRITTEN_OUT.items():
            (Path(folder) / f"priors/{name}.stan").write_text(text)
        return [_row(model, Path(folder)) for model in MODELS]


def _row(model: str, folder: Path) -> Row:
    shipped = STAN / "multilevel_linear" / f"{model}.stan"
    shutil.copy(shipped, folder)
    engine = engines.find("stanli")
    programs = [
        engine.load(Program(str(path), str(STAN))) for path in (shipped, folder / shipped.name)
    ]
    data = stan_data(datasets(*SIZE, 1)[0], model)
    seconds = [float("inf")] * 2
    for seed in range(1, REPEATS + 1):
        for number, program in enumerate(programs):
            draws = engine.sample(program, data, seed, SETTINGS)
            steps = draws.sampler["n_leapfrog__"].sum()
            seconds[number] = min(seconds[number], draws.sampling_seconds / steps)
    case = f"{SIZE[0]} x {SIZE[1]}, {model}"
    more = 100 * (seconds[0] / seconds[1] - 1)
    return Row("named priors", case, "leapfrog step, against written out", more, "% longer")
