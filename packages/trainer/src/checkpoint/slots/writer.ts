/** The worker that writes, seen from the thread that trains. */
import { writerSource } from "../../generated/writer.js";
import type { BuiltinStorage } from "./storage.js";

/** To the worker: a slot to be written. */
export interface WriterRequest {
  readonly id: number;
  readonly storage: BuiltinStorage;
  readonly run: string;
  readonly slot: string;
  readonly header: Uint8Array;
  readonly body: Uint8Array;
}

/** From it: first what it can do, then how each request ended. */
export type WriterReply =
  | { readonly opfs: boolean }
  | { readonly id: number; readonly error?: { readonly name: string; readonly message: string } };

interface Waiting {
  resolve(): void;
  reject(error: Error): void;
}

export class SlotWriter {
  /** undefined where it was refused at once. */
  readonly #worker: Worker | undefined;
  readonly #waiting = new Map<number, Waiting>();
  #next = 0;
  /** Can it write files of the origin? undefined: this place may start no worker of a blob. */
  readonly opfs: Promise<boolean | undefined>;

  constructor() {
    const url = URL.createObjectURL(new Blob([writerSource], { type: "text/javascript" }));
    let worker: Worker;
    try {
      worker = this.#worker = new Worker(url);
    } catch {
      this.opfs = Promise.resolve(undefined);
      return;
    }
    this.opfs = new Promise((resolve) => {
      worker.onmessage = ({ data }: MessageEvent<WriterReply>) => {
        if ("opfs" in data) {
          URL.revokeObjectURL(url);
          resolve(data.opfs);
        } else this.#settle(data.id, data.error);
      };
      worker.onerror = (event) => {
        // It is told here, and needs nobody else.
        event.preventDefault();
        resolve(undefined);
        for (const id of [...this.#waiting.keys()])
          this.#settle(id, { name: "Error", message: `the worker that writes has crashed: ${event.message}` });
      };
    });
  }

  #settle(id: number, error: { readonly name: string; readonly message: string } | undefined): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (error === undefined) waiting?.resolve();
    else waiting?.reject(Object.assign(new Error(error.message), { name: error.name }));
  }

  /** @param body is taken over */
  write(storage: BuiltinStorage, run: string, slot: string, header: Uint8Array, body: Uint8Array): Promise<void> {
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      const isWhole = body.byteLength === body.buffer.byteLength;
      const request: WriterRequest = { id, storage, run, slot, header, body };
      this.#worker!.postMessage(request, isWhole ? [body.buffer] : []);
    });
  }

  /** A write in progress is left incomplete. */
  close(): void {
    this.#worker?.terminate();
    for (const id of [...this.#waiting.keys()]) this.#settle(id, { name: "AbortError", message: "the worker was ended" });
  }
}
