"""A trained recogniser as one file: weights, the settings its maps were made with, and a model card.

The file is a safetensors file (no pickle): tensors named `<member>.<parameter>`, everything else as JSON in its metadata.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor
from torch.func import functional_call, stack_module_state, vmap

from ahmsa.errors import CheckpointError, SettingsError
from ahmsa.files import whole_file
from ahmsa.flow.sequence import PLANES
from ahmsa.model.header import ADVICE, KEY, Header, header_of
from ahmsa.model.net import AhmsaNet, network_input, views
from ahmsa.printable import printable
from ahmsa.settings import FlowSettings, NetSettings
from ahmsa.types import LABELS, FloatArray
from ahmsa.untrusted import foreign

State = Mapping[str, Tensor]


@dataclass(frozen=True)
class Checkpoint:
    """One or more networks of one shape that answer together, and all that must hold where they are used."""

    members: tuple[State, ...]
    """State of every network of the ensemble: parameter name -> tensor, of any float width."""
    net: NetSettings
    flow: FlowSettings = field(default_factory=FlowSettings)
    """How the training maps were made; live maps must be made the same way."""
    crop_px: int = 128
    """Side of the aligned crop the flow was computed on."""
    labels: tuple[str, ...] = LABELS
    """Names of the classes in the order of the outputs."""
    temperature: float = 1.0
    """Calibration: log-probabilities are divided by it before the last softmax."""
    card: Mapping[str, Any] = field(default_factory=dict)
    """Model card: training subjects, protocol, honest figures, settings; JSON values only."""

    def __post_init__(self) -> None:
        if not self.members:
            raise CheckpointError("a checkpoint needs at least one network.")
        if len(self.labels) != self.net.classes:
            raise CheckpointError(f"a checkpoint with {self.net.classes} outputs cannot have the labels {list(self.labels)}.")

    @cached_property
    def id(self) -> str:
        """Twelve hex digits of the SHA-256 of weights and settings: what the stream names as its model."""
        digest = hashlib.sha256(_encode(self))
        for member in self.members:
            for name in sorted(member):
                digest.update(name.encode())
                # As bytes: numpy does not know every float that torch does.
                digest.update(member[name].detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
        return digest.hexdigest()[:12]

    def predict(self, uvs: FloatArray, device: str = "cpu", sequences: FloatArray | None = None) -> FloatArray:
        """Probabilities (n, classes) of (n, 3, h, w) maps scaled to 0-1 per channel.

        Mean over the members (and the mirrored map, where the settings ask for it), then temperature scaling. sequences:
        (n, planes, h, w), for networks whose inputs they are; DataError where those get none.
        """
        if len(uvs) == 0:
            return np.empty((0, self.net.classes), np.float32)
        inputs = torch.from_numpy(network_input(uvs, self.net, sequences)).to(device)
        net, stacked = self._networks(device)
        with torch.inference_mode():
            seen = torch.cat(views(inputs, self.net))
            logits = vmap(lambda own: functional_call(net, own, (seen,)))(stacked)  # (members, views n, classes)
            mean = logits.softmax(dim=-1).reshape(-1, len(uvs), self.net.classes).mean(dim=0)
        return temper(mean.cpu().numpy(), self.temperature)

    def answer_to_nothing(self, device: str = "cpu") -> FloatArray:
        """(1, classes) the answer to a flat map: whether there is one, and how long the first takes."""
        side = self.net.map_px
        sequences = np.zeros((1, PLANES, side, side), np.float32) if self.net.inputs == "sequence" else None
        return self.predict(np.full((1, 3, side, side), 0.5, np.float32), device, sequences)

    def save(self, path: Path) -> None:
        """Write the file at once (temporary name, then rename)."""
        tensors = {
            f"{index}.{name}": value.contiguous() for index, state in enumerate(self.members) for name, value in state.items()
        }
        with whole_file(path) as part:
            save_file(tensors, part, metadata={KEY: _encode(self).decode()})
            part.chmod(0o644)  # safetensors makes it readable for its writer alone

    @staticmethod
    def load(path: Path) -> Checkpoint:
        """Read a file written by `save`; CheckpointError says what is wrong with it otherwise."""
        if not path.is_file():
            raise CheckpointError.missing(path)
        with foreign(path, CheckpointError, ADVICE), safe_open(path, framework="pt") as file:
            metadata = file.metadata()
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 -- not a mapping
        header = header_of(path, metadata)
        try:
            members = _members(tensors, header.members)
            checkpoint = Checkpoint(
                members, header.net, header.flow, header.crop_px, tuple(header.labels), header.temperature, header.card
            )
            _check_shapes(checkpoint)
            _check_answers(checkpoint)
        except (RuntimeError, ValueError, OverflowError, SettingsError, CheckpointError) as error:
            raise CheckpointError(
                f"the weights in {path} do not fit its settings ({printable(error, 200)}); export it again."
            ) from None
        return checkpoint

    @cached_property
    def _networks_by_device(self) -> dict[str, tuple[AhmsaNet, dict[str, Tensor]]]:
        return {}

    def _networks(self, device: str) -> tuple[AhmsaNet, dict[str, Tensor]]:
        """A network and the members' stacked weights: one call for all takes a fifth of the time of one call for each."""
        if device not in self._networks_by_device:
            networks = [AhmsaNet(self.net).to(device).eval() for _ in self.members]
            for network, state in zip(networks, self.members, strict=True):
                network.load_state_dict(dict(state))
            weights = {name: value.detach() for name, value in stack_module_state(networks)[0].items()}
            self._networks_by_device[device] = (networks[0], weights)
        return self._networks_by_device[device]


