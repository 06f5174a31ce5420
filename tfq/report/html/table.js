// Tables: plain ones, and ones that can be sorted and filtered.

/** A table of texts. */
function plainTable(caption, header, rows) {
  return html(
    "table",
    {},
    html("caption", { class: "unseen" }, caption),
    html("thead", {}, html("tr", {}, ...header.map((text) => html("th", { scope: "col" }, text)))),
    html(
      "tbody",
      {},
      ...rows.map((row) => html("tr", {}, ...row.map((text) => html("td", {}, text)))),
    ),
  );
}

/** What is wider than the page scrolls, also by keyboard. */
function scroller(table, attributes = {}) {
  return html(
    "div",
    {
      class: "scroller",
      tabindex: "0",
      role: "region",
      "aria-label": table.caption.textContent,
      ...attributes,
    },
    table,
  );
}

/** What is not known comes last in either direction. */
function compare(a, b, sign) {
  const none = (value) => value === null || value === undefined;
  if (none(a) || none(b)) return none(a) - none(b);
  if (typeof a === "string") return sign * a.localeCompare(b, "en", { numeric: true });
  return sign * (a - b);
}

/** A column of numbers; a row without one is sorted as if it had `nothing`. */
function measured(title, field, text, nothing = null) {
  return {
    title,
    number: true,
    value: (row) => row[field] ?? nothing,
    cell: (row) => text(row[field]),
  };
}

/** A table with a button in each header that sorts by this column.
 *
 * A column has `title`, `value(row)` to sort by, and may have `cell(row)` (text or a node to show)
 * and `number` (set to the right). Returns the table's element as `node`; `filter(test)`, which
 * hides rows and says how many are left; and `rows`, which maps each row's data to its element.
 */
function sortableTable({ caption, columns, rows, rowClass = () => null }) {
  const body = html("tbody");
  const made = new Map(rows.map((row) => [row, tableRow(columns, row, rowClass)]));
  body.append(...made.values());
  const heads = columns.map((column, index) => {
    const sign = html("span", { class: "arrow", "aria-hidden": "true" });
    const button = html("button", { type: "button", click: () => sort(index) }, column.title, sign);
    return html("th", { scope: "col", class: column.number ? "number" : null }, button);
  });

  function sort(index) {
    const falling = heads[index].getAttribute("aria-sort") === "ascending";
    for (const head of heads) head.removeAttribute("aria-sort");
    heads[index].setAttribute("aria-sort", falling ? "descending" : "ascending");
    const { value } = columns[index];
    const order = [...made.keys()].sort((a, b) => compare(value(a), value(b), falling ? -1 : 1));
    body.append(...order.map((row) => made.get(row)));
  }

  const node = html(
    "table",
    { class: "sortable" },
    html("caption", { class: "unseen" }, caption),
    html("thead", {}, html("tr", {}, ...heads)),
    body,
  );
  const filter = (test) => {
    let shown = 0;
    for (const [row, element] of made) {
      element.hidden = !test(row);
      shown += !element.hidden;
    }
    return shown;
  };
  return { node, filter, rows: made };
}

function tableRow(columns, row, rowClass) {
  const cells = columns.map((column) => {
    const shown = column.cell ? column.cell(row) : (column.value(row) ?? NOTHING);
    return html("td", { class: column.number ? "number" : null }, ...[shown].flat());
  });
  return html("tr", { class: rowClass(row) }, ...cells);
}
