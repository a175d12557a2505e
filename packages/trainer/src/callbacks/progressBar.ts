/** Progress bar with rate, ETA and loss on a terminal, plain lines elsewhere. */
import { checkArguments, checkOptions } from "@ermine/core/define";
import type { Callback, EpochInfo, StepInfo } from "./callback.js";

/** The options of `progressBar`. */
export interface ProgressBarOptions {
  /** Destination of the text. Default: standard error in Node, the console elsewhere. */
  readonly write?: (text: string) => void;
  /** Redraw a bar in place. Default: whether standard error is a terminal. */
  readonly live?: boolean;
}

interface Stream {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}
const width = 24;
const redrawMs = 100;

/**
 * A bar with rate, time left and loss on a terminal, a plain line an epoch elsewhere.
 *
 * @throws ErmineError ERMINE_OPTION where an option does not exist
 * @example
 * await trainer.fit(data, { epochs: 1, callbacks: [progressBar()] });
 */
export function progressBar(options: ProgressBarOptions = {}): Callback {
  if (arguments.length > 1) checkArguments("progressBar", arguments, 1);
  checkOptions("progressBar", options, { write: "function", live: "boolean" });
  const stderr = (globalThis as { process?: { stderr?: Stream } }).process?.stderr;
  const live = options.live ?? stderr?.isTTY === true;
  const write = options.write ?? ((text: string) => (stderr === undefined ? console.log(text.trimEnd()) : stderr.write(text)));
  let started = 0;
  let lastDrawTime = 0;
  let lastClockTime = 0;
  let epochs = 0;
  /** Steps that are taken before the clock is looked at again: few beside those that fit between two drawings. */
  let stepsUntilClock = 0;
  let stepsBetweenClocks = 0;
  const bar = ({ epoch, stepInEpoch, stepsPerEpoch, samples, loss }: StepInfo, now: number): string => {
    const seconds = Math.max(1e-9, (now - started) / 1000);
    const line = (progress: string, remaining: string): string =>
      `\r\u001b[KEpoch ${epoch + 1}/${epochs} ${progress}  ${formatRate(samples / seconds)} samples/s  ${remaining}loss ${loss.toFixed(4)}`;
    if (stepsPerEpoch === undefined) return line(`${stepInEpoch} steps`, "");
    const share = stepInEpoch / stepsPerEpoch;
    const remainingSeconds = (seconds / share) * (1 - share);
    const full = Math.round(share * width);
    const drawing = "█".repeat(full) + "░".repeat(width - full);
    return line(`${drawing} ${stepInEpoch}/${stepsPerEpoch}`, `ETA ${formatTime(remainingSeconds)}  `);
  };
  return {
    name: "progressBar",
    state: () => null,
    onTrainBegin(_, info) {
      epochs = info.epochs;
      started = performance.now();
    },
    onStep(info) {
      if (!live || (--stepsUntilClock > 0 && !isLast(info))) return;
      const now = performance.now();
      const pace = (now - lastClockTime) / Math.max(1, stepsBetweenClocks - stepsUntilClock);
      lastClockTime = now;
      stepsUntilClock = stepsBetweenClocks = Math.max(1, Math.min(64, Math.floor(redrawMs / 16 / pace)));
      if (now - lastDrawTime < redrawMs && !isLast(info)) return;
      lastDrawTime = now;
      write(bar(info, now));
    },
    onEpochEnd(info: EpochInfo) {
      const logs = Object.entries(info.logs).map(([name, value]) => `${name} ${formatLog(value)}`);
      write(
        `${live ? "\r\u001b[K" : ""}Epoch ${info.epoch + 1}/${info.epochs}  ${logs.join("  ")}  ${formatRate(info.samplesPerSecond)} samples/s\n`,
      );
      started = performance.now();
    },
  };
}

const isLast = ({ stepInEpoch, stepsPerEpoch }: StepInfo): boolean => stepInEpoch === stepsPerEpoch;

/** Four decimals; of what is smaller than that, as learning rates are, its leading digits. */
const formatLog = (value: number): string =>
  value !== 0 && Math.abs(value) < 1e-3 ? String(Number(value.toPrecision(3))) : value.toFixed(4);

const formatRate = (rate: number): string => (rate >= 1000 ? Math.round(rate).toLocaleString("en-US") : rate.toFixed(1));

const formatTime = (seconds: number): string =>
  seconds < 60 ? `${seconds.toFixed(0)} s` : `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
