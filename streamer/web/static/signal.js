// Three rows of signal against their limits over the last seconds, with movements and markers.

import { GREY, ORANGE, ROWS, SKY, seconds } from "./words.js";
import { regionGate } from "./picture.js";

const HISTORY_S = 20;
const LEFT_PX = 70, RIGHT_PX = 110, AXIS_PX = 24, TOP_PX = 14, GAP_PX = 10;
const MOST_PARTS = 2.5; // height of a row, in units of the limit
const canvas = document.getElementById("signal");
const context = canvas.getContext("2d");
let samples = [];  // {t, rows: {brows: {part, px, limit, gate}, ...}} of the first face
let face = null;
let nowS = 0;
let rejections = []; // {t, gate}: movements that a gate kept from being announced

export function forget() {
  samples = [];
  face = null;
  nowS = 0;
  rejections = [];
}

export function takeMotion(message) {
  if (face === null || !samples.length || seconds(message.t_capture_ns) - nowS > 3) face = message.face_id;
  if (message.face_id !== face) return;
  const t = seconds(message.t_capture_ns);
  if (t < nowS) samples = [];
  nowS = t;
  const rows = {};
  for (const [row, parts] of Object.entries(ROWS)) rows[row] = strongest(message, parts);
  samples.push({ t, rows });
  if (message.rejected) rejections.push({ t, gate: message.rejected });
  while (rejections.length && rejections[0].t < t - HISTORY_S) rejections.shift();
  while (samples.length && samples[0].t < t - HISTORY_S) samples.shift();
}

// Of a row's regions the one nearest to, or farthest past, its limit.
function strongest(message, nameParts) {
  let best = null;
  for (const [name, sample] of Object.entries(message.regions)) {
    if (!nameParts.some((part) => name.includes(part))) continue;
    const part = sample.displacement_px / Math.max(sample.threshold_px, 1e-6);
    const gate = regionGate(message, name);
    if (best === null || part > best.part) best = { part, px: sample.displacement_px, limit: sample.threshold_px, gate };
  }
  return best;
}

// events: {onset, apex, offset (s), sign, colour, back}; markers: {t, text}
export function draw(events, markers) {
  const { width, height } = fitted();
  context.clearRect(0, 0, width, height);
  const rowNames = Object.keys(ROWS);
  const rowHeight = (height - AXIS_PX - TOP_PX - GAP_PX * (rowNames.length - 1)) / rowNames.length;
  const x = (t) => LEFT_PX + ((t - (nowS - HISTORY_S)) / HISTORY_S) * (width - LEFT_PX - RIGHT_PX);
  context.font = "13px sans-serif";
  drawEvents(events, markers, x, height);
  rowNames.forEach((row, number) => {
    const bottom = TOP_PX + number * (rowHeight + GAP_PX) + rowHeight;
    const y = (part) => bottom - (Math.min(part, MOST_PARTS) / MOST_PARTS) * rowHeight;
    drawRow(row, x, y, bottom, width);
  });
  drawAxis(x, width, height);
}

// The canvas has as many pixels as the screen gives it, so that letters keep their size; drawing is in CSS pixels.
function fitted() {
  const width = canvas.clientWidth, height = canvas.clientHeight, scale = window.devicePixelRatio || 1;
  if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
  }
  context.setTransform(scale, 0, 0, scale, 0, 0);
  return { width, height };
}

function drawRow(row, x, y, bottom, width) {
  context.strokeStyle = "#39414a";
  context.lineWidth = 1;
  line([[LEFT_PX, bottom], [width - RIGHT_PX, bottom]]);
  context.strokeStyle = "#cccccc";
  context.setLineDash([4, 4]);
  line([[LEFT_PX, y(1)], [width - RIGHT_PX, y(1)]]);
  context.setLineDash([]);
  context.fillStyle = "#e8e8e8";
  context.textAlign = "left";
  context.fillText(row, 4, bottom - 4);
  context.fillStyle = "#9aa3ad";
  context.fillText("limit", 30, y(1) + 4);
  for (let i = 1; i < samples.length; i++) {
    const before = samples[i - 1], after = samples[i];
    if (before.rows[row] === null || after.rows[row] === null || after.t - before.t > 0.5) continue;
    const { part, gate } = after.rows[row];
    context.strokeStyle = part >= 1 ? ORANGE : gate ? GREY : SKY;
    context.lineWidth = part >= 1 ? 2.5 : 1.5;
    line([[x(before.t), y(before.rows[row].part)], [x(after.t), y(part)]]);
  }
  const newest = samples.at(-1)?.rows[row];
  if (newest) {
    context.fillStyle = newest.part >= 1 ? ORANGE : "#e8e8e8";
    context.fillText(`${newest.px.toFixed(2)} / ${newest.limit.toFixed(2)} px`, width - RIGHT_PX + 8, bottom - 4);
    if (newest.gate) context.fillText(newest.gate, width - RIGHT_PX + 8, bottom - 22);
  }
}

function drawEvents(events, markers, x, height) {
  for (const event of events) {
    if (event.apex < nowS - HISTORY_S || event.apex > nowS + 1) continue;
    const from = Math.max(LEFT_PX, x(event.onset)), to = Math.max(from + 2, x(event.offset ?? event.apex));
    context.fillStyle = `${event.colour}${event.back ? "22" : "44"}`;
    context.fillRect(from, TOP_PX, to - from, height - AXIS_PX - TOP_PX);
    context.fillStyle = event.colour;
    context.textAlign = "center";
    context.fillText(event.sign, x(event.apex), 11);
  }
  for (const { t, gate } of rejections) drawRejection(x(t), gate, height);
  for (const marker of markers) {
    if (marker.t < nowS - HISTORY_S || marker.t > nowS + 1) continue;
    context.strokeStyle = "#ffffff";
    context.lineWidth = 1;
    line([[x(marker.t), TOP_PX], [x(marker.t), height - AXIS_PX]]);
    context.fillStyle = "#ffffff";
    context.textAlign = "center";
    context.fillText("M", x(marker.t), 11);
  }
}

// Beside a crossing of the limit that became no movement: the gate that was in the way.
function drawRejection(x, gate, height) {
  context.fillStyle = ORANGE;
  context.textAlign = "center";
  context.fillText("x", x, 11);
  context.save();
  context.translate(x + 4, height - AXIS_PX - 4);
  context.rotate(-Math.PI / 2);
  context.textAlign = "left";
  context.fillText(gate, 0, 0);
  context.restore();
}

function drawAxis(x, width, height) {
  context.fillStyle = "#9aa3ad";
  context.textAlign = "center";
  for (let behind = HISTORY_S; behind >= 0; behind -= 5) {
    context.fillText(behind ? `-${behind} s` : "now", x(nowS - behind), height - 6);
  }
  if (!samples.length) context.fillText("no signal yet", (LEFT_PX + width - RIGHT_PX) / 2, height / 2);
}

function line(points) {
  context.beginPath();
  points.forEach(([x, y], number) => (number ? context.lineTo(x, y) : context.moveTo(x, y)));
  context.stroke();
}
