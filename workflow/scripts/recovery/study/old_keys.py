"""Keys of older versions, and the lines that replace them in a study file.

Before, a regression was described by numbers of predictors (`predictors`, `varying`), truths by
vectors (`beta`, `sigma_p`, `rho`), and priors by hyperparameters (`beta_mean`, `sigma_p_rate`), as
were those of meta-analyses (`mu_mean`) and mediations (`path_mean`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

MOST_SHOWN = 2  # truths, priors, parameters, observed datasets
MOVED = " # Intercept is now at the means of predictors; with 0 + Intercept, b_Intercept is at 0"
_MAPPINGS = ("truths", "priors", "planning", "observed")  # of names to entries
_REGRESSION = "multilevel_"
_OLD_OPTION = ("predictors", "varying", "exposure")
_OLD_TRUTH = ("beta", "sigma_p", "rho", "Omega", "x", "missing", "c", "exposure")
_OLD_PRIOR = re.compile(r"(beta|sigma_p|lkj|sigma|nu|c)_(mean|sd|rate|eta|shape)")
_OLD_OBSERVED = {
    _REGRESSION: ("outcome", "predictor", "predictors", "participant", "exposure"),
    "meta_analysis": ("effect", "standard_error", "study"),
    "mediation": ("outcome", "mediator", "predictor", "participant"),
}
_NORMAL, _EXPONENTIAL = "normal({}, {})", "exponential({})"
_SDS = ("sd_a", "sd_b", "sd_cp", "sd_d_m", "sd_d_y")
_Change = tuple[tuple[str, ...], str, tuple[str, ...]]
# Family -> new key: old ones, the distribution, keys of single parameters.
_OLD_PRIORS: Mapping[str, Mapping[str, _Change]] = {
    "meta_analysis": {
        "mu": (("mu_mean", "mu_sd"), _NORMAL, ()),
        "b": (("b_mean", "b_sd"), _NORMAL, ()),
        "tau": (("tau_df", "tau_scale"), "student_t({}, 0, {})", ()),
    },
    "mediation": {
        "path": (("path_mean", "path_sd"), _NORMAL, ("a", "b", "cp")),
        "intercept": (("intercept_mean", "intercept_sd"), _NORMAL, ("d_m", "d_y")),
        "sd": (("sigma_p_rate",), _EXPONENTIAL, _SDS),
        "sigma": (("sigma_rate",), _EXPONENTIAL, ("sigma_m", "sigma_y")),
        "cor": (("lkj_eta",), "lkj({})", ()),
    },
}
_OLD_PARAMETER = re.compile(r"(beta|sigma_p|Omega|c)\[(\d+)(?:,(\d+))?\]")


def fault(raw: Mapping[str, Any]) -> str | None:
    """Return a message with the lines that replace old keys; None if a study has none."""
    try:
        parts = [part for key in _MAPPINGS for part in raw.get(key, {}).values()]
        new = renewed(raw) if all(isinstance(part, Mapping) for part in parts) else raw
    except (TypeError, ValueError, KeyError, IndexError, AttributeError):
        return None  # the study has other faults, which its checks name
    changed = [key for key, value in new.items() if raw.get(key) != value]
    if not changed:
        return None
    lines = [line for key in changed for line in _lines(key, raw.get(key), new[key])]
    return "\n  ".join([f"{', '.join(changed)}: has keys of an older version, write:", *lines])


def _lines(key: str, old: Any, new: Any) -> list[str]:
    """The lines of a key: of a mapping of names, the first entries that are new."""
    if key not in _MAPPINGS:
        return [_flow(key, new)]
    entries = [(name, value) for name, value in new.items() if old.get(name) != value]
    more = len(entries) - MOST_SHOWN
    moved = key == "priors" and any("Intercept" in new_prior for new_prior in new.values())
    differ = key == "truths" and len({_old_design(truth) for truth in old.values()}) > 1
    return [
        f"{key}:{' # they differ in x, missing or exposure: a study has one design' * differ}"
        f"{MOVED * moved}",
        *(f"  {_flow(name, value)}" for name, value in entries[:MOST_SHOWN]),
        *([f"  # and {more:,} more in the same way"] if more > 0 else []),
    ]


def _old_design(truth: Mapping[str, Any]) -> str:
    """What a truth says of its design."""
    return repr([truth.get(key) for key in ("x", "missing", "exposure")])


def _flow(key: str, value: Any) -> str:
    """A key and its value as YAML on one line."""
    text = yaml.safe_dump({key: value}, default_flow_style=True, width=10_000, sort_keys=False)
    return text.strip()[1:-1]


def renewed(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Return the content of a study file with its old keys replaced."""
    family = raw.get("family", "multilevel_linear")
    name = str(family.get("name") if isinstance(family, Mapping) else family)
    study = dict(raw)
    if name.endswith(".py"):  # an own family, whatever its name begins with
        return study
    observed = raw.get("observed", {})
    for kind, old in _OLD_OBSERVED.items():
        if name.startswith(kind):
            columns = _Regression(raw).columns if kind == _REGRESSION else {}
            study["observed"] = {
                key: _observed(each, old, columns) for key, each in observed.items()
            }
    if not observed:
        study.pop("observed", None)
        if "observed" in raw:
            study["observed"] = raw["observed"]
    if name in _OLD_PRIORS and "priors" in study:
        study["priors"] = {
            key: _prior(prior, _OLD_PRIORS[name]) for key, prior in study["priors"].items()
        }
    if not name.startswith(_REGRESSION):
        return study
    return _Regression(raw).renewed(study)


