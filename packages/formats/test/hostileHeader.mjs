// Reads one hostile safetensors header: hostileHeader.mjs <kind> <bytes of the header> [maxHeaderBytes]. It prints as JSON what became of it, the CPU time in
// seconds, and by how many bytes the process has grown.
import { readSafetensors } from "../dist/index.js";

const [, , kind, size, maxHeaderBytes] = process.argv;
const length = Number(size);
const file = Buffer.alloc(8 + length, " ");
file.writeBigUInt64LE(BigInt(length), 0);

/** Writes `start`, then `part` as often as there is room, then `end`. */
function fill(start, part, end) {
  let at = 8 + file.write(start, 8);
  const room = file.length - Buffer.byteLength(end);
  if (typeof part === "string") {
    const stop = at + Math.floor((room - at) / Buffer.byteLength(part)) * Buffer.byteLength(part);
    file.fill(part, at, stop);
    at = stop;
  } else for (let i = 0, text; at + (text = part(i)).length <= room; i++) at += file.latin1Write(text, at);
  file.write(end, at);
}
const tensor = (i) => `${i === 0 ? "" : ","}"${i.toString(36)}":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}`;
const headers = {
  "nested lists": () => fill("{", "[", ""),
  "nested objects": () => fill("", '{"a":', ""),
  space: () => fill("{", " ", ""),
  "a name without an end": () => fill('{"', "a", ""),
  "a name of two bytes a character": () => fill('{"é', "a", '":1}'),
  "a name of escapes": () => fill('{"', "\\n", '":1}'),
  "a name of escaped units": () => fill('{"', "\\u00e9", '":1}'),
  "a text of escapes": () => fill('{"__metadata__":{"a":"', "\\n", '"},"b":1}'),
  "texts of metadata": () => fill('{"__metadata__":{"a":""', (i) => `,"${i.toString(36)}_":""`, "}}"),
  "axes of size 0": () => fill('{"x":{"dtype":"U8","shape":[0', ",0", '],"data_offsets":[0,0]}}'),
  "axes of size 1": () => fill('{"x":{"dtype":"U8","shape":[1', ",1", '],"data_offsets":[0,1]}}'),
  "axes of size 2⁶⁴ − 1": () => fill('{"x":{"dtype":"U8","shape":[0', ",18446744073709551615", '],"data_offsets":[0,0]}}'),
  offsets: () => fill('{"x":{"dtype":"U8","shape":[0],"data_offsets":[0', ",0", "]}}"),
  digits: () => fill('{"x":{"dtype":"U8","shape":[', "1", ""),
  "tensors, and a mark too many": () => fill("{", tensor, "}}"),
  "as many tensors as there is room for": () => fill("{", tensor, "}"),
};
headers[kind]();

const before = process.memoryUsage().rss;
const begun = process.cpuUsage();
let outcome;
try {
  outcome = {
    read: readSafetensors(file, maxHeaderBytes === undefined ? {} : { maxHeaderBytes: Number(maxHeaderBytes) }).tensors.size,
  };
} catch (error) {
  const { name, code, message } = error;
  outcome = { name, code, message: message.slice(0, 200), length: message.length };
}
const { user, system } = process.cpuUsage(begun);
const grown = process.resourceUsage().maxRSS * 1024 - before;
console.log(JSON.stringify({ kinds: Object.keys(headers), ...outcome, seconds: (user + system) / 1e6, grown }));