def shipped() -> Path:
    """The checkpoint that comes with the package: three classes, trained on the composite databases."""
    return Path(__file__).parent / "weights" / "ahmsa-3db.safetensors"


def temper(probabilities: npt.NDArray[np.floating[Any]], temperature: float) -> FloatArray:
    """Probabilities (n, classes) with their logarithm divided by `temperature`; above 1 they become less sure."""
    logits = np.log(np.maximum(probabilities.astype(np.float64), 1e-12)) / temperature
    exponentials = np.exp(logits - logits.max(axis=-1, keepdims=True))
    tempered: FloatArray = (exponentials / exponentials.sum(axis=-1, keepdims=True)).astype(np.float32)
    return tempered


def _encode(checkpoint: Checkpoint) -> bytes:
    header = Header(
        members=len(checkpoint.members),
        net=checkpoint.net,
        flow=checkpoint.flow,
        crop_px=checkpoint.crop_px,
        labels=list(checkpoint.labels),
        temperature=checkpoint.temperature,
        card=dict(checkpoint.card),
    )
    fields = msgspec.to_builtins(header)
    if header.net.inputs == "map":
        del fields["net"]["inputs"]  # as it was written before there was a choice, so that a model keeps its id
    return msgspec.json.encode(fields, order="sorted")


def _members(tensors: State, count: int) -> tuple[dict[str, Tensor], ...]:
    """The networks' states. Raises CheckpointError where there are more or fewer than the header says, or weights that are no
    finite floating-point numbers."""
    found: dict[str, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        member, _, parameter = name.partition(".")
        if not (value.is_floating_point() and bool(torch.isfinite(value.float()).all())):
            raise CheckpointError(f"{name} holds what are no finite numbers")
        found.setdefault(member, {})[parameter] = value
    if found.keys() != {str(index) for index in range(min(count, len(found) + 1))}:
        raise CheckpointError(f"its header names {count} networks, its weights are of {len(found)}")
    return tuple(found[str(index)] for index in range(count))


def _check_answers(checkpoint: Checkpoint) -> None:
    """Weights can be finite, and so large that what they answer is not."""
    if not np.isfinite(checkpoint.answer_to_nothing()).all():
        raise CheckpointError("they answer with what are no numbers")


def _check_shapes(checkpoint: Checkpoint) -> None:
    """Compare with a network that takes no memory: settings that ask for a huge one are found out before it is built."""
    with torch.device("meta"):
        wanted = {name: value.shape for name, value in AhmsaNet(checkpoint.net).state_dict().items()}
    for state in checkpoint.members:
        if wanted != {name: value.shape for name, value in state.items()}:
            name = next(iter(wanted.keys() ^ state.keys()), None)
            raise CheckpointError(
                "the sizes of its tensors are not those of its settings"
                if name is None
                else f"{name} is missing or unknown ({len(wanted)} tensors are expected, {len(state)} are there)"
            )