def _prior(prior: Mapping[str, Any], changes: Mapping[str, _Change]) -> dict[str, Any]:
    """A prior with distributions in place of hyperparameters, which are numbers or lists."""
    made: dict[str, Any] = {}
    rest = dict(prior)
    for key, (old, text, own) in changes.items():
        if not any(each in prior for each in old):
            continue
        given = [rest.pop(each) for each in old]
        columns = [each if isinstance(each, list) else [each] * max(1, len(own)) for each in given]
        texts = [text.format(*map(_number, row)) for row in zip(*columns, strict=True)]
        same = len(set(texts)) == 1
        made |= {key: texts[0]} if same else dict(zip(own, texts, strict=True))
    return made | rest


def _observed(value: Mapping[str, Any], old: tuple[str, ...], columns: Mapping) -> dict[str, Any]:
    """An observed dataset with its columns under `columns`."""
    if "columns" in value or not any(key in value for key in old):
        return dict(value)
    given: dict[str, Any] = {}
    for key in old:
        if key == "predictors" and key in value:
            given |= dict(zip(columns["predictors"], value[key], strict=True))
        elif key in value:
            given[columns.get(key, key)] = value[key]
    rest = {key: item for key, item in value.items() if key not in old}
    path = {"path": rest.pop("path")} if "path" in rest else {}
    return {**path, "columns": given, **rest}


