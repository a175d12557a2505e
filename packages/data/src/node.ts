/** `@ermine/data/node`: files of a disk. */
import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import { ErmineError } from "@ermine/core";
import { checkArguments, show } from "@ermine/core/define";
import type { ByteSource, RandomAccess } from "./bytes.js";

export type { ByteSource, RandomAccess } from "./bytes.js";

/**
 * A file of the disk, which is read in parts of 64 KiB.
 *
 * @example
 * await writeFile("small.csv", "name,weight\nmouse,20\nermine,150\n");
 * (await readCsv(file("small.csv"))).values("weight"); // => [20, 150]
 * @throws ErmineError ERMINE_USAGE where it is no path; when it is read, ERMINE_DATA where it cannot be
 */
export function file(path: string | URL): ByteSource {
  if (arguments.length > 1) checkArguments("file", arguments, 1);
  if (typeof path !== "string" && !(path instanceof URL && path.protocol === "file:"))
    throw new ErmineError(
      "ERMINE_USAGE",
      `file takes a path, got ${path instanceof URL ? path.href : show(path)}. Give an address to readCsv itself.`,
    );
  const name = typeof path === "string" ? path : fileURLToPath(path);
  return { name: basename(name), open: () => read(name), access: () => accessTo(name) };
}

async function* read(path: string): AsyncGenerator<Uint8Array> {
  try {
    yield* createReadStream(path) as AsyncIterable<Uint8Array>;
  } catch (error) {
    throw unreadable(path, error);
  }
}

async function accessTo(path: string): Promise<RandomAccess> {
  const refuse = (error: unknown): never => {
    throw unreadable(path, error);
  };
  const handle = await open(path, "r").catch(refuse);
  try {
    const { size } = await handle.stat();
    return {
      size,
      async read(start, end) {
        const bytes = new Uint8Array(end - start);
        let filled = 0;
        while (filled < bytes.length) {
          const { bytesRead } = await handle.read(bytes, filled, bytes.length - filled, start + filled).catch(refuse);
          if (bytesRead === 0) return bytes.subarray(0, filled);
          filled += bytesRead;
        }
        return bytes;
      },
      close: () => handle.close(),
    };
  } catch (error) {
    await handle.close();
    throw unreadable(path, error);
  }
}

/** The system's error in ermine's words; any other as it is. */
function unreadable(path: string, error: unknown): unknown {
  if (typeof (error as { code?: unknown }).code !== "string" || error instanceof ErmineError) return error;
  return new ErmineError("ERMINE_DATA", `${path} cannot be read: ${(error as Error).message}.`, { cause: error });
}
