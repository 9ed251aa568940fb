"""Models by the names that settings use."""

from __future__ import annotations

from importlib import import_module
from typing import cast

from ahmsa.errors import SettingsError
from configs.training import TrainSettings
from train.models.contract import Model

_MODELS = {
    "ahmsa": "train.models.networks:AHMSA_NET",
    "ststnet": "train.models.networks:STSTNET",
    "svm": "train.models.svm:SVM",
}
"""Name -> where the model is; imported when it is used."""


def model_of(settings: TrainSettings) -> Model:
    """The model that the settings name. Raises SettingsError where there is none of that name."""
    module, _, name = _MODELS.get(settings.model, settings.model).partition(":")
    try:
        return cast(Model, getattr(import_module(module), name))
    except (ImportError, AttributeError, ValueError) as error:
        known = ", ".join(_MODELS)
        raise SettingsError(f"no model {settings.model!r} ({error}); use {known}, or module:name of your own") from None
