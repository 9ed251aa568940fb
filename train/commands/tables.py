"""Figures of runs as tables on the screen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ahmsa.printable import printable

if TYPE_CHECKING:
    from train.experiment.runner import RunResults
    from train.prepare.check import Check


def show_run(results: RunResults, headline: str, beside: Mapping[str, RunResults]) -> None:
    """Protocols side by side, the optimistic one with its warning, then the baselines; in full and per database."""
    from rich.console import Console
    from rich.table import Table

    from train.experiment.results import table_rows

    rows = sorted(table_rows(results.protocols), key=lambda row: not row[0].startswith(headline))
    rows += [(name, own.protocols["final"]) for name, own in beside.items()]
    seeds = f"{len(results.seeds)} seed" + ("s" if len(results.seeds) > 1 else "")
    table = Table(
        title=f"{results.data.name}, {len(results.data.subjects)} subjects left out one by one, mean of {seeds}: UF1/UAR"
    )
    table.add_column("")  # on a narrow screen these words are broken, the figures never
    for name, _ in rows:
        table.add_column(name.replace(" ", "\n"), no_wrap=True)
    table.add_row(f"all {results.data.samples} maps", *(_pair(figures.uf1, figures.uar) for _, figures in rows))
    for edge, label in ((0, "95 %, low"), (1, "95 %, high")):
        table.add_row(label, *(_pair(figures.interval.uf1[edge], figures.interval.uar[edge]) for _, figures in rows))
    for database in results.protocols["final"].databases:
        scores = [figures.databases[database] for _, figures in rows]
        table.add_row(database, *(_pair(score["uf1"], score["uar"]) for score in scores))
    table.add_row("seeds together", *(_pair(figures.together.uf1, figures.together.uar) for _, figures in rows))
    table.add_row("calibration", *(f"{figures.calibration_error:.3f}" for _, figures in rows))
    Console().print(table)


def show_ablation(results: Mapping[str, RunResults]) -> None:
    """One row for each step of an ablation, one column for each database."""
    from rich.console import Console
    from rich.table import Table

    databases = list(next(iter(results.values())).protocols["final"].databases)
    table = Table(title="UF1/UAR, protocol final")
    for column in ("", "all", *databases):
        table.add_column(column, no_wrap=True)
    for name, result in results.items():
        figures = result.protocols["final"]
        scores = [figures.databases[database] for database in databases]
        table.add_row(name, _pair(figures.uf1, figures.uar), *(_pair(score["uf1"], score["uar"]) for score in scores))
    Console().print(table)


def show_check(result: Check) -> None:
    """Found against official totals, then everything that was not as it should be."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console(soft_wrap=True, highlight=False)
    for path in result.read_from:
        console.print(f"read {escape(printable(path))}")
    table = Table("database", "what", "found", "official", "")
    for line in result.lines:
        table.add_row(line.database, line.what, str(line.found), str(line.official), "ok" if line.agrees else "[red]differs[/]")
    console.print(table)
    for problem in result.problems:
        console.print(f"{'[red]problem[/]' if problem.fatal else 'note'} {escape(printable(problem))}")
    for difference in result.differences:
        console.print(f"[red]list[/] {escape(printable(difference))}")


def _pair(uf1: float, uar: float) -> str:
    """As papers print them: .804/.782."""
    return "/".join(f"{value:.3f}".removeprefix("0") for value in (uf1, uar))
