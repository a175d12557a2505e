/** Messages between the two threads; all are structured-cloneable. */
import { ErmineError, type ErmineErrorCode } from "@ermine/core";
import type { EpochInfo, StepInfo } from "../callbacks/callback.js";

/** A training has begun. */
export interface TrainingBegin {
  /** Type of the event. */
  readonly type: "begin";
  /** Number of epochs. */
  readonly epochs: number;
  /** Updates an epoch; undefined where the data's length is not known beforehand. */
  readonly stepsPerEpoch: number | undefined;
  /** Goes it on from a snapshot? */
  readonly resumed: boolean;
}

/** An update was taken. Of those within `stepInterval` milliseconds after another message only the first is told of. */
export interface TrainingStep extends StepInfo {
  /** Type of the event. */
  readonly type: "step";
}

/** An epoch has ended. */
export interface TrainingEpoch extends EpochInfo {
  /** Type of the event. */
  readonly type: "epoch";
}

/** Something was noticed: what `fit` says to its `notice`. */
export interface TrainingNotice {
  /** Type of the event. */
  readonly type: "notice";
  /** In whole sentences. */
  readonly message: string;
}

/** Events that are sent to the thread that started the training. */
export type TrainingEvent = TrainingBegin | TrainingStep | TrainingEpoch | TrainingNotice;

/** An error as it crosses. */
export interface SentError {
  readonly name: string;
  /** Of an ErmineError. */
  readonly code?: ErmineErrorCode;
  readonly message: string;
  readonly stack?: string;
}

/** To the worker. */
export type Request =
  | {
      readonly kind: "start";
      readonly input: unknown;
      readonly stepInterval: number;
      /** Why the signal was aborted before the start. */
      readonly aborted?: string;
    }
  | { readonly kind: "abort"; readonly reason: string }
  | { readonly kind: "predict"; readonly id: number; readonly inputs: unknown; readonly options: object };

/** From the worker. */
export type Reply =
  | { readonly kind: "ready" }
  | { readonly kind: "events"; readonly events: readonly TrainingEvent[] }
  | { readonly kind: "message"; readonly message: unknown }
  | { readonly kind: "prediction"; readonly id: number; readonly value: unknown }
  | { readonly kind: "refused"; readonly id: number; readonly error: SentError }
  | { readonly kind: "done"; readonly result: unknown }
  | { readonly kind: "failed"; readonly error: SentError };

/** Messages carry this key, so that others may use the same worker for theirs. */
export const envelope = "ermine:training";

export const sealed = (content: Request | Reply): object => ({ [envelope]: content });

/** The message's content; undefined where it is somebody else's. */
export function opened<T extends Request | Reply>(message: unknown): T | undefined {
  return typeof message === "object" && message !== null ? (message as { [envelope]?: T })[envelope] : undefined;
}

export function sentError(error: unknown): SentError {
  if (!(error instanceof Error)) return { name: "Error", message: String(error) };
  const { name, message, stack } = error;
  return {
    name,
    message,
    ...(error instanceof ErmineError ? { code: error.code } : {}),
    ...(stack === undefined ? {} : { stack }),
  };
}

/** The error as it is thrown on this side; its cause has the stack of the other one. */
export function receivedError({ name, code, message, stack }: SentError): Error {
  const cause = Object.assign(new Error(message), { name, ...(stack === undefined ? {} : { stack }) });
  return code === undefined
    ? Object.assign(new Error(`In the training worker: ${message}`, { cause }), { name })
    : new ErmineError(code, `In the training worker: ${message}`, { cause });
}
