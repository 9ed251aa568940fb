"""A kernel machine as a baseline: principal components of recentred maps and their mirrors, then an RBF SVM.

A network that does not beat it has learnt nothing that a kernel machine had not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np
from sklearn.decomposition import PCA
from sklearn.model_selection import GridSearchCV, StratifiedGroupKFold
from sklearn.pipeline import Pipeline
from sklearn.svm import SVC
from threadpoolctl import threadpool_limits

from ahmsa.errors import SettingsError
from ahmsa.flow.maps import mirror
from ahmsa.types import FloatArray
from configs.training import TrainSettings
from train.map_set import IntArray
from train.models.contract import Advance, Task, TrainingData, evaluation_epochs

COMPONENTS = 64
COSTS = (1.0, 3.0, 10.0, 30.0)
USUAL_COST = 3.0
INNER_SPLITS = 4
_BYTES = 64 * 2**20
"""What a machine and its components take, generously; there is one at a time."""


def fit_svm(inputs: FloatArray, labels: IntArray, owners: IntArray, train: IntArray) -> Pipeline:
    """Fit to the maps at `train`; the SVM's cost is chosen by splits between their subjects, the held-out one unseen.

    inputs: (n, 3, h, w) recentred maps; labels, owners: (n,) class and subject of each.
    """
    maps = np.concatenate([inputs[train], mirror(inputs[train])]).reshape(2 * len(train), -1)
    twice, groups = np.tile(labels[train], 2), np.tile(owners[train], 2)
    subjects_per_class = [len(np.unique(groups[twice == label])) for label in np.unique(twice)]
    splits = min(INNER_SPLITS, *subjects_per_class)
    components = max(1, min(COMPONENTS, len(train) // splits))
    machine = Pipeline(
        [
            ("components", PCA(components, svd_solver="randomized", random_state=0)),
            ("svm", SVC(C=USUAL_COST, class_weight="balanced", gamma="scale", break_ties=True)),
        ]
    )
    with threadpool_limits(1):  # matrices of this size only make threads wait for each other
        if splits < 2:  # some class is known of one subject only: nothing to choose by
            return cast(Pipeline, machine.fit(maps, twice))
        search = GridSearchCV(machine, {"svm__C": COSTS}, scoring="f1_macro", cv=StratifiedGroupKFold(splits))
        return cast(Pipeline, search.fit(maps, twice, groups=groups).best_estimator_)


def svm_probabilities(machine: Pipeline, inputs: FloatArray, classes: int, mirror_average: bool = False) -> FloatArray:
    """(b, classes) from the machine's margins by a softmax; the calibration that all models get puts their scale right.

    mirror_average: answer with the mean of the margins of map and mirror.
    """
    views = [inputs, mirror(inputs)] if mirror_average else [inputs]
    margins = np.mean([machine.decision_function(view.reshape(len(view), -1)) for view in views], axis=0)
    known = machine.classes_
    if margins.ndim == 1:  # two classes: one margin, for the second of them
        margins = np.stack([-margins, margins], axis=1)
    scores = np.full((len(inputs), classes), -np.inf)
    scores[:, known] = margins - margins.max(axis=1, keepdims=True)
    exponentials = np.exp(scores)
    probabilities: FloatArray = (exponentials / exponentials.sum(axis=1, keepdims=True)).astype(np.float32)
    return probabilities


@dataclass(frozen=True)
class SvmModel:
    """The machine as `train.models.contract.Model`. It has no epochs: its one answer stands for all of them."""

    is_random: bool = False
    is_exported: bool = False

    def answers(self, data: TrainingData, task: Task, device: str, advance: Advance) -> list[FloatArray]:
        del device  # always the CPU
        net, found = data.settings.net, []
        if net.inputs != "map":
            raise SettingsError('net: the support vector machine sees maps alone; set net.inputs = "map".')
        for job in task.jobs:
            machine = fit_svm(data.inputs, data.labels, data.owners, job.job.train)
            found.append(svm_probabilities(machine, data.inputs[job.held_out], net.classes, net.mirror_average))
            advance(data.settings.fit.epochs)
        return [np.concatenate(found)] * len(evaluation_epochs(data.settings))

    def bytes_each(self, settings: TrainSettings) -> int:
        del settings
        return _BYTES


SVM = SvmModel()
