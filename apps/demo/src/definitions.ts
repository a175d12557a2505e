/** `demo activations` and `demo losses`: the tables, and curves by name. */
import { useBackend, type Loss } from "@ermine/core";
import { activations, findActivation, findLoss, losses, type ActivationEntry, type LossEntry } from "@ermine/core/catalog";
import { reference } from "@ermine/core/reference";
import { activationCurve, lossCurves, spread } from "./curves.js";
import { activationFacts, lossFacts, type Fact } from "./facts.js";
import { textTable } from "./report.js";
import { sketch } from "./sketch.js";

/** Which kind of definitions. */
export type DefinitionKind = "activations" | "losses";

const factsText = (facts: readonly Fact[]): string =>
  facts.flatMap(([name, text]) => (text === undefined || text === "" ? [] : [`${name.padEnd(11)} ${text}`])).join("\n");

const points = spread(-4, 4, 60);
const overX = { name: "x", low: -4, high: 4 };

function activationText(entry: ActivationEntry): string {
  const { name } = entry;
  const { value, slope } = activationCurve(entry, {}, points);
  return [
    sketch({ name, values: value }, overX),
    sketch({ name: "its derivative", values: slope }, overX),
    factsText(activationFacts(entry)),
  ].join("\n\n");
}

function lossText(entry: LossEntry): string {
  const { name } = entry;
  const definition = entry.loss as Loss;
  const { x, axis, lines } = lossCurves(definition, Object.keys(definition.samples)[0]!, {}, 60);
  const over = { name: axis, low: x[0]!, high: x.at(-1)! };
  return [
    ...lines.map((line) => sketch({ name: line.name === "" ? name : `${name}, ${line.name}`, values: line.value }, over)),
    factsText(lossFacts(entry)),
  ].join("\n\n");
}

const activationsTable = (): string =>
  textTable(
    ["Activation", "Range", "Saturates", "Formula"],
    activations.map(({ name, prose }) => [name, prose?.range ?? "", prose?.saturates ?? "", prose?.formula ?? ""]),
  );

const lossesTable = (): string =>
  textTable(
    ["Loss", "Expects", "Formula"],
    losses.map(({ name, prose }) => [name, prose?.expects ?? "", prose?.formula ?? ""]),
  );

/** A kind of definition: its entries, and how they are printed. */
interface Shown<E> {
  readonly entries: readonly E[];
  find(name: string): E;
  readonly table: () => string;
  readonly text: (entry: E) => string;
  /** A call that shows a curve. */
  readonly example: string;
}

const shownActivations: Shown<ActivationEntry> = {
  entries: activations,
  find: findActivation,
  table: activationsTable,
  text: activationText,
  example: "demo activations gelu",
};

const shownLosses: Shown<LossEntry> = {
  entries: losses,
  find: findLoss,
  table: lossesTable,
  text: lossText,
  example: "demo losses huber",
};

interface ShowOptions {
  readonly names: readonly string[];
  readonly json: boolean;
}

function show<E extends ActivationEntry | LossEntry>(
  { entries, find, table, text, example }: Shown<E>,
  { names, json }: ShowOptions,
  print: (text: string) => void,
): void {
  const chosen = names.map((name) => find(name));
  if (json) for (const { name, prose } of names.length === 0 ? entries : chosen) print(JSON.stringify({ name, ...prose }));
  else print(names.length === 0 ? `${table()}\n\nA curve: ${example}` : chosen.map(text).join("\n\n"));
}

/**
 * All of a kind as a table, or those that are named as curves.
 *
 * @throws ErmineError ERMINE_OPTION for a name that there is not, with the nearest one; nothing is printed then
 */
export function showDefinitions(kind: DefinitionKind, options: ShowOptions, print: (text: string) => void): void {
  // In float64, as the gallery has them.
  useBackend(reference());
  if (kind === "activations") show(shownActivations, options, print);
  else show(shownLosses, options, print);
}
