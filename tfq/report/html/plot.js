// One way to draw every plot: a figure with a title, axes with units, marks, and its numbers as a
// table for those who do not see it.

/** Round steps of 1, 2 or 5 times a power of ten, about `most` of them between two numbers. */
function ticks(low, high, most = 6) {
  const rough = (high - low) / most || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((each) => each * power).find((each) => each >= rough);
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  // Multiples, not sums: 0.1 + 0.2 is not 0.3.
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, i) =>
    Number(((first + i) * step).toPrecision(12)),
  );
}

/** Even steps from `low` to `high`, widened a little so that no mark stands on the edge. */
function linear(values, { zero = false, room = 0.06, format = number, binary = false } = {}) {
  let low = Math.min(...values, ...(zero ? [0] : []));
  let high = Math.max(...values, ...(zero ? [0] : []));
  if (low === high)
    [low, high] = [low - (Math.abs(low) || 1) / 2, high + (Math.abs(high) || 1) / 2];
  const margin = (high - low) * room;
  if (!zero || low < 0) low -= margin;
  if (!zero || high > 0) high += margin;
  const at = (value) => (value - low) / (high - low);
  // Bytes are counted in powers of 1024, so 1 MiB is a round number, and 1,000,000 is not.
  const unit = binary ? 1024 ** Math.max(0, Math.floor(Math.log2(high) / 10)) : 1;
  return { at, ticks: ticks(low / unit, high / unit).map((tick) => tick * unit), format };
}

/** Powers of ten are evenly spaced. */
function logarithmic(values, { format = number } = {}) {
  const low = Math.log10(Math.min(...values)) - 0.05;
  const high = Math.log10(Math.max(...values)) + 0.05;
  const marks = [];
  for (let power = Math.floor(low); power <= high; power++)
    for (const step of high - low > 3 ? [1] : [1, 2, 5])
      if (Math.log10(step) + power >= low && Math.log10(step) + power <= high)
        marks.push(Number(`${step}e${power}`));
  return { at: (value) => (Math.log10(value) - low) / (high - low || 1), ticks: marks, format };
}

/** A place for each name. */
function named(names) {
  const at = (name) => (names.indexOf(name) + 0.5) / names.length;
  return { at, ticks: names, format: String, band: 1 / names.length };
}

// About the widths of a letter and of a bold one or a capital, at the size of the texts in plots.
const LETTER = 6.4;
const WIDE_LETTER = 7.4;

function horizontalAxis(axis, label, frame) {
  const { left, width, bottom } = frame;
  const parts = axis.ticks.map((tick) => {
    const x = left + axis.at(tick) * width;
    return [
      svg("line", { class: "grid", x1: x, x2: x, y1: frame.top, y2: bottom }),
      svg("text", { x, y: bottom + 16, class: "tick middle" }, axis.format(tick)),
    ];
  });
  const middle = left + width / 2;
  return [parts, svg("text", { x: middle, y: bottom + 36, class: "label middle" }, label)];
}

function verticalAxis(axis, label, frame) {
  const { left, top, height, bottom } = frame;
  const parts = axis.ticks.map((tick) => {
    const y = bottom - axis.at(tick) * height;
    const line = { class: "grid", x1: left, x2: left + frame.width, y1: y, y2: y };
    const text = { x: left - 7, y: y + 4, class: "tick end" };
    return [axis.band ? null : svg("line", line), svg("text", text, axis.format(tick))];
  });
  const head = svg("text", { x: axis.band ? left : 4, y: top - 12, class: "label" }, label);
  return [parts.flat(), label ? head : []];
}

/** Draw a plot.
 *
 * `x` and `y` are axes, of `linear` and its like, with a `label`; `marks(frame)` gives what is
 * drawn inside, where `frame.x(value)` and `frame.y(value)` are places; `header` and `rows` are its
 * numbers.
 */
function plot({ title, note, x, y, marks, header, rows, keys = [], width = 620, height = 300 }) {
  const longest = Math.max(...y.ticks.map((tick) => y.format(tick).length), 3);
  const left = Math.min(longest * (y.band ? WIDE_LETTER : LETTER) + 16, width * 0.4);
  const top = y.label ? 30 : 8;
  const frame = { left, top, width: width - left - 16, height: height - top - 46 };
  frame.bottom = frame.top + frame.height;
  frame.x = (value) => frame.left + x.at(value) * frame.width;
  frame.y = (value) => frame.bottom - y.at(value) * frame.height;
  const ground = {
    class: "axis",
    x1: left,
    x2: left + frame.width,
    y1: frame.bottom,
    y2: frame.bottom,
  };
  const drawing = svg(
    "svg",
    {
      viewBox: `0 0 ${width} ${height}`,
      width,
      role: "img",
      class: "plot",
      "aria-label": `${title}. ${note ?? ""}`,
    },
    horizontalAxis(x, x.label, frame).flat(2),
    verticalAxis(y, y.label, frame).flat(2),
    svg("line", ground),
    marks(frame).flat(3),
  );
  return html(
    "figure",
    {},
    html("figcaption", {}, html("strong", {}, title), note ? html("span", {}, note) : null),
    keys.length ? key(keys) : null,
    drawing,
    header ? disclosure("Numbers", () => scroller(plainTable(title, header, rows))) : null,
  );
}

