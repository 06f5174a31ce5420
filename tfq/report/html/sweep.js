// What a sweep found: every mode as a row, and size against accuracy.

const SHARES = ["top1", "top5", "agreement", "miou", "map"];

/** Accuracies are shares or errors in the unit of the outputs, by their metric. */
function accuracyText(sweep, value) {
  if (sweep.metric === "sqnr") return ratio(value);
  return SHARES.includes(sweep.metric) ? percent(value, 2) : number(value);
}

function dropText(sweep, value) {
  if (value === null) return NOTHING;
  // Beside decibels it is the relative error of the outputs.
  if (sweep.metric === "sqnr") return percent(value, 2);
  if (!SHARES.includes(sweep.metric)) return number(value);
  return `${Number((value * 100).toFixed(2))} pp`;
}

// What the SQNR is where nothing differs.
const EXACT = 120;

function ratio(value) {
  return value === EXACT ? "exact" : decibels(value);
}

function profileColumn(name) {
  const of = (row) => row.profiles?.[name];
  const sentence = (verdict) =>
    `${counted(verdict.errors, "error")}, ${counted(verdict.warnings, "warning")}; ${percent(verdict.accelerator_share)} on the accelerator`;
  return {
    title: name,
    value: (row) =>
      of(row) && [of(row).verdict === "pass" ? 0 : 1, String(of(row).errors)].join(" "),
    cell: (row) =>
      of(row) ? html("span", { title: sentence(of(row)) }, badge(of(row).verdict)) : NOTHING,
  };
}

function failure(row) {
  const failed = row.status === "failed";
  return [
    failed ? badge("fail", "failed") : "",
    row.error ? html("span", { class: "reason" }, row.error) : "",
  ];
}

function sweepColumns(sweep) {
  const times = (value) =>
    value === null || value === undefined ? NOTHING : `${value.toFixed(2)}×`;
  const recommended = (row) => row.name === sweep.recommended;
  return [
    {
      title: "Name",
      value: (row) => row.name,
      cell: (row) => [
        html("strong", {}, row.name),
        recommended(row) ? badge("chosen", "recommended") : "",
        ...failure(row),
      ],
    },
    measured("Size", "size", bytes),
    measured("Compression", "compression", times),
    measured(sweep.metric === "sqnr" ? "SQNR" : (sweep.metric ?? "accuracy"), "accuracy", (value) => accuracyText(sweep, value)),
    measured(sweep.metric === "sqnr" ? "Relative error" : "Drop", "drop", (value) =>
      dropText(sweep, value),
    ),
    ...(sweep.metric === "sqnr" ? [] : [measured("SQNR", "sqnr", ratio)]),
    measured("Latency", "latency_ms", milliseconds),
    measured("Memory", "peak_memory", bytes),
    measured("Integers", "integer_share", percent),
    ...sweep.profiles.map(profileColumn),
  ];
}

/** The rows that no other row beats both in what they cost and in accuracy, the cheapest first. */
function pareto(rows, cost, higherIsBetter) {
  const better = (a, b) => (higherIsBetter ? a > b : a < b);
  const order = [...rows].sort(
    (a, b) => a[cost] - b[cost] || (better(a.accuracy, b.accuracy) ? -1 : 1),
  );
  const front = [];
  for (const row of order)
    if (!front.length || better(row.accuracy, front.at(-1).accuracy)) front.push(row);
  return front;
}

// A row is out of the plot if it loses this much of the best accuracy and this many times what
// three quarters of the rows lose at most: it would press all others into one line.
const OUT_SHARE = 0.05;
const OUT_TIMES = 5;

function withoutOutliers(rows, higherIsBetter) {
  const values = rows.map((row) => row.accuracy);
  const best = higherIsBetter ? Math.max(...values) : Math.min(...values);
  const lost = (row) => Math.abs(row.accuracy - best);
  const usual = rows.map(lost).sort((a, b) => a - b)[Math.floor((rows.length - 1) * 0.75)];
  const out = (row) => lost(row) > Math.max(OUT_TIMES * usual, OUT_SHARE * Math.abs(best));
  return { kept: rows.filter((row) => !out(row)), left: rows.filter(out) };
}

function leftOut(rows, text) {
  return rows.length
    ? ` Not drawn, far off: ${rows.map((row) => `${row.name} (${text(row.accuracy)})`).join(", ")}.`
    : "";
}

const KINDS = { recommended: "diamond", front: "circle", behind: "square" };

