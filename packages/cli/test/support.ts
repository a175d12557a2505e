/** Tables, folders and commands for tests. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll } from "vitest";
import { ermine } from "../src/ermine.js";

const vega = dirname(dirname(createRequire(import.meta.url).resolve("vega-datasets")));

/** The path of a table that vega-datasets ships. */
export const shipped = (name: string): string => join(vega, "data", name);

/** A folder for a test file's own files, which is removed after its tests. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "ermine-cli-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A line of standard output, where --json was given. */
export interface Event extends Readonly<Record<string, unknown>> {
  readonly event: string;
}

/** What a command gave. */
export interface Ran {
  readonly status: number;
  readonly out: string;
  readonly err: string;
  readonly events: readonly Event[];
}

/** Runs a command as the command line does. */
export async function run(...args: readonly string[]): Promise<Ran> {
  let [out, err] = ["", ""];
  const status = await ermine(args, {
    stdout: { write: (text) => void (out += text) },
    stderr: { write: (text) => void (err += text) },
  });
  const lines = args.includes("--json") ? out.split("\n").filter((line) => line !== "") : [];
  return { status, out, err, events: lines.map((line) => JSON.parse(line) as Event) };
}

/** Rows of objects as CSV. */
export function asCsv(rows: readonly Readonly<Record<string, unknown>>[]): string {
  const names = Object.keys(rows[0]!);
  const field = (value: unknown): string => {
    const text = value === null || value === undefined ? "" : String(value);
    return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return [names, ...rows.map((row) => names.map((name) => row[name]))].map((row) => row.map(field).join(",")).join("\n");
}

/** A JSON table of vega-datasets as rows. */
export const shippedRows = (name: string): Record<string, unknown>[] =>
  JSON.parse(readFileSync(shipped(name), "utf8")) as Record<string, unknown>[];

/** Writes a file of the test's folder. */
export function written(folder: string, name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}
