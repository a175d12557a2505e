/**
 * A run's checkpoints in a browser: two slots, written in turns, so that one of them is whole at any moment; and two for the best epoch. The newest is the one
 * with the highest sequence number.
 */
import { ErmineError } from "@ermine/core";
import type { TrainingSnapshot } from "../../step/contract.js";
import { decodeCheckpoint, type CheckpointParts } from "../file.js";
import type { CheckpointStore } from "../store.js";
import { readSlot, slotHeader, type SlotContent } from "./slotFile.js";
import type { CheckpointStorage } from "./storage.js";

/** Purpose of a pair of slots. */
export type Pair = "latest" | "best";

const slotsOf = (pair: Pair): readonly string[] => [`${pair}-0`, `${pair}-1`];

/** Readings of a pair that is being written meanwhile. */
const attempts = 5;

/** The sequence numbers of a pair in the storage that is written. */
interface PairSequences {
  /** By the slot's name; -Infinity where it is not whole. */
  readonly bySlot: Map<string, number>;
  /** Of all storages: numbers go on from it. */
  highest: number;
}

interface SlotPlace {
  readonly name: string;
  readonly storage: CheckpointStorage;
}

export class Slots {
  readonly run: string;
  /** One is written; a run may have been kept in the others before. */
  readonly #storages: readonly CheckpointStorage[];

  constructor(run: string, storages: readonly CheckpointStorage[]) {
    this.run = run;
    this.#storages = storages;
  }

  get place(): string {
    return `the run ${JSON.stringify(this.run)}`;
  }

  /** Contents of the storages' slots; absent slots are left out. */
  async contents(pair: Pair): Promise<readonly (SlotContent & SlotPlace)[]> {
    const contents: (SlotContent & SlotPlace)[] = [];
    for (const storage of this.#storages) {
      for (const name of slotsOf(pair)) {
        let bytes: Uint8Array | undefined;
        try {
          bytes = await storage.read(this.run, name);
        } catch (error) {
          throw storageError(`A checkpoint of ${this.place} cannot be read`, error);
        }
        if (bytes !== undefined) contents.push({ ...(await readSlot(bytes)), name, storage });
      }
    }
    return contents;
  }

  /**
   * The newest that can be read; undefined where none has been written to its end.
   *
   * @param notice told of one that is damaged, and of one whose writing did not end
   * @throws ErmineError ERMINE_DATA where there are some, and all are damaged: a training would begin anew in the place of one that was kept
   */
  async newest(pair: Pair, notice: (message: string) => void): Promise<TrainingSnapshot | undefined> {
    let contents = await this.contents(pair);
    // While a page writes, both may have been caught in the middle, one after the other.
    for (let attempt = 1; contents.length > 1 && contents.every(({ kind }) => kind !== "whole") && attempt < attempts; attempt++)
      contents = await this.contents(pair);
    const errors: ErmineError[] = [];
    const wholeSlots = contents.flatMap((content) => (content.kind === "whole" ? [content] : []));
    for (const { file } of wholeSlots.sort((a, b) => b.sequence - a.sequence)) {
      try {
        // Its tensors begin where their memory does.
        const snapshot = await decodeCheckpoint(file.slice());
        const { update } = snapshot.host;
        for (const { message } of errors)
          notice(`ermine: ${message} Training goes on from the one before it, of update ${update}.`);
        if (contents.some(({ kind }) => kind === "damaged"))
          notice(`ermine: A checkpoint of ${this.place} is damaged. Training goes on from the other one, of update ${update}.`);
        if (contents.some(({ kind }) => kind === "unfinished"))
          notice(
            `ermine: A checkpoint of ${this.place} was not written to its end. Training goes on from the other one, of update ${update}.`,
          );
        return snapshot;
      } catch (error) {
        if (!(error instanceof ErmineError)) throw error;
        errors.push(error.at(`A checkpoint of ${this.place}`));
      }
    }
    if (errors.length === 0 && contents.every(({ kind }) => kind === "unfinished")) return undefined;
    throw new ErmineError(
      errors[0]?.code ?? "ERMINE_DATA",
      `None of the checkpoints of ${this.place} can be read. ${errors[0]?.message ?? "They were damaged or changed since they were written."} To begin anew, take another ` +
        `name, or remove them: removeCheckpoints(${JSON.stringify(this.run)}).`,
      errors[0] === undefined ? {} : { cause: errors[0] },
    );
  }
}

export class SlotStore implements CheckpointStore {
  readonly place: string;
  readonly beginAnew: string;
  readonly byHand =
    "make room, or offer (await encodeCheckpoint(await trainer.snapshot())).parts as a download, and take another run.";
  readonly #slots: Slots;
  readonly #storages: readonly CheckpointStorage[];
  /** The one that is written: the first that can be. */
  #storage: CheckpointStorage;
  #unlock: (() => void) | undefined;
  readonly #sequences = new Map<Pair, PairSequences>();

