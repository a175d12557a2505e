/** webpack as it builds for production: minified, which takes most of the time. */
import { join } from "node:path";
import { expect, inject, it } from "vitest";
import { checkBundle, webpackBundle } from "../src/bundles.js";

it("webpack, production, in one file", async () => {
  const project = inject("project");
  const folder = join(project, "out", "webpack-production");
  const output = { path: folder, filename: "bundle.js" };
  expect(await webpackBundle(project, { mode: "production", entry: join(project, "entry.mjs"), output })).toEqual([]);
  await checkBundle(project, folder, "script", "bundle.js");
});
