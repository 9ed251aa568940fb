"""A process of its own that plays network cameras: MJPEG over HTTP on the loopback, pictures encoded once, 30 a second.

`python -m benchmarks.camera_server PORT FACES` prints `ready`, and serves any number of clients from the first picture on.
"""

from __future__ import annotations

import socket
import sys
import threading
import time

import cv2
import numpy as np

from ahmsa.synth import clip_of, event

HZ = 30.0
_SECONDS = 12.0
_QUALITY = 90


def pictures(faces: int) -> list[bytes]:
    """JPEGs of a clip with a movement every three seconds; several faces are shown side by side."""
    coded = []
    events = [event("positive", at_s, 2.0) for at_s in (2.5, 5.5, 8.5, 11.0)]
    for frame in clip_of(events, duration_s=_SECONDS, seed=3):
        row = np.concatenate([frame.image] * min(faces, 2), axis=1)
        picture = np.concatenate([row] * (2 if faces > 2 else 1), axis=0)
        if faces == 3:
            picture[picture.shape[0] // 2 :, picture.shape[1] // 2 :] = 127
        coded.append(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1].tobytes())
    return coded


def main(port: int, faces: int) -> None:
    coded = pictures(faces)
    listening = socket.create_server(("127.0.0.1", port), backlog=64)
    print("ready", flush=True)
    while True:
        client, _ = listening.accept()
        threading.Thread(target=_serve, args=(client, coded), daemon=True).start()


def _serve(client: socket.socket, coded: list[bytes]) -> None:
    began_s = time.monotonic()
    with client:
        try:
            client.recv(4096)
            client.sendall(b"HTTP/1.0 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=frame\r\n\r\n")
            number = 0
            while True:
                jpeg = coded[number % len(coded)]
                head = b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % len(jpeg)
                client.sendall(head + jpeg + b"\r\n")
                number += 1
                time.sleep(max(0.0, began_s + number / HZ - time.monotonic()))
        except OSError:
            return  # it has gone


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
