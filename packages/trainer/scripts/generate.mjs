// Makes src/generated: the source of the worker that writes checkpoints in a browser, as text.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";

const main = "src/checkpoint/slots/workerMain.ts";
const file = fileURLToPath(new URL("../src/generated/writer.ts", import.meta.url));
const bundle = await rolldown({
  input: fileURLToPath(new URL(`../${main}`, import.meta.url)),
  platform: "neutral",
  transform: { target: "es2022" },
});
const { output } = await bundle.generate({ format: "iife", minify: true });
await bundle.close();
const text = `/* Made by scripts/generate.mjs. */\n/** ${main} as a script. */\nexport const writerSource = ${JSON.stringify(output[0].code.trim())};\n`;
mkdirSync(dirname(file), { recursive: true });
// Where it is the same, what depends on it by time is not made again.
if (!existsSync(file) || readFileSync(file, "utf8") !== text) writeFileSync(file, text);
