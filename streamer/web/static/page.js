// Connects to the program, and again after it was restarted; hands every message to the part of the page that shows it.

import { ADVICE } from "./advice.js";
import * as movements from "./movements.js";
import * as picture from "./picture.js";
import * as signal from "./signal.js";
import { clock, counts, element, seconds } from "./words.js";

const RETRY_MS = 1000;
const token = document.querySelector("meta[name=ahmsa-token]").content;
const at = (id) => document.getElementById(id);
const gates = new Map(); // face -> the spotter's own gate
const statuses = new Map(); // source -> newest status
let session = null;
let shown = null; // the source that is looked at
let startS = null;
let nowS = 0;

const SPOTTER_WORDS = { watching: "watching", open: "a movement is under way", refractory: "pause after a movement" };

const TAKERS = {
  emotion: (message) => noteTime(message) || movements.takeEmotion(message),
  spot: (message) => noteTime(message) || movements.takeSpot(message),
  marker: (message) => movements.takeMarker(message),
  motion: takeMotion,
  status: takeStatus,
};

function connect() {
  const stream = new EventSource(`events?token=${encodeURIComponent(token)}`);
  stream.addEventListener("message", (event) => take(JSON.parse(event.data)));
  stream.addEventListener("preview", (event) => takePreview(JSON.parse(event.data)));
  stream.addEventListener("error", () => {
    state("not connected", "the program has ended or is being restarted; this page waits for it", "offline");
    if (stream.readyState === EventSource.CLOSED) setTimeout(connect, RETRY_MS);
  });
}

function take(message) {
  if (message.session !== session) begin(message.session);
  const kind = message.schema.split(".")[1].split("/")[0];
  if (kind === "status") noteSource(message);
  const isOfShown = message.source === shown;
  if (kind === "motion" || kind === "status") {
    if (!isOfShown) return;
  }
  TAKERS[kind]?.(message); // a kind that this page does not know is passed over
  if (isOfShown) nowS = Math.max(nowS, seconds(message.t_capture_ns));
}

// The session's time, as the messages say it; until one has said it, the time since the first frame is shown.
function noteTime(message) {
  if (message.source === shown && message.apex.session_s !== null) startS = seconds(message.apex.t_ns) - message.apex.session_s;
}

// Several sources: one is looked at, all of them fill the list of movements.
function noteSource(message) {
  shown = shown ?? message.source;
  const isNew = !statuses.has(message.source);
  statuses.set(message.source, message);
  if (isNew) listSources();
}

function listSources() {
  const buttons = [...statuses.keys()].map((name) => {
    const button = element("button", "", name);
    button.setAttribute("aria-pressed", String(name === shown));
    button.addEventListener("click", () => look(name));
    return button;
  });
  at("sources").replaceChildren(...buttons);
  at("sources").hidden = buttons.length < 2;
  at("source").hidden = buttons.length > 1;
}

function look(name) {
  shown = name;
  startS = null;
  nowS = 0;
  gates.clear();
  for (const part of [picture, signal]) part.forget();
  listSources();
  takeStatus(statuses.get(name));
}

function takePreview(message) {
  if (message.kind === "frame") {
    if (message.source === shown) picture.takeFrame(message);
  } else movements.takePair(message);
}

// Another run of the program: its times, faces and event ids have nothing to do with those before.
function begin(id) {
  session = id;
  shown = null;
  statuses.clear();
  listSources();
  document.documentElement.dataset.session = id;
  startS = null;
  nowS = 0;
  gates.clear();
  for (const part of [movements, picture, signal]) part.forget();
}

function takeMotion(message) {
  picture.takeMotion(message);
  signal.takeMotion(message);
  gates.set(message.face_id, message.gate);
}

function takeStatus(message) {
  picture.takeStatus(message);
  at("source").textContent = message.source;
  state(message.state, message.reason ?? "", message.state);
  if (message.session_s !== null) startS = seconds(message.t_capture_ns) - message.session_s;
  else if (startS === null && message.captured) startS = seconds(message.t_capture_ns);
  at("rate").textContent = message.fps ? `${message.fps.toFixed(1)} frames/s` : "";
  const { worker } = message;
  const model = worker.model ? ` (${worker.device}, model ${worker.model.slice(0, 12)})` : "";
  at("recogniser").textContent = `recogniser ${worker.state}${model}`;
  at("recording").hidden = message.recording === "off";
  at("recording").textContent = `REC ${message.recording}`;
  showGates(message);
  showLimits(message);
  showBooks(message);
}

