// The verdict of each profile, and its findings by cause.

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
