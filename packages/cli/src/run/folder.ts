/** The folder of a run: each file in it is there whole, or not at all. */
import { existsSync } from "node:fs";
import { mkdir, open, readFile, rename, rm } from "node:fs/promises";
import { basename, dirname, extname, join } from "node:path";
import { ErmineError } from "@ermine/core";

/** What a run leaves. */
export class RunFolder {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /** A new folder. @throws ErmineError ERMINE_FILE where it is there and holds a run, or cannot be made */
  static async create(path: string): Promise<RunFolder> {
    const folder = new RunFolder(path);
    if (existsSync(folder.at("config.json")))
      throw new ErmineError(
        "ERMINE_FILE",
        `${path} holds a run. To go on with it: ermine train --resume ${path}. To begin another, take another folder.`,
      );
    await attempt(path, () => mkdir(path, { recursive: true }));
    return folder;
  }

  /** The path of a file in it. */
  at(...parts: readonly string[]): string {
    return join(this.path, ...parts);
  }

  has(name: string): boolean {
    return existsSync(this.at(name));
  }

  /** Writes a file, whole or not at all. @throws ErmineError ERMINE_FILE where it cannot be written */
  async write(name: string, content: string | Uint8Array): Promise<void> {
    await writeWhole(this.at(name), content);
  }

  /** @param value what becomes JSON */
  async writeJson(name: string, value: unknown): Promise<void> {
    await this.write(name, `${JSON.stringify(value, undefined, 2)}\n`);
  }

  /** The value of a JSON file of it. @throws ErmineError ERMINE_FILE where it cannot be read */
  async readJson(name: string): Promise<unknown> {
    const path = this.at(name);
    const text = await readFile(path, "utf8").catch((error: unknown) => {
      throw new ErmineError(
        "ERMINE_FILE",
        `${this.path} is no folder of a run: ${path} cannot be read (${(error as Error).message}).`,
        {
          cause: error,
        },
      );
    });
    try {
      return JSON.parse(text) as unknown;
    } catch (error) {
      throw new ErmineError("ERMINE_FILE", `${path} is damaged: ${(error as Error).message}.`, { cause: error });
    }
  }
}

/** Writes a file next to its place and renames it. @throws ErmineError ERMINE_FILE where it cannot be written */
export async function writeWhole(path: string, content: string | Uint8Array): Promise<void> {
  const partial = `${path}.${process.pid}.partial`;
  await attempt(path, async () => {
    await mkdir(dirname(path), { recursive: true });
    try {
      const handle = await open(partial, "w");
      try {
        await handle.writeFile(content);
        await handle.sync();
      } finally {
        await handle.close();
      }
      await rename(partial, path);
    } catch (error) {
      await rm(partial, { force: true });
      throw error;
    }
  });
}

async function attempt(path: string, act: () => Promise<unknown>): Promise<void> {
  try {
    await act();
  } catch (error) {
    if (typeof (error as { readonly code?: unknown }).code !== "string") throw error;
    throw new ErmineError("ERMINE_FILE", `${path} cannot be written: ${(error as Error).message}.`, { cause: error });
  }
}

/** The first of runs/name-1, runs/name-2, … that is free. */
export function nextRunFolder(data: string): string {
  const name = basename(data, extname(data)).replaceAll(/[^\p{L}\p{N}._-]+/gu, "-") || "table";
  for (let i = 1; ; i++) {
    const path = join("runs", `${name}-${i}`);
    if (!existsSync(path)) return path;
  }
}