  constructor(run: string, storages: readonly CheckpointStorage[]) {
    this.#slots = new Slots(run, storages);
    this.#storages = storages;
    this.#storage = storages[0]!;
    this.place = this.#slots.place;
    this.beginAnew = `To begin anew, take another run, or remove them: removeCheckpoints(${JSON.stringify(run)}).`;
  }

  async open(): Promise<void> {
    this.#sequences.clear();
    for (const storage of this.#storages) {
      this.#storage = storage;
      if (storage.canWrite === undefined || (await storage.canWrite())) break;
    }
    if (this.#storage.lock === undefined) return;
    let unlock: (() => void) | undefined;
    try {
      unlock = await this.#storage.lock(this.#slots.run);
    } catch (error) {
      await this.close();
      throw storageError(`${this.place} cannot be locked`, error);
    }
    if (unlock === undefined) {
      await this.close();
      throw inUse(this.#slots.run);
    }
    this.#unlock = unlock;
  }

  async isEmpty(): Promise<boolean> {
    return (await this.#slots.contents("latest")).every(({ kind }) => kind === "unfinished");
  }

  /** Slots have sequence numbers: the newest is the one that was written last. */
  async begin(): Promise<void> {}

  latest(notice: (message: string) => void): Promise<TrainingSnapshot | undefined> {
    return this.#slots.newest("latest", notice);
  }

  async write(_update: number, file: CheckpointParts): Promise<readonly ErmineError[]> {
    await this.#write("latest", file);
    return [];
  }

  async writeBest(file: CheckpointParts): Promise<readonly ErmineError[]> {
    // The storage may take over the memory that it is given.
    await this.#write("best", { ...file, parts: [file.parts[0]!.slice()] });
    return [];
  }

  /** Over the older of the two. */
  async #write(pair: Pair, file: CheckpointParts): Promise<void> {
    const sequences = await this.#sequencesOf(pair);
    const [[slot]] = [...sequences.bySlot].sort(([, a], [, b]) => a - b) as [[string, number]];
    const sequence = sequences.highest + 1;
    sequences.bySlot.set(slot, -Infinity);
    try {
      await this.#storage.write(this.#slots.run, slot, await slotHeader(sequence, file), file.parts[0]!);
    } catch (error) {
      throw storageError(`A checkpoint of ${this.place} was not written`, error);
    }
    sequences.bySlot.set(slot, sequence);
    sequences.highest = sequence;
  }

  async #sequencesOf(pair: Pair): Promise<PairSequences> {
    let sequences = this.#sequences.get(pair);
    if (sequences === undefined) {
      const bySlot = new Map(slotsOf(pair).map((name) => [name, -Infinity]));
      let highest = 0;
      for (const { name, storage, ...content } of await this.#slots.contents(pair)) {
        if (content.kind !== "whole") continue;
        highest = Math.max(highest, content.sequence);
        if (storage === this.#storage) bySlot.set(name, content.sequence);
      }
      this.#sequences.set(pair, (sequences = { bySlot, highest }));
    }
    return sequences;
  }

  async close(): Promise<void> {
    this.#unlock?.();
    this.#unlock = undefined;
    for (const storage of this.#storages) storage.close?.();
  }
}

export const inUse = (run: string): ErmineError =>
  new ErmineError(
    "ERMINE_USAGE",
    `The checkpoints of the run ${JSON.stringify(run)} are in use by another tab or worker of this site: one training writes into a run. End that one, or take another run.`,
  );

const remedies: Readonly<Record<string, string>> = {
  QuotaExceededError:
    "The browser gives this site no more room: remove runs that are not needed (listRuns, removeCheckpoints), or free some of the device's storage.",
  NoModificationAllowedError: "Another page of this site has the file open: close it.",
  NotAllowedError: "The browser does not let this page store anything: look at its settings for this site.",
  SecurityError:
    "The browser does not let this page store anything: look at its settings for this site, and for private windows.",
};

/** Error of a browser storage operation, with the place and a remedy. */
export function storageError(operation: string, error: unknown): ErmineError {
  if (error instanceof ErmineError) return error;
  const { name, message } = error as Partial<Error>;
  const reason = message === undefined || message === "" ? String(name ?? error) : `${name ?? "Error"}: ${message}`;
  const remedy = remedies[name ?? ""] ?? "Look at the browser's storage for this site.";
  return new ErmineError("ERMINE_FILE", `${operation}: ${reason.replace(/\.$/, "")}. ${remedy}`, { cause: error });
}
