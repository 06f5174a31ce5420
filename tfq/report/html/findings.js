// The verdict of each profile, its findings by cause, and the rules' texts.

function findingItem(view, finding) {
  const node = nodeOfFinding(view, finding);
  if (!node) return html("li", {}, saying(view, finding));
  const name = finding.operator === null ? node.label : operatorName(view, finding.operator);
  const place = link(name, () => view.select(node, { reveal: true, open: true }));
  return html("li", {}, place, ": ", saying(view, finding));
}

/** The text of a finding's rule, over the page. */
function showRule({ text }) {
  const node = dialog("rule-title", html("div", { class: "text" }, markdown(text)));
  node.querySelector("h5").id = "rule-title";
  node.addEventListener("close", () => node.remove());
  document.body.append(node);
  node.showModal();
}

function group(view, each) {
  const summary = html(
    "span",
    { class: "group" },
    badge(each.severity),
    html("span", { class: "rule" }, each.rule),
    html("span", { class: "title" }, each.title, html("span", { class: "cause" }, each.cause)),
    html("span", { class: "count" }, counted(each.count, "finding")),
  );
  const more = each.count - each.findings.length;
  return disclosure(summary, () => [
    html(
      "ul",
      { class: "findings" },
      each.findings.map((finding) => findingItem(view, finding)),
    ),
    more > 0 ? html("p", { class: "quiet" }, `and ${more.toLocaleString("en-US")} more`) : "",
    each.fix ? html("p", {}, each.fix) : "",
    each.text
      ? disclosure(
          `About rule ${each.rule}`,
          () => html("div", { class: "text" }, markdown(each.text)),
          { "data-once": each.rule },
        )
      : "",
  ]);
}

function share(profile) {
  if (profile.accelerator_share === null) return "";
  const cpu = profile.placement.filter((each) => each.target === "cpu").length;
  const rest = cpu ? `, ${cpu.toLocaleString("en-US")} on the CPU` : "";
  return `; ${percent(profile.accelerator_share)} of the operators on the accelerator${rest}`;
}

function profileVerdict(view, profile) {
  const head = html("h3", {}, profile.name, " ", badge(profile.verdict));
  const title =
    profile.title && profile.title !== profile.name
      ? html("p", { class: "quiet" }, profile.title)
      : null;
  const groups = profile.groups.map((each) => group(view, each));
  const counts = html("p", { class: "counts" }, profile.counts, share(profile));
  return html("article", {}, head, title, counts, ...groups);
}

/** The section of the verdicts; nothing without profiles. */
function verdictSection(view) {
  const { profiles } = view;
  if (!profiles.length) return null;
  return section(
    "verdict",
    "Verdict",
    html(
      "div",
      { class: "profiles" },
      profiles.map((profile) => profileVerdict(view, profile)),
    ),
  );
}

// The rules' texts: headings, paragraphs, lists, code and links, in the Markdown that they use.

const INLINE =
  /`([^`]+)`|\[([^\]]+)\]\((https:\/\/[^\s)]+)\)|(https:\/\/[^\s)>]+)|\*\*([^*]+)\*\*/g;

/** The text of one paragraph, as nodes. */
function inline(text) {
  const nodes = [];
  let done = 0;
  for (const found of text.matchAll(INLINE)) {
    const [whole, code, label, target, address, strong] = found;
    nodes.push(text.slice(done, found.index));
    done = found.index + whole.length;
    if (code) nodes.push(html("code", {}, code));
    else if (strong) nodes.push(html("strong", {}, strong));
    else {
      const href = target ?? address;
      nodes.push(html("a", { href, rel: "noopener noreferrer" }, label ?? address));
    }
  }
  nodes.push(text.slice(done));
  return nodes.filter((node) => node !== "");
}

function block(lines) {
  const [first] = lines;
  const heading = /^(#{1,6}) +(.*)/.exec(first);
  if (heading) return [html("h5", {}, ...inline(heading[2])), ...blocks(lines.slice(1))];
  const item = /^(?:[-*]|\d+\.) +/;
  if (item.test(first)) {
    const items = [];
    for (const line of lines) {
      if (item.test(line)) items.push(line.replace(item, ""));
      else items.push(`${items.pop()} ${line.trim()}`);
    }
    const tag = /^\d/.test(first) ? "ol" : "ul";
    return [html(tag, {}, ...items.map((each) => html("li", {}, ...inline(each))))];
  }
  if (lines.every((line) => line.startsWith("    ")))
    return [html("pre", {}, html("code", {}, lines.map((line) => line.slice(4)).join("\n")))];
  return [html("p", {}, ...inline(lines.join(" ")))];
}

function blocks(lines) {
  const nodes = [];
  let held = [];
  const flush = () => {
    if (held.length) nodes.push(...block(held));
    held = [];
  };
  for (let at = 0; at < lines.length; at++) {
    if (lines[at].startsWith("```")) {
      flush();
      let end = lines.findIndex((line, i) => i > at && line.startsWith("```"));
      end = end < 0 ? lines.length : end;
      nodes.push(html("pre", {}, html("code", {}, lines.slice(at + 1, end).join("\n"))));
      at = end;
    } else if (lines[at].trim()) held.push(lines[at]);
    else flush();
  }
  flush();
  return nodes;
}

/** Markdown as nodes; what it does not know stays as it is written. */
function markdown(text) {
  return blocks(text.split("\n"));
}
