/** Single kernels: products on one thread and on two, activations against the machine's copying, rows, updates, convolutions. */
import { activations } from "@ermine/core/catalog";
import { contest, isMeasured, type Entry, type Pace } from "../contest.js";
import { backend, Contestant, peer } from "../contestants.js";
import { digits, type Section } from "../table.js";
import type { Kernel } from "../task.js";
import type { Setting, Workload } from "./workload.js";

interface Line {
  readonly title: string;
  readonly kernel: Kernel;
  /** Of a step: operations, elements, bytes; and the unit of amount / milliseconds. */
  readonly amount: number;
  readonly unit: string;
  /** Bytes read and written, where that is what limits it. */
  readonly bytes?: number;
}

/** 4 bytes a number. */
const traffic = (numbers: number, length: number): number => 4 * numbers * length;

function lines(small: boolean): readonly Line[] {
  const length = small ? 1000 : 1 << 20;
  const elements = (title: string, kernel: Kernel, numbers: number): Line => ({
    title,
    kernel,
    amount: length / 1e6,
    unit: "G elements/s",
    bytes: traffic(numbers, length),
  });
  const gemms = (small ? [8] : [64, 128, 256, 512, 1024]).map((size): Line => ({
    title: `product ${size} × ${size} × ${size}`,
    kernel: { name: "gemm", size },
    amount: (2 * size ** 3) / 1e6,
    unit: "GFLOPS",
  }));
  const names = activations.map(({ name }) => name).filter((name) => !shaped.has(name));
  const elementwise = (small ? ["relu", "gelu"] : names).flatMap((activation) => [
    elements(activation, { name: "activation", activation, backward: false, length }, 2),
    elements(`${activation} backward`, { name: "activation", activation, backward: true, length }, 3),
  ]);
  const rows = small ? 20 : 16384;
  const conv = small
    ? ({ batch: 2, channels: [2, 3], side: 6 } as const)
    : ({ batch: 64, channels: [16, 32], side: 14 } as const);
  const convFlops = (2 * conv.batch * conv.channels[0] * conv.channels[1] * 9 * conv.side ** 2) / 1e6;
  return [
    elements("copy", { name: "copy", length }, 2),
    ...gemms,
    ...elementwise,
    elements("mish written in ops", { name: "mishInOps", backward: false, length }, 2),
    elements("mish written in ops, backward", { name: "mishInOps", backward: true, length }, 3),
    {
      title: `softmax cross-entropy and gradient, ${rows} × 10`,
      kernel: { name: "crossEntropyRows", rows, classes: 10 },
      amount: rows / 1e3,
      unit: "M rows/s",
    },
    ...ctcs(small).map((sizes): Line => ({
      title: `log softmax, ctc and gradient, ${sizes.steps} steps, batch ${sizes.batch}, ${sizes.classes} classes, ${sizes.labels} labels`,
      kernel: { name: "ctc", ...sizes },
      amount: (sizes.steps * sizes.batch) / 1e3,
      unit: "M steps/s",
    })),
    // Reads parameter, gradient and two moments, writes all but the gradient.
    elements("AdamW update", { name: "adamw", length }, 7),
    ...(["forward", "forward and backward"] as const).map((part): Line => ({
      title: `conv 3×3, ${conv.batch}×${conv.channels[0]}×${conv.side}×${conv.side} → ${conv.channels[1]}, ${part}`,
      kernel: { name: "conv2d", part, ...conv },
      amount: part === "forward" ? convFlops : 3 * convFlops,
      unit: "GFLOPS",
    })),
  ];
}

const ctcs = (small: boolean): readonly Omit<Extract<Kernel, { name: "ctc" }>, "name">[] =>
  small
    ? [{ steps: 5, batch: 2, classes: 4, labels: 2 }]
    : [
        { steps: 100, batch: 32, classes: 32, labels: 20 },
        { steps: 400, batch: 8, classes: 40, labels: 40 },
      ];

/** Those that take an axis or other tensors, and random ones, are no elementwise kernels. */
const shaped = new Set(["softmax", "logSoftmax", "softmin", "glu", "prelu", "rrelu", "identity"]);

interface Column {
  readonly contestant: Contestant;
  readonly label: string;
}

function columns({ backends, peers, python, threads }: Setting): Column[] {
  const counts = threads > 1 ? [1, threads] : [1];
  const own = backends.flatMap((name) => counts.map((count) => new Contestant(backend(name), count)));
  const others = peers.includes("pytorch") ? counts.map((count) => new Contestant(peer("pytorch", python), count)) : [];
  return [...own, ...others].map((contestant) => ({
    contestant,
    label: `${contestant.spec.name}, ${contestant.threads} thread${contestant.threads === 1 ? "" : "s"}`,
  }));
}

export const kernels: Workload = {
  name: "kernels",
  async run(setting) {
    const all = columns(setting);
    // Short, and many: a tenth of a turn each.
    const pace: Pace = { rounds: setting.pace.rounds, milliseconds: Math.max(1, setting.pace.milliseconds / 10) };
    const found: { readonly line: Line; readonly entries: readonly Entry[] }[] = [];
    try {
      for (const line of lines(setting.small)) {
        found.push({
          line,
          entries: await contest(
            all.map(({ contestant }) => contestant),
            { kind: "kernel", kernel: line.kernel },
            pace,
          ),
        });
      }
    } finally {
      await Promise.all(all.map(({ contestant }) => contestant.end()));
    }
    return { workload: "kernels", title: "Single kernels", sections: [section(all, found)] };
  },
};

function section(all: readonly Column[], found: readonly { line: Line; entries: readonly Entry[] }[]): Section {
  const rate = (line: Line, entry: Entry): number | undefined =>
    isMeasured(entry) ? line.amount / entry.time.median : undefined;
  const copies = found.find(({ line }) => line.kernel.name === "copy")!;
  /** Of the memory traffic that plain copying reaches in the same process. */
  const share = ({ bytes }: Line, entry: Entry, i: number): number | undefined => {
    const copy = copies.entries[i]!;
    if (bytes === undefined || !isMeasured(entry) || !isMeasured(copy)) return undefined;
    return bytes / entry.time.median / (copies.line.bytes! / copy.time.median);
  };
  const rows = found.map(({ line, entries }) => [
    line.title,
    line.unit,
    ...entries.map((entry, i) => {
      const value = rate(line, entry);
      if (value === undefined) return "–";
      const part = share(line, entry, i);
      return part === undefined ? digits(value) : `${digits(value)} (${Math.round(100 * part)} %)`;
    }),
  ]);
  return {
    title: "Rates at the median; in brackets the share of the memory traffic that copying reaches in the same process",
    head: ["", "unit", ...all.map(({ label }) => label)],
    rows,
    data: found.map(({ line, entries }) => ({
      kernel: line.kernel,
      unit: line.unit,
      entries: entries.map((entry, i) => ({
        ...entry,
        label: all[i]!.label,
        rate: rate(line, entry),
        copyShare: share(line, entry, i),
      })),
    })),
  };
}
