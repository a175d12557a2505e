/** `demo activations` and `demo losses`: the tables, and curves by name. */
import { useBackend, type Loss } from "@ermine/core";
import { activations, findActivation, findLoss, losses, type ActivationEntry, type LossEntry } from "@ermine/core/catalog";
import { reference } from "@ermine/core/reference";
import { activationCurve, lossCurves, spread } from "./curves.js";
import { textTable } from "./report.js";
import { sketch } from "./sketch.js";

/** Which kind of definitions. */
export type DefinitionKind = "activations" | "losses";

const facts = (rows: readonly (readonly [name: string, text: string | undefined])[]): string =>
  rows.flatMap(([name, text]) => (text === undefined || text === "" ? [] : [`${name.padEnd(11)} ${text}`])).join("\n");

const points = spread(-4, 4, 60);
const overX = { name: "x", low: -4, high: 4 };

function activationText(entry: ActivationEntry): string {
  const { name, prose } = entry;
  const { value, slope } = activationCurve(entry, {}, points);
  return [
    sketch({ name, values: value }, overX),
    sketch({ name: "its derivative", values: slope }, overX),
    facts([
      ["Formula", prose?.formula],
      ["Derivative", prose?.derivative],
      ["Range", prose?.range],
      ["Saturates", prose?.saturates],
      ["Role", prose?.role],
    ]),
  ].join("\n\n");
}

function lossText({ name, loss, prose }: LossEntry): string {
  const definition = loss as Loss;
  const { x, axis, lines } = lossCurves(definition, Object.keys(definition.samples)[0]!, {}, 60);
  const over = { name: axis, low: x[0]!, high: x.at(-1)! };
  return [
    ...lines.map((line) => sketch({ name: line.name === "" ? name : `${name}, ${line.name}`, values: line.value }, over)),
    facts([
      ["Formula", prose?.formula],
      ["Gradient", prose?.derivative],
      ["Expects", prose?.expects],
      ["Targets", prose?.targets],
      ["Use", prose?.use],
      ["Outliers", prose?.outliers],
    ]),
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

/**
 * All of a kind as a table, or those that are named as curves.
 *
 * @throws ErmineError ERMINE_OPTION for a name that there is not, with the nearest one; nothing is printed then
 */
export function showDefinitions(
  kind: DefinitionKind,
  { names, json }: { names: readonly string[]; json: boolean },
  print: (text: string) => void,
): void {
  // In float64, as the gallery has them.
  useBackend(reference());
  if (kind === "activations") {
    const chosen = names.map((name) => findActivation(name));
    if (json) for (const { name, prose } of names.length === 0 ? activations : chosen) print(JSON.stringify({ name, ...prose }));
    else
      print(
        names.length === 0 ? `${activationsTable()}\n\nA curve: demo activations gelu` : chosen.map(activationText).join("\n\n"),
      );
    return;
  }
  const chosen = names.map((name) => findLoss(name));
  if (json) for (const { name, prose } of names.length === 0 ? losses : chosen) print(JSON.stringify({ name, ...prose }));
  else print(names.length === 0 ? `${lossesTable()}\n\nA curve: demo losses huber` : chosen.map(lossText).join("\n\n"));
}