function state(word, reason, className) {
  at("state").textContent = word;
  at("state").title = reason;
  at("state").className = `badge ${className}`;
}

// What can be watched now; where it cannot: how much is measured, how much is needed, and what to do.
function showGates(message) {
  const lines = message.shut.filter((gate) => gate.face_id === null).map(shutLine);
  for (const face of message.faces) {
    const own = message.shut.filter((gate) => gate.face_id === face.face_id);
    if (own.length) lines.push(...own.map(shutLine));
    else if (face.calibration_left_ms !== null) {
      lines.push(element("p", "shut", `face ${face.face_id}: calibrating, sit still: ${(face.calibration_left_ms / 1000).toFixed(1)} s left`));
    } else {
      const gate = gates.get(face.face_id);
      lines.push(element("p", gate ? "shut" : "good", `face ${face.face_id}: ${gate ? `${gate}: ${ADVICE[gate] ?? gate}` : SPOTTER_WORDS[face.spotter] ?? face.spotter}`));
    }
  }
  if (message.state !== "online" && message.reason) lines.unshift(element("p", "shut", message.reason));
  at("gates").replaceChildren(...lines);
}

function shutLine(gate) {
  return element("p", "shut", `▲ ${gate.face_id === null ? "" : `face ${gate.face_id} `}${gate.gate}: ${gate.advice}`);
}

// The smallest movement that would be found now, and how much of the last minute was watched.
function showLimits(message) {
  const lines = [];
  for (const face of message.faces) {
    for (const [half, now] of Object.entries(face.halves)) {
      const who = message.faces.length > 1 ? `face ${face.face_id}, ${half}` : `${half} face`;
      const limit = now.limit_px === null ? "nothing can be found now"
        : `${now.limit_px.toFixed(2)} px, ${now.limit_eye_permille.toFixed(1)} ‰ of the eye distance`;
      const reasons = Object.entries(now.not_watched).map(([gate, share]) => `${gate} ${percent(share)}`).join(", ");
      const watched = `watched ${percent(now.watched)} of the last minute${reasons ? ` (else ${reasons})` : ""}`;
      lines.push(element("dt", "", who), element("dd", now.limit_px === null ? "shut" : "", `${limit}; ${watched}`));
    }
  }
  at("limits").replaceChildren(...(lines.length ? lines : [element("dd", "", "not known yet")]));
}

function percent(share) {
  return `${Math.round(100 * share)} %`;
}

function showBooks(message) {
  const stages = Object.entries(message.stages).map(([name, t]) => `${name} ${t.p50_ms.toFixed(1)}/${t.p95_ms.toFixed(1)}`);
  const rows = {
    frames: `${message.captured} captured = ${message.processed} processed + ${message.waiting} waiting + dropped (${counts(message.dropped)})`,
    "ms per frame, p50/p95": stages.join(", ") || "not known yet",
    "rejected by gates": counts(message.gated),
    "lost between processes": counts(message.edges),
  };
  at("account").replaceChildren(...Object.entries(rows).flatMap(([name, value]) => [element("dt", "", name), element("dd", "", value)]));
}

at("mark").addEventListener("submit", async (event) => {
  event.preventDefault();
  const text = at("marktext").value.trim() || "page";
  at("markbutton").disabled = true;
  try {
    const answer = await fetch(`marker?token=${encodeURIComponent(token)}`, { method: "POST", body: JSON.stringify({ text }) });
    const reply = await answer.json();
    const kept = reply.recorded ? "recorded" : "published (nothing is recorded)";
    at("markanswer").textContent = reply.ok ? `${kept}: ${text} at ${reply.session_s?.toFixed(2) ?? "?"} s` : reply.error;
  } catch {
    at("markanswer").textContent = "no marker was set: the program does not answer";
  }
  at("markbutton").disabled = false;
});

function redraw() {
  signal.draw(...movements.drawn(shown));
  at("elapsed").textContent = startS === null ? "" : clock(nowS - startS);
  requestAnimationFrame(redraw);
}

connect();
redraw();
