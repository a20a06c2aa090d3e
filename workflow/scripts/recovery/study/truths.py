"""The sources of a study's data: the kinds of truths, and observed datasets."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import Field, SerializerFunctionWrapHandler, Strict, model_serializer

from recovery.common.types import Frozen, Name, Path, Real, Text


class Flat(Frozen):
    """A mapping of the study file; the keys that the family defines become one field, `PART`."""

    PART: ClassVar[str]

    @model_serializer(mode="wrap")
    def _as_written(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Serialise as the study file is written: the family's keys beside the others."""
        whole = handler(self)
        return whole | whole.pop(self.PART)


class PriorTruth(Flat):
    """A truth that is drawn from a prior, anew for every replicate."""

    PART = "design"

    prior: Name
    model: Name | None = None
    """The model to draw from; by default the one in which participants differ."""
    design: Any = None


class FromObserved(Frozen):
    """The fit to an observed dataset whose posterior mean is the truth."""

    data: Name
    model: Name
    prior: Name


class ObservedTruth(Frozen):
    """A truth that is the posterior mean of an observed dataset."""

    from_observed: FromObserved


class Published(Frozen):
    """Published estimates for an observed dataset, shown beside the study's own."""

    source: Text
    values: dict[Text, Real] = Field(min_length=1)


class Observed(Frozen):
    """A real dataset: a CSV file, and its columns as the family names them."""

    path: Path
    columns: Any = Field(default_factory=dict)
    """The family's columns -> those of the file."""
    standardize: Annotated[bool, Strict()] = False
    published: dict[Name, Published] = Field(default_factory=dict)