/** A cost against accuracy, with the front that no other row beats. */
function paretoPlot(sweep, cost, { title, label, format, axis }) {
  const known = sweep.rows.filter((row) => row[cost] && typeof row.accuracy === "number");
  if (!known.length) return null;
  const { kept: rows, left } = withoutOutliers(known, sweep.higher_is_better);
  const front = pareto(rows, cost, sweep.higher_is_better);
  const text = (value) => accuracyText(sweep, value);
  const kind = (row) =>
    row.name === sweep.recommended ? "recommended" : front.includes(row) ? "front" : "behind";
  const ranked = Object.keys(KINDS).flatMap((each) => rows.filter((row) => kind(row) === each));
  const marks = (frame) => {
    const place = (row) => [frame.x(row[cost]), frame.y(row.accuracy)];
    const named = ranked.map((row) => ({
      x: place(row)[0],
      y: place(row)[1],
      text: row.name,
      strong: kind(row) !== "behind",
    }));
    const tip = (row) => `${row.name}: ${format(row[cost])}, ${text(row.accuracy)}`;
    const line = front.map(place);
    return [
      polyline(line, { class: "line front" }),
      labels(named, line, frame),
      [...ranked]
        .reverse()
        .map((row) =>
          mark(KINDS[kind(row)], ...place(row), { class: `mark ${kind(row)}` }, tip(row)),
        ),
    ];
  };
  return plot({
    title,
    note: `Further left and ${sweep.higher_is_better ? "up" : "down"} is better; the line joins those that no other beats in both.${leftOut(left, text)}`,
    x: { ...axis(rows.map((row) => row[cost])), label },
    y: {
      ...linear(
        rows.map((row) => row.accuracy),
        { format: text, room: 0.12 },
      ),
      label: sweep.metric,
    },
    keys: [
      ["mark recommended", "diamond", "recommended"],
      ["mark front", "circle", "on the line"],
      ["mark behind", "square", "beaten by another"],
    ],
    marks,
    header: ["Name", label, "Accuracy", "On the line"],
    rows: known.map((row) => [
      row.name,
      format(row[cost]),
      text(row.accuracy),
      front.includes(row) ? "yes" : "no",
    ]),
    height: 400,
  });
}

/** Logarithmic where one way is many times slower than another. */
function timeAxis(values) {
  const many = Math.max(...values) > 8 * Math.min(...values);
  return (many ? logarithmic : linear)(values, { format: round(milliseconds) });
}

function sweepPlots(sweep) {
  const plots = [
    paretoPlot(sweep, "size", {
      title: "Size against accuracy",
      label: "size",
      format: bytes,
      axis: (values) => linear(values, { format: round(bytes), binary: true }),
    }),
    paretoPlot(sweep, "latency_ms", {
      title: "Latency against accuracy",
      label: "latency",
      format: milliseconds,
      axis: timeAxis,
    }),
  ].filter(Boolean);
  return plots.length ? html("div", { class: "plots" }, plots) : null;
}

function measuredText({ machine, data, samples }) {
  const { threads, delegate, cpu } = machine;
  const accuracy = data ? `Accuracy: ${counted(samples, "sample")} of the ${data}. ` : "";
  return `${accuracy}Latency: median of warm runs, ${counted(threads, "thread")}, ${delegate}, ${cpu}. Memory: an estimate from the file.`;
}

/** What would be recommended if each device were the only one, where that differs. */
function alone({ recommended, recommended_by_profile: byProfile }) {
  const other = Object.entries(byProfile ?? {}).filter(([, name]) => name && name !== recommended);
  if (!other.length) return null;
  return html(
    "p",
    { class: "quiet" },
    other.map(([profile, name]) => `For ${profile} alone: ${name}.`).join(" "),
  );
}

/** The section of the sweep; nothing where there was none. */
function sweepSection(sweep) {
  if (!sweep) return null;
  const { recommended, reason } = sweep;
  const head = recommended ? `Recommended: ${recommended}. ` : "No recommendation. ";
  const chosen = html(
    "p",
    { class: `advice ${recommended ? "" : "none"}` },
    html("strong", {}, head),
    `${reason.charAt(0).toUpperCase()}${reason.slice(1)}.`.replace("..", "."),
  );
  const table = sortableTable({
    caption: "The modes of the sweep",
    columns: sweepColumns(sweep),
    rows: sweep.rows,
    rowClass: (row) =>
      row.name === sweep.recommended ? "chosen" : row.status === "failed" ? "failed" : null,
  });
  return section(
    "sweep",
    "Sweep",
    chosen,
    alone(sweep),
    scroller(table.node),
    html("p", { class: "quiet small" }, measuredText(sweep)),
    sweepPlots(sweep),
  );
}
