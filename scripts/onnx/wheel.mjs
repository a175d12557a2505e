/** Files out of PyPI's wheels: ONNX's backend node tests, and others. */
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";

const require = createRequire(new URL("../../packages/formats/package.json", import.meta.url));
const { ZipReader, Uint8ArrayReader, Uint8ArrayWriter } = require("@zip.js/zip.js");
const folder = "onnx/backend/test/data/node/";

/** The files in a wheel, by their paths. */
export async function entriesOf(wheel) {
  const entries = await new ZipReader(new Uint8ArrayReader(wheel)).getEntries();
  return new Map(entries.map((entry) => [entry.filename, entry]));
}

/** What is in one of them. */
export const bytesOf = (entry) => entry.getData(new Uint8ArrayWriter());

/** A function that gives the files of a case by its name. */
export async function openCases(wheel) {
  const entries = new Map();
  for (const [path, entry] of await entriesOf(await readFile(wheel)))
    if (path.startsWith(folder)) entries.set(path.slice(folder.length), entry);
  const bytes = (name) => bytesOf(entries.get(name));
  const list = async (path) => {
    const files = [];
    for (let i = 0; entries.has(`${path}_${i}.pb`); i++) files.push(await bytes(`${path}_${i}.pb`));
    return files;
  };
  return async (name) => {
    const sets = [];
    for (let i = 0; entries.has(`${name}/test_data_set_${i}/output_0.pb`); i++)
      sets.push({
        inputs: await list(`${name}/test_data_set_${i}/input`),
        outputs: await list(`${name}/test_data_set_${i}/output`),
      });
    return { model: await bytes(`${name}/model.onnx`), sets };
  };
}