/** What the marks mean: `[[class of the mark, shape, text], …]`. */
function key(entries) {
  const items = entries.map(([kind, form, text]) =>
    html(
      "li",
      {},
      svg(
        "svg",
        { viewBox: "0 0 22 12", class: "swatch", "aria-hidden": "true" },
        mark(form, 11, 6, { class: kind }),
      ),
      text,
    ),
  );
  return html("ul", { class: "key" }, items);
}

/** A mark; each series has its own shape, not only its colour. */
function mark(form, x, y, attributes, tip) {
  const title = tip ? svg("title", {}, tip) : null;
  if (form === "line") return svg("line", { x1: x - 10, x2: x + 10, y1: y, y2: y, ...attributes });
  if (form === "square")
    return svg("rect", { x: x - 3.5, y: y - 3.5, width: 7, height: 7, ...attributes }, title);
  if (form === "diamond")
    return svg("path", { d: `M${x} ${y - 6}l6 6-6 6-6-6z`, ...attributes }, title);
  return svg("circle", { cx: x, cy: y, r: 4, ...attributes }, title);
}

/** A line through points; a gap where a point is null. */
function polyline(points, attributes) {
  let pen = "M";
  const steps = points.map((point) => {
    if (!point) {
      pen = "M";
      return "";
    }
    const step = `${pen}${point[0].toFixed(1)} ${point[1].toFixed(1)}`;
    pen = "L";
    return step;
  });
  return svg("path", { d: steps.join(""), fill: "none", ...attributes });
}

/** Places along a line that labels keep off. */
function along(from, to) {
  const steps = Math.ceil(Math.hypot(to[0] - from[0], to[1] - from[1]) / 8);
  return Array.from({ length: steps }, (_, i) =>
    [0, 1].map((axis) => from[axis] + ((to[axis] - from[axis]) * i) / steps),
  );
}

const LINE = 14; // the height of a line of labels

/** Where a label may stand: beside its point, or some lines above or below it. */
function places({ x, y, strong }, long) {
  const lines = strong ? [0, -1, 1, -2, 2, -3, 3, -4, 4, -5, 5] : [0, -1, 1, -2, 2];
  return lines.flatMap((line) => {
    const gap = line ? 16 : 9;
    const top = y - 6 + line * LINE;
    return [
      [x + gap, top, line],
      [x - gap - long, top, line],
    ];
  });
}

function overlap(a, b) {
  return a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];
}

/** Labels near points, each where it covers neither another nor the line, with a stroke to a point
 * that is not beside it. One that finds no room is left out: it is in the table. */
function labels(points, line, frame) {
  const spots = line.slice(1).flatMap((point, i) => along(line[i], point));
  const taken = [
    ...points.map(({ x, y }) => [x - 5, y - 5, x + 5, y + 5]),
    ...spots.map(([x, y]) => [x - 1, y - 1, x + 1, y + 1]),
  ];
  const room = [frame.left + 2, frame.top - 14, frame.left + frame.width + 14, frame.bottom];
  const inside = (box) =>
    box[0] >= room[0] && box[1] >= room[1] && box[2] <= room[2] && box[3] <= room[3];
  return points.map((point) => {
    const long = point.text.length * (point.strong ? WIDE_LETTER : LETTER);
    const box = ([left, top]) => [left, top, left + long, top + LINE - 1];
    const place = places(point, long).find(
      (each) => inside(box(each)) && !taken.some((other) => overlap(box(each), other)),
    );
    if (!place) return [];
    taken.push(box(place));
    const [left, top, lines] = place;
    const end = left > point.x ? left - 2 : left + long + 2;
    const stroke = { class: "leader", x1: point.x, y1: point.y, x2: end, y2: top + 6 };
    const kind = point.strong ? "name strong" : "name";
    return [
      lines ? svg("line", stroke) : null,
      svg("text", { x: left, y: top + 10, class: kind }, point.text),
    ];
  });
}
