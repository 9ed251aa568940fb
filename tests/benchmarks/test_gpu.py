"""The GPU's benchmark on the CPU, with tiny bounds: that it runs, goes on where it ended, and says what it does not know."""

import pytest
import torch

from ahmsa.errors import UsageError
from benchmarks import gpu


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def test_it_measures_every_part_within_its_bounds_and_goes_on_where_it_ended(tmp_path, monkeypatch, capsys):
    path = tmp_path / "gpu.json"
    first = gpu.measure("cpu", 0.0, path, scale=0.02)
    assert first.parts == {}, "no time, no figures"
    monkeypatch.setitem(gpu.PARTS, "paper_training", (lambda run, seconds: gpu.training(run, seconds, "small", 2, 24), 0.3))
    done = gpu.measure("cpu", 2.0, path, scale=0.02)
    assert list(done.parts) == list(gpu.PARTS)
    assert done.parts["flow_agreement"]["largest_px"] < 1e-3
    assert done.parts["precision"]["bf16_same_label"] > 0.5
    capsys.readouterr()
    assert gpu.measure("cpu", 2.0, path, scale=0.02) == done
    assert capsys.readouterr().out == "", "nothing is measured twice"
    monkeypatch.setattr(gpu, "FIGURES", path)
    assert "not measured" in gpu.section(), "batches that were left out are not made up"
    path.write_text(path.read_text().replace(done.card, "another card"))
    with pytest.raises(UsageError, match="holds figures of another card"):
        gpu.measure("cpu", 1.0, path)


def test_without_figures_the_table_says_not_measured(tmp_path, monkeypatch):
    monkeypatch.setattr(gpu, "FIGURES", tmp_path / "nothing.json")
    rows = [line for line in gpu.section().splitlines() if line.startswith("| ") and "what" not in line]
    assert len(rows) == 10
    assert all("| not measured |" in row for row in rows)
