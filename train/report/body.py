"""What a report says, block by block: honest figures first, the optimistic protocol never without its name."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

import msgspec
import numpy as np

from train.experiment.metrics import Interval, Intervals
from train.experiment.results import Protocol, ProtocolResult, table_rows
from train.report import plots
from train.report.gather import Entry, Report
from train.report.page import Block, Heading, Picture, Table, Text
from train.report.published import CAUTION, Pair, Published, in_paper_order

NONE = "–"


def title(report: Report) -> str:
    return f"Micro-expression recognition on {report.entries[0].results.data.name}"


def body(report: Report) -> list[Block]:
    """The whole page."""
    blocks: list[Block] = [Heading(title(report), level=1), *_about(report), *_beside_published(report)]
    for entry in report.of_role("run"):
        blocks += _run(entry)
    for group, steps in groupby(report.of_role("ablation"), key=lambda entry: entry.group):
        blocks += _ablation(group, list(steps))
    return blocks


def _about(report: Report) -> Iterator[Block]:
    data = report.entries[0].results.data
    classes = ", ".join(f"{count} {name}" for name, count in data.classes.items())
    yield Text(
        f"{data.samples} maps of {len(data.subjects)} subjects ({classes}). Every subject is left out once; predictions are "
        "pooled over all subjects before they are scored. In square brackets: 95 % intervals from resampling subjects. "
        "UF1 is the unweighted mean F1 over classes, UAR the unweighted mean recall."
    )
    yield Text(
        "Protocols: `final` trains for a fixed number of epochs and answers with the last; `nested` chooses the epoch inside "
        "the training subjects; `paper` (**OPTIMISTIC**) chooses the best epoch on the test subject, as published scripts "
        "do, and is shown only to say what that is worth."
    )


def _beside_published(report: Report) -> Iterator[Block]:
    published = report.published
    data = report.entries[0].results.data
    databases = in_paper_order({name for name, _ in data.subjects})
    yield Heading("Beside published figures" if published else "Results")
    if published:
        yield Text(CAUTION, warning=True)
        if len(data.subjects) != published.subjects:
            yield Text(
                f"Published rows are about {published.subjects} subjects and {published.samples} samples, ours about "
                f"{len(data.subjects)} and {data.samples}: near, not equal."
            )
    columns = databases if len(databases) > 1 else []
    rows = [_published_row(row, columns) for row in published.rows] if published else []
    marked = set(range(len(rows)))
    for entry in (*report.of_role("baseline"), *report.of_role("run")):
        for name, result in table_rows(entry.results.protocols):
            if entry.role == "baseline" and name != "final":
                continue
            if result.optimistic:
                marked.add(len(rows))
            scores = [_pair((result.databases[d]["uf1"], result.databases[d]["uar"])) for d in columns]
            whole = _pair((result.uf1, result.uar))
            rows.append([entry.name, "", name, whole, *_ranges(result), *scores])
    if not rows:  # ablations alone have their own tables
        return
    yield Table(["method", "year", "protocol", "UF1/UAR", "UF1 95 %", "UAR 95 %", *columns], rows, frozenset(marked))
    if published:
        yield Text(f"Published: {published.title}, as printed.")


def _published_row(row: Published, databases: Sequence[str]) -> list[str]:
    scores = [_printed(row.databases[name]) if name in row.databases else NONE for name in databases]
    return [row.method, str(row.year), "published, very likely test-selected", _printed(row.full), NONE, NONE, *scores]


def _run(entry: Entry) -> Iterator[Block]:
    results, honest = entry.results, entry.honest
    name = _slug(entry.name)
    uf1, uar, accuracy = _scores(honest.uf1, honest.uar, honest.accuracy, honest.interval)
    yield Heading(f"Run {entry.name}")
    yield Text(
        f"**UF1 {uf1}, UAR {uar}, accuracy {accuracy}** under `final`, mean of "
        f"{_count(len(results.seeds), 'seed')}. {_count(results.networks, 'network')}, {results.seconds / 60:.1f} minutes of "
        "training."
    )
    yield from _protocols(entry)
    yield Picture(f"protocols-{name}.png", f"UF1 and UAR of {entry.name} under each protocol", plots.leak(results))
    yield Heading("Databases", level=3)
    yield _per_database(honest)
    yield Heading("Seeds", level=3)
    yield _per_seed(honest)
    yield Heading("Confusion", level=3)
    yield Text("Under `final`; rows are the truth, in parts of the class, below them counts (means over the seeds).")
    yield Picture(
        f"confusion-{name}.png", f"Confusion matrices of {entry.name}", plots.confusions(honest, list(results.data.classes))
    )
    if entry.leak.looks > 1:
        yield Heading("Curves", level=3)
        yield Text("Held-out subjects after every evaluated epoch: to look at, not to choose from.")
        yield Picture(f"curves-{name}.png", f"Scores and loss of {entry.name} over epochs", plots.curves(results))
    yield Heading("Calibration", level=3)
    yield Text(
        f"All seeds answering together under `final`: expected calibration error {honest.calibration_error:.3f} "
        f"({honest.uncalibrated_error:.3f} before). Every subject is judged under a temperature fitted to other subjects; "
        f"over all subjects it is {honest.temperature:.2f}."
    )
    yield Picture(f"calibration-{name}.png", f"Reliability diagram of {entry.name}", plots.calibration(honest))
    yield Heading("Subjects", level=3)
    yield Picture(f"subjects-{name}.png", f"Accuracy of {entry.name} on every subject", plots.subjects(honest))
    yield _per_subject(results.protocols)
    yield Heading("Settings", level=3)
    yield _settings(entry)


def _protocols(entry: Entry) -> Iterator[Block]:
    yield Heading("Protocols side by side", level=3)
    rows: list[list[str]] = []
    marked: set[int] = set()
    for name, result in table_rows(entry.results.protocols):
        if result.optimistic:
            marked.add(len(rows))
        final = entry.honest
        points = f"{100 * (result.uf1 - final.uf1):+.1f}/{100 * (result.uar - final.uar):+.1f}"
        scores = _scores(result.uf1, result.uar, result.accuracy, result.interval)
        rows.append([name, *scores, NONE if result is final else points])
    yield Table(["protocol", "UF1", "UAR", "accuracy", "points above final"], rows, frozenset(marked))
    if entry.leak.looks > 1:
        yield Text(
            f"Choosing the epoch on the test subject, among {entry.leak.looks} looks, is worth **{entry.leak.uf1_points:+.1f} "
            f"points of UF1 and {entry.leak.uar_points:+.1f} of UAR** that no new face will give back.",
            warning=True,
        )
    else:
        yield Text("There was one look at each test subject and nothing to choose: `paper` equals `final` here.")


def _per_database(result: ProtocolResult) -> Table:
    rows = [["all", str(result.together.samples), *_scores(result.uf1, result.uar, result.accuracy, result.interval)]]
    for name in in_paper_order(result.databases):
        means, samples = result.databases[name], result.seeds[0].databases[name].samples
        scores = _scores(means["uf1"], means["uar"], means["accuracy"], result.database_intervals[name])
        rows.append([name, str(samples), *scores])
    return Table(["`final`", "maps", "UF1", "UAR", "accuracy"], rows)


def _per_seed(result: ProtocolResult) -> Table:
    rows = [
        [str(seed.seed), _figure(seed.full.uf1), _figure(seed.full.uar), _figure(seed.full.accuracy)] for seed in result.seeds
    ]
    if len(rows) > 1:
        rows.append(["standard deviation", _figure(result.spread["uf1"]), _figure(result.spread["uar"]), NONE])
    together, edges = result.together, result.together_interval
    rows.append(["together, by mean probability", *_scores(together.uf1, together.uar, together.accuracy, edges)])
    return Table(["seed (`final`)", "UF1", "UAR", "accuracy"], rows)


def _per_subject(protocols: Mapping[Protocol, ProtocolResult]) -> Table:
    shown = list(table_rows(protocols))
    rows = []
    for number, subject in enumerate(protocols["final"].subjects):
        accuracies = [_figure(float(np.mean(result.subjects[number].accuracy))) for _, result in shown]
        rows.append([f"{subject.database}/{subject.subject}", str(subject.samples), *accuracies])
    return Table(["subject", "maps", *(f"accuracy, {name}" for name, _ in shown)], rows, folded="Every subject as a table")


def _settings(entry: Entry) -> Table:
    rows = [[f"`{key}`", f"`{json.dumps(value)}`"] for key, value in _flat(msgspec.to_builtins(entry.results.preset))]
    return Table(["key", "value"], rows, folded="Every setting of this run")


def _flat(values: Mapping[str, object], path: str = "") -> Iterator[tuple[str, object]]:
    """Settings under their dotted names."""
    for key, value in values.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{path}{key}.")
        else:
            yield f"{path}{key}", value


def _ablation(group: str, steps: Sequence[Entry]) -> Iterator[Block]:
    results = {step.name.removeprefix(f"{group}: "): step.honest for step in steps}
    databases = in_paper_order(next(iter(results.values())).databases)
    yield Heading(f"Ablation {group}")
    yield Text("Under `final`: nothing was chosen on a test subject.")
    rows = [
        [
            name,
            *_scores(result.uf1, result.uar, result.accuracy, result.interval),
            *(_pair((result.databases[d]["uf1"], result.databases[d]["uar"])) for d in databases),
        ]
        for name, result in results.items()
    ]
    yield Table(["step", "UF1", "UAR", "accuracy", *databases], rows)
    yield Picture(f"ablation-{_slug(group)}.png", f"UF1 and UAR over the steps of {group}", plots.ablation(results))


def _scores(uf1: float, uar: float, accuracy: float, edges: Intervals) -> list[str]:
    """Each score with its interval."""
    pairs = ((uf1, edges.uf1), (uar, edges.uar), (accuracy, edges.accuracy))
    return [f"{_figure(value)} {_range(edge)}" for value, edge in pairs]


def _ranges(result: ProtocolResult) -> list[str]:
    return [_range(result.interval.uf1), _range(result.interval.uar)]


def _pair(pair: Pair) -> str:
    """UF1/UAR: .804/.782."""
    return "/".join(_figure(value) for value in pair)


def _printed(pair: Pair) -> str:
    """With the digits that were printed."""
    return "/".join(f"{value:.4f}".removeprefix("0") for value in pair)


def _figure(value: float) -> str:
    return f"{value:.3f}".removeprefix("0")


def _range(interval: Interval) -> str:
    return f"[{_figure(interval[0])}, {_figure(interval[1])}]"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _slug(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name)
