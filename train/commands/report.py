"""`ahmsa-report`: finished runs as one page beside the published figures, and the model card of a checkpoint."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ahmsa.errors import UsageError
from configs.command import program, run_program, say

app = program("Turn finished runs into a report, or a checkpoint into its model card.")


@app.command()
def _report(
    runs: Annotated[
        list[Path] | None, typer.Argument(metavar="RUN...", help="Run folders, or folders whose subfolders are an ablation.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder to write into.")] = Path("report"),
    card: Annotated[
        Path | None, typer.Option(metavar="CHECKPOINT", help="Write the model card of this checkpoint (OUT/model-card.md) too.")
    ] = None,
) -> None:
    """Write report.md, report.html (one file, pictures inside) and report.json (every number) about finished runs.

    About a recorded session (`ahmsa-report out/p01`) the same command writes a page of its own.

    Baselines inside a run folder come along by themselves. Rows whose epoch was chosen on the test subject are marked
    OPTIMISTIC; the report says how many points that choice is worth.

    Examples:

        ahmsa-report runs/3db-shipped --out report

        ahmsa-report runs/3db-shipped runs/3db-shipped-blocks            a run and an ablation

        ahmsa-report --card runs/3db-shipped/checkpoint.safetensors      the model card alone
    """
    if not runs and card is None:
        raise UsageError("nothing to report on; name run folders, or a checkpoint with --card.")
    if runs:
        from train.report.gather import gather
        from train.report.write import write_report

        write_report(gather(runs), out)
        say(f"{out / 'report.html'}, report.md and report.json beside it")
    if card is not None:
        from ahmsa.files import write_whole
        from ahmsa.model.checkpoint import Checkpoint
        from train.report.card import model_card

        write_whole(out / "model-card.md", model_card(Checkpoint.load(card)))
        say(str(out / "model-card.md"))


def main() -> None:
    """Entry point of `ahmsa-report`."""
    run_program(app)
