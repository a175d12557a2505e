/** What is wrong with a run, said where it arises, each with settings to try. */
import { portableMath } from "@ermine/core/define";
import { findActivation } from "@ermine/core/catalog";
import type { Inspection } from "./inspect.js";
import type { CurvePoint } from "./run.js";
import type { Settings } from "./settings.js";

/** Something to try, as a change of the settings. */
export interface Remedy {
  readonly label: string;
  readonly change: Partial<Settings>;
}

/** One thing that is wrong, or worth knowing. */
export interface Finding {
  readonly id: string;
  readonly grave: boolean;
  readonly title: string;
  readonly text: string;
  readonly remedies: readonly Remedy[];
}

/** What findings are made of. */
export interface Evidence {
  readonly settings: Settings;
  readonly classes: number;
  readonly inspection: Inspection;
  readonly curve: readonly CurvePoint[];
  /** The message of an error that ended the run. */
  readonly failure: { readonly code: string; readonly message: string } | undefined;
}

const rounded = (value: number): string => value.toPrecision(3);

const slower = ({ learningRate }: Settings): Remedy => {
  const next = Number((learningRate / 10).toPrecision(2));
  return { label: `learning rate ${next}`, change: { learningRate: next } };
};

function failed({ failure, settings }: Evidence): Finding | undefined {
  if (failure === undefined) return undefined;
  const exploded = failure.code === "ERMINE_NOT_FINITE";
  return {
    id: exploded ? "notFinite" : "failed",
    grave: true,
    title: exploded ? "The loss exploded" : "The run ended",
    text: exploded ? `${failure.message} The network is what it was before that update.` : failure.message,
    remedies: exploded
      ? [slower(settings), ...(settings.optimizer === "adamw" ? [] : [{ label: "AdamW", change: { optimizer: "adamw" } }])]
      : [],
  };
}

function softmaxTwice({ settings, classes }: Evidence): Finding | undefined {
  if (settings.output !== "softmax" || settings.loss === "squaredError" || classes < 2) return undefined;
  const floor = portableMath.log(Math.E + classes - 1) - 1;
  return {
    id: "softmaxTwice",
    grave: true,
    title: "Softmax, twice",
    text:
      `${settings.loss} expects logits and has the step to probabilities inside. After a softmax of the model's own, what it sees lies between 0 and 1, so that ` +
      (settings.loss === "crossEntropy"
        ? `the loss cannot fall below log(e + ${classes - 1}) − 1 = ${rounded(floor)}, and `
        : "") +
      "gradients fade where the model is sure. In a program of your own ermine refuses it.",
    remedies: [{ label: "output logits", change: { output: "logits" } }],
  };
}

function linearStack({ settings }: Evidence): Finding | undefined {
  if (settings.activation !== "identity" || settings.hidden.length === 0) return undefined;
  return {
    id: "linear",
    grave: false,
    title: "One matrix, in several parts",
    text: "Without a nonlinearity between them, layers are one linear map: the boundary stays a straight line however many there are.",
    remedies: ["relu", "tanh"].map((activation) => ({ label: activation, change: { activation } })),
  };
}

const places = (layers: readonly { readonly layer: number; readonly count: number; readonly units: number }[]): string =>
  layers.map(({ layer, count, units }) => `${count} of ${units} in layer ${layer}`).join(", ");

const counted = (evidence: Evidence, kind: "dead" | "saturated") =>
  evidence.inspection.layers.flatMap(({ units, ...layer }, i) =>
    layer[kind] === 0 ? [] : [{ layer: i + 1, count: layer[kind], units }],
  );

function dead(evidence: Evidence): Finding | undefined {
  const layers = counted(evidence, "dead");
  if (layers.length === 0) return undefined;
  return {
    id: "dead",
    grave: layers.some(({ count, units }) => count * 2 >= units),
    title: "Dead units",
    text: `${places(layers)}: their derivative is 0 for every sample, so no gradient reaches them and they never learn again.`,
    remedies: [
      { label: "leakyRelu", change: { activation: "leakyRelu" } },
      { label: "gelu", change: { activation: "gelu" } },
      slower(evidence.settings),
    ],
  };
}

function saturated(evidence: Evidence): Finding | undefined {
  const layers = counted(evidence, "saturated");
  const { settings } = evidence;
  const bothSides = findActivation(settings.activation).prose?.saturates.startsWith("both") === true;
  if (!bothSides || !layers.some(({ count, units }) => count * 4 >= units)) return undefined;
  return {
    id: "saturated",
    grave: false,
    title: "Saturated units",
    text: `${places(layers)}: for nine of ten samples they are on the flat part of ${settings.activation}, where hardly any gradient passes.`,
    remedies: [
      slower(settings),
      { label: "weight decay 0.01", change: { weightDecay: 0.01 } },
      { label: "relu", change: { activation: "relu" } },
    ],
  };
}

function vanishing({ inspection: { gradientNorms, update }, settings }: Evidence): Finding | undefined {
  const [first, last] = [gradientNorms[0]!, gradientNorms.at(-1)!];
  // A first layer without any gradient is dead, which is said of its units.
  if (update === 0 || gradientNorms.length < 3 || first === 0 || !(first < last / 200)) return undefined;
  return {
    id: "vanishing",
    grave: false,
    title: "The gradient vanishes on its way",
    text: `The first layer's gradient has norm ${rounded(first)}, the last one's ${rounded(last)}: each layer in between takes a part of it.`,
    remedies: [
      { label: "relu", change: { activation: "relu" } },
      ...(settings.hidden.length > 2 ? [{ label: "two hidden layers", change: { hidden: settings.hidden.slice(0, 2) } }] : []),
    ],
  };
}

function exploding({ curve, inspection: { losses, update }, settings, failure }: Evidence): Finding | undefined {
  if (failure !== undefined || update === 0 || curve.length < 3) return undefined;
  const best = Math.min(...curve.map(({ training }) => training));
  if (!(losses.training > 10 * best && losses.training > curve[0]!.training)) return undefined;
  return {
    id: "exploding",
    grave: true,
    title: "The loss explodes",
    text: `It is ${rounded(losses.training)}, above where it began, and was ${rounded(best)} on the way: steps are so large that they leap over the minimum.`,
    remedies: [slower(settings)],
  };
}

function overfitting({ curve, settings }: Evidence): Finding | undefined {
  if (curve.length < 20) return undefined;
  const last = curve.at(-1)!;
  const best = curve.reduce((least, point) => (point.validation < least.validation ? point : least));
  if (!(last.validation > 1.25 * best.validation + 0.01 && last.training < best.training)) return undefined;
  return {
    id: "overfitting",
    grave: false,
    title: "It learns the noise by heart",
    text: `The validation loss was ${rounded(best.validation)} after ${best.update} updates and is ${rounded(last.validation)} now, while the training loss still falls.`,
    remedies: [
      { label: "weight decay 0.05", change: { weightDecay: 0.05 } },
      ...(settings.dropout === 0 ? [{ label: "dropout 0.1", change: { dropout: 0.1 } }] : []),
      { label: "more samples", change: { samples: 1000 } },
    ],
  };
}

/** What there is to say, the gravest first. */
export function findingsOf(evidence: Evidence): Finding[] {
  const all = [failed, softmaxTwice, exploding, dead, saturated, vanishing, linearStack, overfitting].flatMap(
    (find) => find(evidence) ?? [],
  );
  return all.sort((a, b) => Number(b.grave) - Number(a.grave));
}
