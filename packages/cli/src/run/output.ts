/** What a command says: for people, or one JSON object a line. */
import pc from "picocolors";

/** Where a command writes. */
export interface Output {
  /** Is each event a line of JSON? */
  readonly isJson: boolean;
  /** May a line be drawn again? */
  readonly isLive: boolean;
  /** A text for people. */
  say(text: string): void;
  /** An event for programs. */
  event(name: string, fields: object): void;
  /** Something that was noticed: for both. */
  note(message: string): void;
  /** Draws a line again, on a terminal; "" takes it away. */
  progress(text: string): void;
}

/** The streams that a command has. */
export interface Streams {
  /** Results, and with --json events. */
  readonly stdout: { write(text: string): unknown; readonly isTTY?: boolean };
  /** Errors, and on a terminal the progress. */
  readonly stderr: { write(text: string): unknown; readonly isTTY?: boolean };
}

/** @param isJson one object a line, on standard output */
export function outputOf({ stdout, stderr }: Streams, isJson: boolean): Output {
  const isLive = !isJson && stderr.isTTY === true;
  const event = (name: string, fields: object): void => {
    if (isJson) stdout.write(`${JSON.stringify({ event: name, ...fields })}\n`);
  };
  const clear = (): void => void (isLive && stderr.write("\r\u001b[K"));
  return {
    isJson,
    isLive,
    say: (text) => {
      clear();
      if (!isJson) stdout.write(`${text}\n`);
    },
    event,
    note: (message) => {
      clear();
      if (isJson) event("note", { message });
      else stdout.write(`${stdout.isTTY === true ? pc.yellow("note") : "note"}: ${message}\n`);
    },
    progress: (text) => void (isLive && stderr.write(`\r\u001b[K${text}`)),
  };
}
