// The list of movements and markers, newest first, with the faces at onset and apex.

import { GREY, LABELS, UNKNOWN, element, seconds } from "./words.js";

const LISTED = 60;
const list = document.getElementById("movements");
let movements = new Map(); // event id -> {spot, emotion, pair, item}
let markers = [];

export function forget() {
  movements = new Map();
  markers = [];
  list.replaceChildren();
}

export function takeSpot(message) {
  movementOf(message.event_id).spot = message;
  show(message.event_id);
}

export function takeEmotion(message) {
  movementOf(message.event_id).emotion = message;
  show(message.event_id);
}

export function takePair(message) {
  movementOf(message.event_id).pair = message;
  show(message.event_id);
}

export function takeMarker(message) {
  markers.push({ t: seconds(message.t_capture_ns), text: message.text });
  if (markers.length > LISTED) markers.shift();
  const value = message.value === null ? "" : ` = ${message.value}`;
  add(element("li", "marker", `M ${moment(message)}  marker: ${message.text}${value} (${message.source})`));
}

// What the chart draws.
export function drawn(source) {
  const ofSource = [...movements.values()].filter((one) => (one.emotion ?? one.spot)?.source === source);
  const events = ofSource.map((one) => {
    const message = one.emotion ?? one.spot;
    const { sign, colour } = signOf(one);
    const offset = message.offset_t_ns === null ? null : seconds(message.offset_t_ns);
    return { onset: seconds(message.onset.t_ns), apex: seconds(message.apex.t_ns), offset, sign, colour, back: isBack(one) };
  });
  return [events, markers];
}

function movementOf(id) {
  if (!movements.has(id)) {
    const item = element("li");
    item.dataset.event = id;
    movements.set(id, { item });
    add(item);
    while (movements.size > LISTED) {
      const [oldest, one] = movements.entries().next().value;
      one.item.remove();
      movements.delete(oldest);
    }
  }
  return movements.get(id);
}

function add(item) {
  list.prepend(item);
  while (list.children.length > 2 * LISTED) list.lastChild.remove();
}

function isBack(one) {
  return one.spot?.phase === "retracted";
}

function signOf(one) {
  if (isBack(one)) return { sign: "×", colour: GREY };
  if (!one.emotion) return { sign: "·", colour: "#ffffff" };
  return LABELS[one.emotion.label] ?? UNKNOWN;
}

function words(one) {
  if (isBack(one)) return `retracted: ${one.spot.reason}`;
  if (!one.emotion) return `${one.spot?.phase ?? "seen"} …`;
  return one.emotion.label ?? `no label: ${one.emotion.abstained}`;
}

function show(id) {
  const one = movements.get(id);
  const message = one.emotion ?? one.spot;
  const { sign, colour } = signOf(one);
  const pair = element("span", "pair");
  for (const [name, jpeg] of [["onset", one.pair?.onset_jpeg], ["apex", one.pair?.apex_jpeg]]) {
    if (!jpeg) continue;
    const picture = element("img");
    picture.src = `data:image/jpeg;base64,${jpeg}`;
    picture.alt = picture.title = `the face at the ${name}`;
    pair.append(picture);
  }
  const what = element("span", isBack(one) ? "back" : "what", `${sign} ${words(one)}`);
  what.style.color = colour;
  one.item.replaceChildren(pair, what);
  if (!message) return;
  const riseMs = (message.apex.t_ns - message.onset.t_ns) / 1e6;
  const figures = [`${message.source} ${moment(message.apex, message.t_capture_ns)}`, `rise ${riseMs.toFixed(0)} ms`];
  if (one.emotion) {
    figures.push(`amplitude ${one.emotion.amplitude_px.toFixed(2)} px`);
    const total = one.emotion.latency_ms.total;
    if (total !== undefined) figures.push(`${total.toFixed(0)} ms after the apex`);
    if (!one.emotion.calibrated) figures.push("probabilities not calibrated");
  }
  one.item.append(element("span", "figures", figures.join(", ")));
  if (one.emotion && !isBack(one)) one.item.append(bars(one.emotion.probabilities));
}

function bars(probabilities) {
  const grid = element("span", "bars");
  for (const [label, value] of Object.entries(probabilities)) {
    const { sign, colour } = LABELS[label] ?? UNKNOWN;
    const bar = element("i");
    bar.style.width = `${(100 * value).toFixed(1)}%`;
    bar.style.background = colour;
    const cell = element("span");
    cell.append(bar);
    grid.append(element("span", "", `${sign} ${label}`), cell, element("span", "", value.toFixed(2)));
  }
  return grid;
}

function moment(timed, otherwiseNs) {
  const s = timed.session_s ?? seconds(timed.t_ns ?? timed.t_capture_ns ?? otherwiseNs);
  return `${s.toFixed(2)} s`;
}
