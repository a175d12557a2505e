/** Two language models over characters: what comes next, from an LSTM's state or by attention to what was before. */
import type { Tensor } from "@ermine/core";
import { Embedding, LayerNorm, LearnedPositions, Linear, LSTM, Module, TransformerEncoderLayer } from "@ermine/core/nn";

/** A model of (N, T) indices: (N, T, characters), the logits of what comes after each. */
export type LanguageModel = Module & { forward(x: Tensor): Tensor };

export class LstmModel extends Module {
  readonly embedding: Embedding;
  readonly lstm: LSTM;
  readonly head: Linear;

  constructor(characters: number, width: number) {
    super();
    this.embedding = new Embedding(characters, width);
    this.lstm = new LSTM(width, width);
    this.head = new Linear(width, characters);
  }

  forward(x: Tensor): Tensor {
    return this.head.forward(this.lstm.forward(this.embedding.forward(x)));
  }
}

export class GptModel extends Module {
  readonly embedding: Embedding;
  readonly positions: LearnedPositions;
  readonly first: TransformerEncoderLayer;
  readonly second: TransformerEncoderLayer;
  readonly norm: LayerNorm;
  readonly head: Linear;

  constructor(characters: number, width: number, steps: number) {
    super();
    const options = { dimFeedforward: 4 * width, dropout: 0, normFirst: true, activation: "gelu" } as const;
    this.embedding = new Embedding(characters, width);
    this.positions = new LearnedPositions(steps, width);
    this.first = new TransformerEncoderLayer(width, 4, options);
    this.second = new TransformerEncoderLayer(width, 4, options);
    this.norm = new LayerNorm(width);
    this.head = new Linear(width, characters);
  }

  forward(x: Tensor): Tensor {
    const causal = { isCausal: true };
    const embedded = this.positions.forward(this.embedding.forward(x));
    return this.head.forward(this.norm.forward(this.second.forward(this.first.forward(embedded, causal), causal)));
  }
}
