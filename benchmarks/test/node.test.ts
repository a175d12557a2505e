import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { findNode } from "../src/node.js";
import { BadOption } from "../src/options.js";

const own = process.versions.node.split(".")[0]!;

test("this one, by either name, and a binary's path", () => {
  expect(findNode("current")).toEqual({ path: process.execPath });
  expect(findNode(own, "no-such-command")).toEqual({ path: process.execPath });
  expect(findNode(process.execPath)).toEqual({ path: process.execPath });
  expect(() => findNode("/no/such/node")).toThrow(BadOption);
  expect(() => findNode("latest")).toThrow('there is no "latest"');
});

test("another version comes from the registry; where it cannot, this one is taken and that is said", () => {
  const folder = mkdtempSync(join(tmpdir(), "ermine-npx-"));
  try {
    const npx = join(folder, "npx");
    writeFileSync(npx, `#!/bin/sh\n[ "$2" = --package=node@7 ] && echo ${npx}\n`);
    chmodSync(npx, 0o755);
    expect(findNode("7", npx)).toEqual({ path: npx });
    expect(findNode("8", npx).path).toBe(process.execPath);
    expect(findNode("8", npx).note).toBe(
      `Node 8 could not be fetched from the package registry: this is Node ${process.versions.node}.`,
    );
    expect(findNode("8", join(folder, "none")).note).toContain("could not be fetched");
  } finally {
    rmSync(folder, { recursive: true });
  }
});
