// The page: puts its sections together, and keeps the selected operator in the address.

const KEYS = [
  ["/", "search the graph; Enter goes to the next match, Shift+Enter to the one before"],
  ["?", "show these keys"],
  ["+ − 0", "in the graph: zoom in, zoom out, fit the whole graph"],
  [
    "arrows",
    "on the graph: pan; on an operator: follow the edges, left and right to its neighbours",
  ],
  ["Home End", "on an operator: go to the first or the last one"],
  ["Enter", "on an operator: open its details; Escape goes back to it"],
];

/** A part of the page with its own place in the navigation. */
function section(id, title, ...children) {
  return html(
    "section",
    { id, "aria-labelledby": `${id}-title` },
    html("h2", { id: `${id}-title` }, title),
    ...children,
  );
}

function keysDialog() {
  const items = KEYS.map(([keys, text]) =>
    html(
      "div",
      {},
      html("dt", {}, ...keys.split(" ").map((key) => html("kbd", {}, key))),
      html("dd", {}, text),
    ),
  );
  const title = html("h2", { id: "keys-title" }, "Keys");
  return dialog("keys-title", title, html("dl", {}, items));
}

function navigation(sections) {
  const items = sections.map((each) =>
    html("li", {}, html("a", { href: `#${each.id}` }, each.querySelector("h2").textContent)),
  );
  return html("nav", { "aria-label": "Sections" }, html("ul", {}, items));
}

/** What the address says: `#model=1&subgraph=0&op=12`. */
function address() {
  const words = new URLSearchParams(location.hash.slice(1));
  const read = (name) => (/^\d+$/.test(words.get(name) ?? "") ? Number(words.get(name)) : null);
  return { model: read("model") ?? 0, subgraph: read("subgraph") ?? 0, op: read("op") };
}

function remember(model, { subgraph, index }) {
  const parts = [model ? `model=${model}` : "", subgraph ? `subgraph=${subgraph}` : ""];
  // Some viewers forbid it; the page works without.
  try {
    history.replaceState(null, "", `#${[...parts, `op=${index}`].filter(Boolean).join("&")}`);
  } catch {}
}

function listenToPage(keys) {
  document.addEventListener("keydown", (event) => {
    if (
      event.ctrlKey ||
      event.metaKey ||
      event.altKey ||
      event.target.matches("input, select, textarea")
    )
      return;
    const search = document.getElementById("search");
    if (event.key === "/" && search) {
      event.preventDefault();
      search.focus();
    }
    if (event.key === "?" && !document.querySelector("dialog[open]")) keys.showModal();
  });
  onPrint((printed) => (printed ? openForPrint() : closeAfterPrint()));
}

/** The name of the one model; of several the select beside it tells. */
function heading({ title, models }) {
  return models.length > 1 ? "tfq report" : title.replace(/ - tfq report$/, "");
}

function start() {
  const page = unpacked(document.getElementById("data").textContent);
  const top = document.getElementById("top");
  const content = document.getElementById("content");
  const keys = keysDialog();
  document.body.append(keys);
  listenToPage(keys);

  function show(index) {
    const model = page.models[index];
    const view = makeView(model);
    const sections = [
      verdictSection(view),
      sweepSection(page.sweep),
      graphSection(view),
      plotSection(view),
      operatorSection(view),
    ].filter(Boolean);
    const help = html(
      "button",
      { type: "button", class: "quiet", click: () => keys.showModal() },
      "Keys ",
      html("kbd", {}, "?"),
    );
    const choice = modelChoice(page.models, index, show);
    top.replaceChildren(
      html(
        "div",
        { class: "bar" },
        html("h1", { title: page.title }, heading(page)),
        choice,
        navigation(sections),
        help,
      ),
    );
    content.replaceChildren(modelHead(view), ...sections);
    view.start();
    view.onSelect("address", (node) => {
      if (node.kind === "op") remember(index, view.operators.get(node.operator));
    });
    return view;
  }

  const { model, subgraph, op } = address();
  const view = show(model < page.models.length ? model : 0);
  document.getElementById("made").textContent = `Made by tfq ${page.tfq}.`;
  const wanted = [...view.operators.values()].find(
    (each) => each.subgraph === subgraph && each.index === op,
  );
  if (wanted) view.selectOperator(wanted.number);
  if (PRINT.matches) openForPrint();
}

start();
