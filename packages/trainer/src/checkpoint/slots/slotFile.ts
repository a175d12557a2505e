/**
 * A slot's bytes: a header of 56 bytes, then a checkpoint. The header has a mark, the sequence number, the length of what follows, and a SHA-256 of those
 * three and of the SHA-256 of what follows; it is written last, so that a slot without the mark is one whose writing did not end.
 */
import { digestOf } from "../digest.js";
import type { CheckpointParts } from "../file.js";

const mark = new TextEncoder().encode("ermslot1");
const headerLength = 56;
const digestAt = 24;

/** Content of a slot. */
export type SlotContent =
  | { readonly kind: "whole"; readonly sequence: number; readonly file: Uint8Array }
  /** Its writing did not end. */
  | { readonly kind: "unfinished" }
  /** It was whole, and is not any more. */
  | { readonly kind: "damaged" };

/** The header, to be written after the parts. */
export async function slotHeader(sequence: number, { parts: [file], byteLength }: CheckpointParts): Promise<Uint8Array> {
  const header = new Uint8Array(headerLength);
  header.set(mark);
  const view = new DataView(header.buffer);
  view.setBigUint64(8, BigInt(sequence), true);
  view.setBigUint64(16, BigInt(byteLength), true);
  header.set(await headerDigest(header, file!), digestAt);
  return header;
}

async function headerDigest(header: Uint8Array, file: Uint8Array): Promise<Uint8Array> {
  const digested = new Uint8Array(digestAt + 32);
  digested.set(header.subarray(0, digestAt));
  digested.set(await digestOf(file), digestAt);
  return digestOf(digested);
}

/** Parses the bytes of a slot. */
export async function readSlot(bytes: Uint8Array): Promise<SlotContent> {
  if (bytes.length < headerLength || mark.some((byte, i) => bytes[i] !== byte)) {
    // Zeros are where the header was to be.
    const isBlank = bytes.subarray(0, headerLength).every((byte) => byte === 0);
    return { kind: isBlank ? "unfinished" : "damaged" };
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const file = bytes.subarray(headerLength);
  const digest = await headerDigest(bytes, file);
  const isWhole = view.getBigUint64(16, true) === BigInt(file.length) && digest.every((byte, i) => byte === bytes[digestAt + i]);
  return isWhole ? { kind: "whole", sequence: Number(view.getBigUint64(8, true)), file } : { kind: "damaged" };
}
