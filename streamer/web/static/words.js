// Names, signs and colours that every part of the page shares (Okabe and Ito's colours; a sign says the same without any).

export const ORANGE = "#E69F00", SKY = "#56B4E9", GREEN = "#009E73", VERMILLION = "#D55E00", GREY = "#777777";

export const LABELS = {
  negative: { colour: VERMILLION, sign: "-" },
  positive: { colour: GREEN, sign: "+" },
  surprise: { colour: SKY, sign: "!" },
};
export const UNKNOWN = { colour: GREY, sign: "?" };

// Row of the chart -> what the names of its regions contain, one or the other.
export const ROWS = { brows: ["brow", "glabella"], nose: ["nose"], mouth: ["lip", "fold", "cheek"] };

export function seconds(nanoseconds) {
  return nanoseconds / 1e9;
}

export function clock(s) {
  const whole = Math.max(0, Math.floor(s));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

export function counts(counted) {
  const parts = Object.entries(counted ?? {}).map(([name, count]) => `${name} ${count}`);
  return parts.length ? parts.join(", ") : "none";
}

// An element with a class and a text; text is never read as HTML.
export function element(name, className, text) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}