class _Regression:
    """The old description of a regression."""

    def __init__(self, raw: Mapping[str, Any]):
        family = raw.get("family", "multilevel_linear")
        options = dict(family) if isinstance(family, Mapping) else {"name": family}
        self.name = options["name"]
        self.options = options
        number = options.get("predictors", 1)
        self.predictors = ["x"] if number == 1 else [f"x{k}" for k in range(1, number + 1)]
        given = options.get("varying")
        self.varying = [name for name in self.predictors if given is None or name in given]
        self.coefficients = [*self._intercept, *self.predictors]
        self.groups = ["Intercept", *self.varying]
        exposure = options.get("exposure", False) is True
        self.offset = " + offset(log(exposure))" if exposure else ""
        self.columns: dict[str, Any] = {"outcome": "y", "predictors": self.predictors}
        self.columns["predictor"] = self.predictors[0]

    @property
    def _intercept(self) -> list[str]:
        return [] if self.name == "multilevel_ordinal" else ["Intercept"]

    @property
    def formula(self) -> str:
        """The formula."""
        varying = " + ".join(self.varying) or "1"
        return f"y ~ {' + '.join(self.predictors)}{self.offset} + ({varying} | participant)"

    def renewed(self, study: dict[str, Any]) -> dict[str, Any]:
        """Return the study with new keys."""
        truths = study.get("truths", {})
        old = {key: value for truth in truths.values() for key, value in self._design_keys(truth)}
        rest = {key: value for key, value in self.options.items() if key not in _OLD_OPTION}
        made = {key: value for key, value in study.items() if key not in ("formula", "design")}
        if len(rest) < len(self.options):
            made["family"] = rest["name"] if len(rest) == 1 else rest
        content: dict[str, Any] = {}
        for key, value in made.items():
            content[key] = value
            if key == ("family" if "family" in made else "title"):
                content |= self._formula_and_design(study, old)
        content["truths"] = {key: self._truth(value) for key, value in truths.items()}
        if "priors" in study:
            content["priors"] = {key: self._prior(value) for key, value in study["priors"].items()}
        if isinstance(study.get("planning"), Mapping):
            content["planning"] = {self._parameter(k): v for k, v in study["planning"].items()}
        if isinstance(study.get("observed"), Mapping):
            content["observed"] = {
                key: self._published(value) for key, value in study["observed"].items()
            }
        return {
            key: content[key] for key in content if key in study or key in ("formula", "design")
        }

    def _formula_and_design(self, study: Mapping, old: Mapping[str, Any]) -> dict[str, Any]:
        if "formula" in study or "design" in study:
            return {key: study[key] for key in ("formula", "design") if key in study}
        default = self.predictors == self.varying == ["x"] and not self.offset
        design: dict[str, Any] = {name: {"normal": [0, 1]} for name in self.predictors}
        if old.get("x") == "days":
            design[self.predictors[0]] = {"sequence": [0, 1]}
        if self.offset:
            design["exposure"] = {"uniform": list(old.get("exposure", [0.5, 1.5]))}
        if old.get("missing"):
            design["missing"] = old["missing"]
        formula = {} if default else {"formula": self.formula}
        return formula | ({} if design == {"x": {"normal": [0, 1]}} else {"design": design})

    @staticmethod
    def _design_keys(truth: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
        yield from ((key, truth[key]) for key in ("x", "missing", "exposure") if key in truth)

    def _truth(self, truth: Mapping[str, Any]) -> dict[str, Any]:
        if not any(key in truth for key in _OLD_TRUTH):
            return dict(truth)
        made: dict[str, Any] = {}
        for key, value in truth.items():
            if key == "beta":
                made["b"] = dict(zip(self.coefficients, value, strict=True))
            elif key == "sigma_p":
                made["sd"] = {"participant": dict(zip(self.groups, value, strict=True))}
            elif key in ("rho", "Omega"):
                made["cor"] = {"participant": value}
            elif key == "c":
                made["thresholds"] = value
            elif key not in ("x", "missing", "exposure"):
                made[key] = value
        return made

    def _prior(self, prior: Mapping[str, Any]) -> dict[str, Any]:
        if not any(_OLD_PRIOR.fullmatch(str(key)) for key in prior):
            return dict(prior)
        made: dict[str, str] = {}
        if "beta_mean" in prior or "beta_sd" in prior:
            means = self._each(prior["beta_mean"], self.coefficients)
            sds = self._each(prior["beta_sd"], self.coefficients)
            made |= self._by_coefficient(means, sds)
        if "sigma_p_rate" in prior:
            made |= self._sd_priors(prior["sigma_p_rate"])
        if "lkj_eta" in prior and self.varying:
            made["cor"] = f"lkj({_number(prior['lkj_eta'])})"
        if "sigma_rate" in prior:
            made["sigma"] = f"exponential({_number(prior['sigma_rate'])})"
        if "nu_shape" in prior:
            made["nu"] = f"gamma({_number(prior['nu_shape'])}, {_number(prior['nu_rate'])})"
        if "c_mean" in prior:
            made = {"Intercept": _normal(prior["c_mean"], prior["c_sd"])} | made
        return made

    def _by_coefficient(self, means: list[float], sds: list[float]) -> dict[str, str]:
        texts = dict(zip(self.coefficients, map(_normal, means, sds), strict=True))
        made = {"Intercept": texts.pop("Intercept")} if "Intercept" in texts else {}
        if len(set(texts.values())) == 1:
            return made | {"b": next(iter(texts.values()))}
        return made | {f"b_{name}": text for name, text in texts.items()}

    def _sd_priors(self, rate: Any) -> dict[str, str]:
        if not isinstance(rate, list | tuple):
            return {"sd": f"exponential({_number(rate)})"}
        named = zip(self.groups, rate, strict=True)
        return {f"sd_participant__{name}": f"exponential({_number(each)})" for name, each in named}

    @staticmethod
    def _each(value: Any, names: list[str]) -> list[float]:
        return list(value) if isinstance(value, list | tuple) else [value] * len(names)

    def _parameter(self, name: str) -> str:
        """The new name of a parameter."""
        match = _OLD_PARAMETER.fullmatch(str(name))
        if not match:
            return name
        kind, first = match[1], int(match[2])
        if kind == "c":
            return f"b_Intercept[{first}]"
        if kind == "beta":
            return f"b_{['Intercept', *self.predictors][first - 1]}"
        if kind == "sigma_p":
            return f"sd_participant__{self.groups[first - 1]}"
        return f"cor_participant__{self.groups[first - 1]}__{self.groups[int(match[3]) - 1]}"

    def _published(self, observed: Any) -> Any:
        if not isinstance(observed, Mapping) or "published" not in observed:
            return observed
        published = {
            label: {
                **each,
                "values": {self._parameter(name): value for name, value in each["values"].items()},
            }
            for label, each in observed["published"].items()
        }
        return {**observed, "published": published}


def _number(value: float) -> str:
    return f"{value:.15g}"


def _normal(mean: float, sd: float) -> str:
    return f"normal({_number(mean)}, {_number(sd)})"
