"""What a scheduler's `/metrics` shows: names of metrics as queries use them, their labels, and values."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from prometheus_client.parser import text_string_to_metric_families

_SUFFIXES = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count")}


@dataclass
class ShownMetrics:
    """`names`: as documented, counters with `_total`, histograms without a suffix. `series`: by name, their labels."""

    text: str
    names: set[str] = field(default_factory=set)
    queried: set[str] = field(default_factory=set)
    series: dict[str, list[Mapping[str, str]]] = field(default_factory=dict)
    _values: dict[tuple[str, frozenset[tuple[str, str]]], float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Read the text."""
        for family in text_string_to_metric_families(self.text):
            if family.name.endswith("_created"):  # when a counter began: prometheus-client adds it
                continue
            self.names.add(family.name + ("_total" if family.type == "counter" else ""))
            self.queried |= {family.name + suffix for suffix in _SUFFIXES.get(family.type, ("",))}
            for sample in family.samples:
                self.series.setdefault(sample.name, []).append(sample.labels)
                self._values[sample.name, frozenset(sample.labels.items())] = sample.value

    def value(self, name: str, **labels: str) -> float | None:
        """Give a sample, or None."""
        return self._values.get((name, frozenset(labels.items())))

    def labels_of(self, name: str) -> set[str]:
        """Give the names of a metric's labels, as far as it has series; `le` of histograms is none."""
        found = (labels for sample in self._samples_of(name) for labels in self.series[sample])
        return {label for labels in found for label in labels} - {"le"}

    def _samples_of(self, name: str) -> Iterator[str]:
        return (sample for sample in self.series if sample in {name, f"{name}_count"})
