// What every example of a docstring may rely on: a backend in use, and a seed.
import { pathToFileURL } from "node:url";
import { join } from "node:path";
import { root } from "../run.mjs";

export default async function prelude() {
  const load = (name) => import(pathToFileURL(join(root, "packages", name, "dist", "index.js")).href);
  const { manualSeed, useBackend } = await load("core");
  const { cpu } = await load("backend-cpu");
  manualSeed(0);
  useBackend(await cpu({ threads: 1 }));
}
