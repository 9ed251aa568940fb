"""`ahmsa-flow`: look at the flow between two images of a face, or at a stored flow map."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from configs.command import program, run_program, say

if TYPE_CHECKING:
    from ahmsa.settings import FlowSettings
    from ahmsa.types import ByteImage, FacePair

app = program("Optical flow and strain of a movement, as pictures.")


@app.command()
def flow(
    onset: Annotated[Path | None, typer.Argument(help="Image of the face at rest.", show_default=False)] = None,
    apex: Annotated[Path | None, typer.Argument(help="Image of the same face, moved.", show_default=False)] = None,
    out: Annotated[Path, typer.Option("--out", help="Folder for the pictures; it is made where missing.")] = Path("flow"),
    aligned: Annotated[
        bool, typer.Option("--aligned", help="The images are aligned crops of one size already: look for no face.")
    ] = False,
    stored_map: Annotated[
        Path | None,
        typer.Option(
            "--map", help="Picture a stored 28x28 map (R u, G v, B strain) instead of two images.", show_default=False
        ),
    ] = None,
    head_motion: Annotated[
        str, typer.Option(help="Rigid motion to take out of the flow: keep, translation, similarity or mesh.")
    ] = "mesh",
    layout: Annotated[str, typer.Option(help="Layout of the network's map: whole, quad or five.")] = "whole",
    crop_px: Annotated[int, typer.Option("--crop", min=64, max=512, help="Side of the aligned crop, px.")] = 128,
) -> None:
    """Show how a face moved from ONSET to APEX: direction and amount (colours), strain (heat), and what the network sees.

    Both images are cut by one alignment, found on the onset. Writes overview.png, flow.png, strain.png and map.png.

        ahmsa-flow rest.png smile.png --out pictures

        ahmsa-flow crop_001.png crop_012.png --aligned --head-motion keep

        ahmsa-flow --map "datasets/STSNet_whole_norm_u_v_os/006_1_2 .png" --out pictures
    """
    from ahmsa.errors import UsageError

    if stored_map is not None and onset is None:
        _picture_map(stored_map, out)
    elif stored_map is None and onset is not None and apex is not None:
        settings = _settings(head_motion, layout)
        pair = _pair_of_crops(onset, apex) if aligned else _pair_of_faces(onset, apex, crop_px)
        _picture_movement(pair, out, settings)
    else:
        raise UsageError("give two images, ONSET and APEX, or --map FILE; see ahmsa-flow --help")


def _settings(head_motion: str, layout: str) -> FlowSettings:
    import msgspec

    from ahmsa.errors import SettingsError
    from ahmsa.settings import FlowSettings

    try:
        return msgspec.convert({"head_motion": head_motion, "layout": layout}, FlowSettings)
    except msgspec.ValidationError as error:
        raise SettingsError(f"{error}; see ahmsa-flow --help") from None


def _picture_movement(pair: FacePair, out: Path, settings: FlowSettings) -> None:
    from ahmsa.flow.maker import FlowMaker
    from ahmsa.flow.pictures import enlarged, flow_picture, map_sheet, movement_sheet, strain_picture, write_png
    from ahmsa.flow.strain import strain_magnitude

    maker = FlowMaker(settings)
    (seen,) = maker.maps([pair])
    onset, apex = pair.onset.pixels, pair.apex.pixels
    moved = maker.movements([pair])[0]
    strain = strain_magnitude(moved)
    for name, picture in (
        ("overview", movement_sheet(onset, apex, moved, strain)),
        ("flow", enlarged(flow_picture(moved), 4)),
        ("strain", enlarged(strain_picture(strain), 4)),
        ("map", map_sheet(seen.uvs)),
    ):
        write_png(out / f"{name}.png", picture)
    say(
        f"peak {seen.peak_px:.2f} px, mean {seen.mean_px:.2f} px, strain peak {seen.strain_peak:.3f}; "
        f"look at {out / 'overview.png'}"
    )
    if seen.fallback and settings.layout != "whole":
        say("note: no landmarks on the apex; the regions lie where they do on the canonical face", err=True)


def _picture_map(path: Path, out: Path) -> None:
    from ahmsa.flow.pictures import map_sheet, write_png
    from ahmsa.images.read import read_image

    stored = read_image(path)
    name = f"{path.stem.strip()}_map.png"
    write_png(out / name, map_sheet((stored[..., ::-1] / 255.0).transpose(2, 0, 1).astype("float32")))
    say(f"look at {out / name}")


def _pair_of_crops(onset: Path, apex: Path) -> FacePair:
    """Crops as they are; they must be square and of one size."""
    import cv2
    import numpy as np

    from ahmsa.errors import DataError
    from ahmsa.images.read import read_image

    first, second = (cv2.cvtColor(read_image(path), cv2.COLOR_BGR2GRAY).astype(np.uint8) for path in (onset, apex))
    if first.shape != second.shape or first.shape[0] != first.shape[1]:
        raise DataError(
            f"{onset} ({first.shape[1]} x {first.shape[0]}) and {apex} ({second.shape[1]} x {second.shape[0]}) are not square "
            "crops of one size; leave out --aligned to have the faces aligned"
        )
    return _crop_pair(first, second)


def _pair_of_faces(onset: Path, apex: Path, crop_px: int) -> FacePair:
    from ahmsa.images.read import read_image
    from ahmsa.model.pair import face_pair

    return face_pair(read_image(onset), read_image(apex), crop_px)


def _crop_pair(onset: ByteImage, apex: ByteImage) -> FacePair:
    import numpy as np

    from ahmsa.types import AlignedFace, FacePair, FaceQuality

    quality = FaceQuality(interocular_px=0.0, yaw_deg=0.0, luma=float(onset.mean()), sharpness=0.0)
    nowhere = np.zeros((0, 2), np.float32)
    faces = [AlignedFace(i, 0, 0, pixels, nowhere, quality, np.eye(2, 3)) for i, pixels in enumerate((onset, apex))]
    return FacePair(faces[0], faces[1])


def main() -> None:
    """Entry point of `ahmsa-flow`."""
    run_program(app)
