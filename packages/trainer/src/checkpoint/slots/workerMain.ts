/**
 * Main module of the worker that writes slots off the training thread. The build makes text of this file (scripts/generate.mjs), because a file of its
 * own would need an address: bundlers for pages find it in some formats only, and a page's bundle that is one script has none.
 */
import { writeRecord } from "./database.js";
import { canWriteFiles, writeOriginFile } from "./originFiles.js";
import type { WriterReply, WriterRequest } from "./writer.js";

interface WorkerScope {
  onmessage: (event: { readonly data: WriterRequest }) => void;
  postMessage(reply: WriterReply): void;
}

const scope = globalThis as unknown as WorkerScope;

scope.onmessage = async ({ data: { id, storage, run, slot, header, body } }) => {
  try {
    await (storage === "opfs" ? writeOriginFile : writeRecord)(run, slot, header, body);
    scope.postMessage({ id });
  } catch (error) {
    const { name, message } = error as Error;
    scope.postMessage({ id, error: { name, message } });
  }
};
void canWriteFiles().then((opfs) => scope.postMessage({ opfs }));
