// Vectors whose lanes are one constant are loaded from memory, those of innermost loops once before the loop. V8 writes a constant vector as three
// instructions (a number into a register, that into a vector, a shuffle), in Node 24 at every use, and cannot join two of them into 256 bits.

/** Addresses that the compiler leaves free for the constants (its --memoryBase is the end). */
export const constantsFrom = 16;
export const constantsTo = 2048;

/** WebAssembly text as nested lists. */
function parse(text) {
  const open = [[]];
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|[()]|;;.*|[^\s()";]+/g)) {
    if (token === "(") open.push([]);
    else if (token === ")") {
      const list = open.pop();
      open.at(-1).push(list);
    } else if (!token.startsWith(";;")) open.at(-1).push(token);
  }
  return open[0][0];
}

const print = (node) => (typeof node === "string" ? node : `(${node.map(print).join(" ")})\n`);

const isLoop = (node) => node[0] === "loop";
const holdsLoop = (node) =>
  Array.isArray(node) && node.some((child) => Array.isArray(child) && (isLoop(child) || holdsLoop(child)));

/** The constant's bits where all lanes have the same; what one instruction makes, all zeros or all ones, stays where it is. */
function lanesOf(node) {
  if (node[0] !== "v128.const" || node[1] !== "i32x4") return undefined;
  const [first, ...others] = node.slice(2);
  const cheap = first === "0x00000000" || first === "0xffffffff";
  return cheap || others.some((lane) => lane !== first) ? undefined : first;
}

/** Calls `found(list, i)` for each list in `node` and below it, inner ones first. */
function each(node, found) {
  node.forEach((child, i) => {
    if (!Array.isArray(child)) return;
    each(child, found);
    found(node, i);
  });
}

/** @returns the module as text, with its constants in memory from `constantsFrom` on */
export function constantsInMemory(text) {
  const module = parse(text);
  const table = [];
  const placeOf = (bits) => (table.includes(bits) ? table.indexOf(bits) : table.push(bits) - 1);
  const load = (place) => ["v128.load32_splat", ["i32.const", `${constantsFrom + 4 * place}`]];
  for (const fn of module.filter(([kind]) => kind === "func")) {
    const locals = new Set();
    each(fn, (parent, i) => {
      const loop = parent[i];
      if (!isLoop(loop) || holdsLoop(loop)) return;
      const loads = new Map();
      each(loop, (list, k) => {
        const bits = lanesOf(list[k]);
        if (bits === undefined) return;
        const place = placeOf(bits);
        const local = `$constant${place}`;
        locals.add(local);
        list[k] = ["local.get", local];
        loads.set(local, ["local.set", local, load(place)]);
      });
      const result = loop.filter((part) => part[0] === "result");
      if (loads.size > 0) parent[i] = ["block", ...result, ...loads.values(), loop];
    });
    each(fn, (list, k) => {
      const bits = lanesOf(list[k]);
      if (bits !== undefined) list[k] = load(placeOf(bits));
    });
    const body = fn.findIndex((part) => Array.isArray(part) && !["type", "param", "result"].includes(part[0]));
    fn.splice(body, 0, ...[...locals].map((local) => ["local", local, "v128"]));
  }
  if (constantsFrom + 4 * table.length > constantsTo)
    throw new Error(`${table.length} vector constants: more than there is room for.`);
  const bytes = Buffer.from(Int32Array.from(table.map(Number)).buffer);
  const data = bytes.toString("hex").replaceAll(/../g, "\\$&");
  return print([...module, ["data", ["i32.const", `${constantsFrom}`], `"${data}"`]]);
}
