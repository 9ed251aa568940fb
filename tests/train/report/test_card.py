from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from ahmsa.errors import CheckpointError
from ahmsa.model.checkpoint import Checkpoint, shipped
from train.experiment.export import card_of
from train.experiment.runner import read_results
from train.report.card import model_card


@pytest.fixture
def card(finished, maps, make_checkpoint) -> tuple[str, dict]:
    given = msgspec.json.decode(msgspec.json.encode(card_of(maps, read_results(finished))))
    return model_card(make_checkpoint(**given)), given


def test_the_card_tells_the_honest_figures_with_their_intervals(card):
    text, given = card
    figures = given["figures"]
    low, high = figures["interval_95"]["uf1"]
    assert f"| mean of the seeds | {figures['uf1_mean_of_seeds']:.3f} [{low:.3f}, {high:.3f}]" in text
    assert f"others: {figures['calibration_error']:.3f}" in text
    assert "nobody was left to measure them on" in text


def test_the_card_tells_of_data_limits_use_and_licence(card):
    text, _ = card
    for words in (
        "SMIC-HS (2 subjects), SAMM (2 subjects), CASME II (2 subjects)",
        "licensed for academic research",
        "FaceMesh",
        "Three classes",
        "Article 5(1)(f)",
        "Apache-2.0",
        "excludes\ncommercial use",
    ):
        assert words in text


def test_a_checkpoint_without_figures_has_no_card(make_checkpoint):
    checkpoint: Checkpoint = make_checkpoint()
    with pytest.raises(CheckpointError, match="carries no complete card"):
        model_card(checkpoint)


def test_the_card_in_docs_is_that_of_the_shipped_checkpoint():
    page = Path(__file__).parents[3] / "docs" / "model-card.md"
    assert page.read_text() == model_card(Checkpoint.load(shipped())), (
        "renew it: ahmsa-report --card ahmsa/model/weights/ahmsa-3db.safetensors --out docs"
    )
