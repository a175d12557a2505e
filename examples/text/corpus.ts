/** A text as what a language model over characters is trained on. */
import { dataset } from "@ermine/trainer";

/** A text as indices of its characters. */
export interface Corpus {
  /** Every character that there is, in order. */
  readonly characters: readonly string[];
  /** The first nine tenths. */
  readonly training: Int32Array;
  /** The last tenth. */
  readonly validation: Int32Array;
  /** −Σ p ln p over how often each character comes: the loss of one who knows nothing else. */
  readonly unigramEntropy: number;
}

export function corpusOf(text: string): Corpus {
  const letters = Array.from(text);
  const counts = new Map<string, number>();
  for (const letter of letters) counts.set(letter, (counts.get(letter) ?? 0) + 1);
  const characters = [...counts.keys()].sort();
  const places = new Map(characters.map((character, i) => [character, i]));
  const indices = Int32Array.from(letters, (letter) => places.get(letter) ?? 0);
  const end = Math.floor(0.9 * indices.length);
  const unigramEntropy = [...counts.values()].reduce((sum, count) => {
    const p = count / letters.length;
    return sum - p * Math.log(p);
  }, 0);
  return { characters, training: indices.subarray(0, end), validation: indices.subarray(end), unigramEntropy };
}

/** Windows of `steps` characters, and the same one further on: what comes after each character. */
export function windowsOf(indices: Int32Array, steps: number) {
  const count = Math.floor((indices.length - 1) / steps);
  const column = (from: number) => ({ data: indices.slice(from, from + count * steps), shape: [count, steps] });
  return dataset({ inputs: column(0), targets: column(1) });
}
