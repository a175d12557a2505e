/** The law of options: each has effect. Its definition names a witness, a value that changes the result; a tensor is in a sample. */
import { ErmineError, type Activation, type Backend, type Loss } from "@ermine/core";
import { disagreement } from "./agreement.js";
import { run, type Call } from "./call.js";
import { activationCall, lossCall } from "./definitions.js";
import type { Law, Trial } from "./law.js";

const differ = async (backend: Backend, a: Call, b: Call): Promise<boolean> => {
  for (const seed of [1, 2, 3]) {
    const [one, other] = [await run(a, backend, "eager", 5, seed), await run(b, backend, "eager", 5, seed)];
    if (disagreement(one.slice(0, 1), other.slice(0, 1), { tolerance: 1e-3 }) !== undefined) return true;
  }
  return false;
};

const withoutEffect = (name: string, option: string): ErmineError =>
  new ErmineError("ERMINE_OPTION", `${name}: ${option} changes nothing: neither at its witness nor in a sample.`);

const activationTrials = (activation: Activation): readonly Trial[] =>
  Object.keys(activation.defaults).map((option) => ({
    name: `${activation.activationName}, ${option}`,
    async check(backend) {
      const { activationName: name, optionExamples } = activation;
      if (!(option in optionExamples)) {
        throw new ErmineError("ERMINE_OPTION", `${name} names no witness for ${option}: a value that changes the result.`);
      }
      const witness = activationCall(activation, { [option]: optionExamples[option] });
      if (!(await differ(backend, activationCall(activation, {}), witness))) throw withoutEffect(name, option);
    },
  }));

const lossTrials = (loss: Loss): readonly Trial[] =>
  Object.keys(loss.defaults).map((option) => ({
    name: `${loss.lossName}, ${option}`,
    async check(backend) {
      const witness = (loss.optionExamples as Readonly<Record<string, unknown>>)[option];
      for (const sample of Object.keys(loss.samples)) {
        // A tensor stands in a sample, and is left out for the comparison.
        const [base, changed] = witness === undefined ? [{ [option]: undefined }, {}] : [{}, { [option]: witness }];
        if (await differ(backend, lossCall(loss, sample, base), lossCall(loss, sample, changed))) return;
      }
      throw withoutEffect(loss.lossName, option);
    },
  }));

export const optionsHaveEffect: Law = {
  name: "each option changes the result",
  trials: ({ activations, losses }) => [...activations.flatMap(activationTrials), ...losses.flatMap(lossTrials)],
};
