// The live picture with face boxes and watched regions.

import { GREY, ORANGE, SKY } from "./words.js";

const canvas = document.getElementById("picture");
const context = canvas.getContext("2d");
const image = new Image();
let header = null;
let motions = new Map();   // face -> newest motion message
let shutFaces = new Map(); // face -> gate

export function takeMotion(message) {
  motions.set(message.face_id, message);
}

export function takeStatus(message) {
  shutFaces = new Map(message.shut.filter((gate) => gate.face_id !== null).map((gate) => [gate.face_id, gate.gate]));
  const present = new Set(message.faces.map((face) => face.face_id));
  for (const face of motions.keys()) if (!present.has(face)) motions.delete(face);
}

export function takeFrame(message) {
  header = message;
  image.src = `data:image/jpeg;base64,${message.jpeg}`;
}

export function forget() {
  header = null;
  motions = new Map();
  context.clearRect(0, 0, canvas.width, canvas.height);
  document.getElementById("nopicture").hidden = false;
}

image.addEventListener("load", () => {
  if (header === null) return;
  document.getElementById("nopicture").hidden = true;
  const height = Math.round((canvas.width * header.height_px) / header.width_px);
  if (canvas.height !== height) canvas.height = height;
  context.drawImage(image, 0, 0, canvas.width, canvas.height);
  for (const face of header.faces) drawFace(face);
});

function drawFace(face) {
  const gate = shutFaces.get(face.face_id);
  context.lineWidth = 2;
  context.setLineDash(gate ? [6, 5] : []);
  context.strokeStyle = gate ? ORANGE : SKY;
  context.beginPath();
  face.box.forEach(([x, y], number) => {
    if (number === 0) context.moveTo(x * canvas.width, y * canvas.height);
    else context.lineTo(x * canvas.width, y * canvas.height);
  });
  context.closePath();
  context.stroke();
  const [x, y] = face.box[0];
  label(gate ? `face ${face.face_id}: ${gate}` : `face ${face.face_id}`, x * canvas.width, y * canvas.height - 6);
  for (const [name, [centreX, centreY]] of Object.entries(face.regions)) drawRegion(face, name, centreX, centreY, gate);
}

function drawRegion(face, name, x, y, gate) {
  const motion = motions.get(face.face_id);
  const sample = motion?.regions[name];
  const isShut = gate !== undefined || regionGate(motion, name) !== null || sample === undefined;
  const isAbove = !isShut && sample.displacement_px >= sample.threshold_px;
  context.setLineDash(isShut ? [3, 3] : []);
  context.strokeStyle = isShut ? GREY : isAbove ? ORANGE : SKY;
  context.beginPath();
  context.arc(x * canvas.width, y * canvas.height, face.radius * canvas.width, 0, 2 * Math.PI);
  if (isAbove) {
    context.fillStyle = `${ORANGE}55`;
    context.fill();
  }
  context.stroke();
}

// The gate that keeps this region from being watched at this moment, or null.
export function regionGate(motion, name) {
  return motion?.regions[name]?.gate ?? null;
}

function label(text, x, y) {
  context.font = "14px sans-serif";
  context.setLineDash([]);
  const width = context.measureText(text).width;
  context.fillStyle = "#000a";
  context.fillRect(x, Math.max(0, y - 14), width + 8, 19);
  context.fillStyle = "#fff";
  context.fillText(text, x + 4, Math.max(14, y));
}
