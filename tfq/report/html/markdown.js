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
