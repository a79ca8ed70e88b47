// What can be written at a place of scenario.yaml, from the JSON Schema of the format.

const KEY = /^("?)([\w.-]+)\1[ \t]*:(?=\s|$)/;
// No scenario goes deeper; the reader refuses it.
const DEPTH_LIMIT = 24;
// Keys whose values are names of what the same file declares.
const NAMES = { networks: "networks", machine: "machines", on: "machines", from: "networks" };

/** Cuts a line into its indent, its list marks and the rest. */
function cut(line) {
  const marks = [];
  let column = line.length - line.trimStart().length;
  let rest = line.slice(column);
  while (/^- /.test(rest) || rest === "-") {
    marks.push(column);
    const gap = rest.slice(1).length - rest.slice(1).trimStart().length + 1;
    column += gap;
    rest = rest.slice(gap);
  }
  return { marks, column, rest };
}

/** Puts a key or a list mark where it belongs among those around it. */
function place(stack, token) {
  const isKey = token.key !== undefined;
  while (stack.length) {
    const top = stack[stack.length - 1];
    const beside = top.column === token.column;
    // A list may begin right below its key.
    if (top.column < token.column || (beside && !isKey && top.key !== undefined)) break;
    stack.pop();
  }
}

/**
 * Tells where in the document a place is.
 * @returns {{path: (string|number)[], key: string|null, siblings: Record<string, string>}} The
 *   mapping around it, the key whose value is being written if one is, and what stands beside it.
 */
export function placeOf(text, offset) {
  const lines = text.slice(0, offset).split("\n");
  const current = lines.pop();
  const stack = [];
  let block = -1;
  for (const line of lines) {
    if (!line.trim() || line.trimStart().startsWith("#")) continue;
    const { marks, column, rest } = cut(line);
    if (block >= 0 && line.length - line.trimStart().length > block) continue;
    block = -1;
    for (const mark of marks) {
      place(stack, { column: mark });
      stack.push({ column: mark, siblings: {} });
    }
    const found = KEY.exec(rest);
    if (!found) continue;
    place(stack, { column, key: found[2] });
    const around = stack[stack.length - 1]?.siblings ?? (stack.top ??= {});
    around[found[2]] = rest.slice(found[0].length).trim();
    stack.push({ column, key: found[2], siblings: {} });
    if (/:\s*[|>][-+\d]*\s*$/.test(rest)) block = column;
  }
  const { marks, column, rest } = cut(current);
  for (const mark of marks) {
    place(stack, { column: mark });
    stack.push({ column: mark, siblings: {} });
  }
  place(stack, { column, key: "" });
  const path = stack.map((each) => each.key ?? 0);
  const siblings = stack.length ? stack[stack.length - 1].siblings : (stack.top ?? {});
  const found = KEY.exec(rest);
  const isItem = stack.length > 0 && stack[stack.length - 1].key === undefined;
  if (!found) return { item: isItem, ...inFlow(rest, path, null, siblings) };
  return inFlow(rest.slice(found[0].length), path, found[2], siblings);
}

/** Follows braces and brackets on the line, such as `{type: choice, from: [a`. */
function inFlow(rest, path, key, siblings) {
  const around = [{ path, key, siblings, list: false }];
  let word = "";
  let quote = "";
  for (const character of rest) {
    const top = around[around.length - 1];
    if (quote) {
      if (character === quote) quote = "";
      word += character;
    } else if (character === '"' || character === "'") {
      quote = character;
      word += character;
    } else if (around.length > DEPTH_LIMIT) {
      return { path: [], key: "", siblings: {} };
    } else if (character === "{" || character === "[") {
      const below = top.key === null ? top.path : [...top.path, top.key];
      const list = character === "[";
      around.push({ path: top.list ? [...top.path, 0] : below, key: null, siblings: {}, list });
      word = "";
    } else if (character === "}" || character === "]") {
      if (around.length > 1) around.pop();
      word = "";
    } else if (character === "," && around.length > 1) {
      if (top.key !== null) top.siblings[top.key] = word.trim();
      top.key = null;
      word = "";
    } else if (character === ":" && around.length > 1 && !top.list && top.key === null) {
      top.key = word.trim();
      top.siblings[top.key] = "";
      word = "";
    } else word += character;
  }
  const { path: at, key: under, siblings: beside, list } = around[around.length - 1];
  if (list) return { path: [...at, 0], key: null, siblings: {}, item: true };
  return { path: at, key: under, siblings: beside, ...(around.length > 1 ? { item: false } : {}) };
}

/** Follows references and alternatives of a schema down to what says something. */
function alternatives(root, node, depth = 0) {
  if (!node || depth > 12) return [];
  if (node.$ref) {
    const target = node.$ref.split("/").slice(1).reduce((at, part) => at?.[part], root);
    return alternatives(root, target, depth + 1);
  }
  const more = [...(node.anyOf ?? []), ...(node.oneOf ?? []), ...(node.allOf ?? [])];
  return [node, ...more.flatMap((each) => alternatives(root, each, depth + 1))];
}

function below(root, nodes, step) {
  return nodes.flatMap((node) => {
    if (typeof step === "number") {
      return [node.items, ...(node.prefixItems ?? [])].flatMap((each) => alternatives(root, each));
    }
    const named = node.properties?.[step];
    if (named) return alternatives(root, named);
    const patterns = Object.values(node.patternProperties ?? {});
    return [...patterns, node.additionalProperties].flatMap((each) => alternatives(root, each));
  });
}

/** Leaves out alternatives whose `kind` or `type` is another than the one written beside. */
function fitting(root, nodes, siblings) {
  return nodes.filter((node) =>
    ["kind", "type"].every((name) => {
      const wanted = node.properties?.[name]?.const;
      const written = siblings[name];
      return wanted === undefined || !written || wanted === written;
    }),
  );
}

function shown(schema) {
  return (schema?.description ?? "").split("\n\n")[0];
}

function keysOf(root, nodes, siblings) {
  const found = new Map();
  for (const node of nodes) {
    for (const [name, schema] of Object.entries(node.properties ?? {})) {
      if (name in siblings || found.has(name)) continue;
      const required = (node.required ?? []).includes(name);
      found.set(name, {
        label: name,
        type: "property",
        apply: `${name}: `,
        detail: required ? "required" : "",
        info: shown(schema) || shown(alternatives(root, schema).find(shown)) || undefined,
        boost: required ? 2 : 0,
      });
    }
  }
  return [...found.values()];
}

function valuesOf(nodes) {
  const found = new Map();
  for (const node of nodes) {
    const values = [...(node.enum ?? []), ...(node.const === undefined ? [] : [node.const])];
    if (node.type === "boolean") values.push(true, false);
    for (const value of values) {
      found.set(String(value), { label: String(value), type: "enum", info: shown(node) || undefined });
    }
  }
  return [...found.values()];
}

/** Returns the names that the file declares under a key of its first level. */
function declared(text, section) {
  const names = [];
  let inside = false;
  let indent = 0;
  for (const line of text.split("\n")) {
    if (!line.trim() || line.trimStart().startsWith("#")) continue;
    const column = line.length - line.trimStart().length;
    if (column === 0) {
      inside = line.startsWith(`${section}:`);
      indent = 0;
    } else if (inside) {
      indent ||= column;
      const found = column === indent && KEY.exec(line.trimStart());
      if (found) names.push(found[2]);
    }
  }
  return names;
}

/** Returns what can be written at a place, as the editor's completions. */
export function completionsAt(schema, text, offset, images = []) {
  const { path, key, siblings, item } = placeOf(text, offset);
  let nodes = alternatives(schema, schema);
  for (const step of path) nodes = below(schema, nodes, step);
  nodes = fitting(schema, nodes, siblings);
  const last = key ?? path.filter((step) => typeof step === "string").pop();
  const named = key !== null || item ? declared(text, NAMES[last] ?? "") : [];
  const names = named.map((label) => ({ label, type: "variable", detail: NAMES[last], boost: 3 }));
  if (key === "image") return images.map(({ name, description }) => ({ label: name, type: "constant", info: description }));
  if (key !== null) return [...names, ...valuesOf(below(schema, nodes, key))];
  return [...names, ...keysOf(schema, nodes, siblings), ...valuesOf(nodes)];
}
