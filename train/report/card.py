"""The model card of a checkpoint, from what the checkpoint itself carries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ahmsa.errors import CheckpointError
from ahmsa.model.checkpoint import Checkpoint
from train.report.published import in_paper_order

NAMES = {"smic": "SMIC-HS", "samm": "SAMM", "casme2": "CASME II", "casme3": "CAS(ME)^3"}


def model_card(checkpoint: Checkpoint) -> str:
    """Markdown. Raises CheckpointError where the checkpoint carries no figures of its own."""
    card = checkpoint.card
    try:
        judged = [_JUDGED[checkpoint.id]] if checkpoint.id in _JUDGED else []
        figures = _figures(checkpoint, card["figures"])
        sections = [_head(checkpoint, card), _data(card), figures, *judged, _LIMITS, _USE, _LICENCE]
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(
            f"model {checkpoint.id} carries no complete card ({error!r}); export it with `ahmsa-train --final`."
        ) from None
    return "\n\n".join(sections) + "\n"


def _head(checkpoint: Checkpoint, card: Mapping[str, Any]) -> str:
    parameters = sum(value.numel() for value in checkpoint.members[0].values())
    net = checkpoint.net
    count = len(checkpoint.members)
    shape = f"channels {_listed(net.channels)}, blocks {_listed(net.blocks)}, heads {_listed(net.heads)}"
    return (
        f"# Model card: {checkpoint.id}\n\n"
        "AHMSA-Net (arXiv 2501.02539), as this project builds it: from the optical flow between the onset and the apex of a "
        f"facial movement, reduced to a {net.map_px} x {net.map_px} map of u, v and strain, to one of "
        f"{len(checkpoint.labels)} classes ({', '.join(checkpoint.labels)}) with a calibrated probability.\n\n"
        f"{count} network{'s' if count > 1 else ''} of {parameters:,} parameters whose probabilities are averaged ({shape}); "
        f"temperature {checkpoint.temperature:.2f}; exported on {card['trained_on_day']}.\n\n"
        "Written by `ahmsa-report --card CHECKPOINT` from what the checkpoint carries."
    )


def _data(card: Mapping[str, Any]) -> str:
    trained = card["trained_on"]
    by_database: dict[str, int] = {}
    for database, _ in card["training_subjects"]:
        by_database[database] = by_database.get(database, 0) + 1
    databases = ", ".join(f"{NAMES.get(name, name)} ({by_database[name]} subjects)" for name in in_paper_order(by_database))
    classes = ", ".join(f"{count} {name}" for name, count in trained["classes"].items())
    origin = (
        "ready-made public flow maps (28 x 28, each channel scaled by its own minimum and maximum)"
        if trained["ready_made_maps"]
        else "flow maps made from the databases' frames by `ahmsa-data prepare`"
    )
    return (
        "## Trained on\n\n"
        f"{trained['samples']} {origin} of {len(card['training_subjects'])} subjects: {databases}; {classes}. These databases "
        "are licensed for academic research. No image and no map of them is part of this project; the subjects' keys are in "
        "the checkpoint, so that `ahmsa-evaluate` can warn when it is judged on faces that it has met."
    )


def _figures(checkpoint: Checkpoint, figures: Mapping[str, Any]) -> str:
    edges = figures["interval_95"]
    together, together_edges = figures["all_seeds_together"], figures["all_seeds_together_interval_95"]
    seeds = len(checkpoint.card["seeds"])
    rows = [
        ["mean of the seeds", *_scores(figures, edges, suffix="_mean_of_seeds")],
        ["all networks together", *_scores(together, together_edges)],
        *(
            [NAMES.get(name, name), *(f"{figures['databases'][name][what]:.3f}" for what in ("uf1", "uar", "accuracy"))]
            for name in in_paper_order(figures["databases"])
        ),
    ]
    lines = [["", "UF1", "UAR", "accuracy"], ["---"] * 4, *rows]
    table = "\n".join("| " + " | ".join(line) + " |" for line in lines)
    return (
        "## Figures\n\n"
        "Leave one subject out over all training subjects, a fixed number of epochs, the last epoch answers: no epoch and no "
        f"threshold was chosen on a test subject. {seeds} seed{'s' if seeds > 1 else ''}; 95 % intervals from resampling "
        f"subjects; databases are means of the seeds.\n\n{table}\n\n"
        f"Expected calibration error, each subject under the temperature of others: {figures['calibration_error']:.3f}.\n\n"
        "The exported networks themselves were fitted to every subject named above; nobody was left to measure them on. The "
        "recipe was also searched on these subjects, so expect somewhat less on new faces. Published figures of this lineage "
        "(UF1 .80 and more) very likely chose the epoch on the test subject and are no comparison."
    )


def _scores(scores: Mapping[str, Any], edges: Mapping[str, Any], suffix: str = "") -> list[str]:
    return [f"{scores[what + suffix]:.3f} [{edges[what][0]:.3f}, {edges[what][1]:.3f}]" for what in ("uf1", "uar", "accuracy")]


def _listed(numbers: tuple[int, ...]) -> str:
    return "/".join(map(str, numbers))


_JUDGED = {
    "648b10d1e567": """## Judged from outside

