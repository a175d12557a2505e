/** Goes on with a text, a character at a time, by a model that may learn meanwhile. */
import { compile, ErmineError, scope, tensor, uniform, type Backend, type Tensor } from "@ermine/core";
import type { LanguageModel } from "@ermine/examples/text/models";
import { choicesOf, sampleIndex } from "@ermine/examples/text/sampling";
import type { Candidate, Drawing } from "./messages.js";

/** How many of the likeliest characters are told. */
const shownCandidates = 8;

export class Writer {
  readonly #characters: readonly string[];
  readonly #lead: readonly number[];
  readonly #next: { (x: Tensor): Tensor; dispose(): void };
  #context: number[] = [];

  /** @param lead what comes before whatever is written: as many characters as the model sees, up to the end of a paragraph */
  constructor(model: LanguageModel, characters: readonly string[], lead: Int32Array, backend: Backend) {
    this.#characters = characters;
    this.#lead = [...lead];
    this.#next = compile((x: Tensor) => model.forward(x), { backend, name: "writer" });
  }

  /**
   * What is written from here on goes on from this text, as from the beginning of a paragraph.
   *
   * @throws ErmineError ERMINE_DATA where the text has a character that the model does not know
   */
  begin(prompt: string): void {
    const places = Array.from(prompt, (character) => this.#characters.indexOf(character));
    const unknown = places.indexOf(-1);
    if (unknown >= 0) {
      throw new ErmineError(
        "ERMINE_DATA",
        `“${Array.from(prompt)[unknown]}” is nowhere in the book, so the model does not know it. Begin with letters, spaces and punctuation.`,
      );
    }
    this.#context = [...this.#lead, ...places].slice(-this.#lead.length);
  }

  /** So many characters more, and what could have been in place of the last one. */
  write(count: number, drawing: Drawing): { readonly text: string; readonly candidates: readonly Candidate[] } {
    return scope(() => {
      let text = "";
      let candidates: readonly Candidate[] = [];
      for (let i = 0; i < count; i++) {
        const x = tensor(Int32Array.from(this.#context), { shape: [1, this.#context.length] });
        const logits = this.#next(x).dataSync().slice(-this.#characters.length);
        const place = sampleIndex(logits, drawing, uniform([]).item() as number);
        text += this.#characters[place]!;
        this.#context = [...this.#context.slice(1), place];
        if (i === count - 1) candidates = this.#candidates(logits, drawing);
      }
      return { text, candidates };
    });
  }

  dispose(): void {
    this.#next.dispose();
  }

  #candidates(logits: ArrayLike<number>, drawing: Drawing): Candidate[] {
    const shares = new Map(choicesOf(logits, drawing).map(({ index, probability }) => [index, probability]));
    return choicesOf(logits, {})
      .slice(0, shownCandidates)
      .map(({ index, probability }) => ({
        character: this.#characters[index]!,
        probability,
        share: shares.get(index) ?? 0,
      }));
  }
}