On 2026-11-27, by others, on 123 maps of 18 subjects that no network here had seen (SMIC-HS, SAMM and CASME II again): UF1
.729 [.607, .835], UAR .743, expected calibration error .069; SMIC-HS .786, SAMM .562, CASME II .772. The recipe on all 68
subjects of the composite database (442 maps, one seed): last epoch .753 / .761 [.688, .814]. There it is level with STSTNet's
streams (.755 / .764) and not ahead of them; a support vector machine comes to .719 / .720, one on four regions to .756 / .755,
all four together to .766 / .768. The epoch chosen on the test subject would say .822 / .806 (the paper prints .804 / .782). 59
of the maps are wrong for every model."""
}
"""Checkpoint -> what others found, who had data that we had not. Facts with their date: no command here can repeat them."""

_LIMITS = """## Limits

- Laboratory data: seated people, even light, frontal faces, emotions elicited by films, high-speed cameras (100 or 200 fps),
  and labels that human coders gave. Everyday faces, cameras of 30 fps and spontaneous talk are outside of it.
- Few people, most of them young adults, many from one country per database (CASME II: Chinese students; SMIC: students in
  Finland; SAMM: a wider range of ages and ethnicities). No figure per age, sex or skin tone can be given: there are too few
  people for one.
- Three classes. "Negative" joins disgust, anger, fear, sadness, contempt and repression; "others" was left out of training, so
  a movement that is none of the three is still given one of them, or an abstention where confidence is low.
- Onset and apex come from annotations here and from the spotter when live; the live landmarks come from MediaPipe FaceMesh,
  training alignments from dlib or from whoever made the public maps. A wrong onset or apex makes a wrong map.
- A label says what a movement looks like, not what a person feels. The link between the two is disputed in psychology."""

_USE = """## Intended use

Research on micro-expressions: spotting and recognition methods, evaluation protocols, studies with people who agreed to be
recorded and know what for.

Not for: decisions about people (hiring, schooling, credit, insurance, policing, border control, lie detection), covert
observation, medical diagnosis. In the European Union, inferring emotions of people at the workplace or in education is
prohibited by Article 5(1)(f) of the AI Act (Regulation (EU) 2024/1689), except for medical or safety reasons; other emotion
recognition is high-risk under its Annex III and must be made known to the people concerned (Article 50(3))."""

_LICENCE = """## Licence

The code is under Apache-2.0. The weights derive from academic databases whose licences allow research use only: use them for
research. dlib's 68-point landmark predictor, which aligns database clips, was trained on iBUG 300-W, whose licence excludes
commercial use; the live path does not need it."""
