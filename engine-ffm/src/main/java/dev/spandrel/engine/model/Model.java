package dev.spandrel.engine.model;

import dev.spandrel.engine.backend.HeadLayout;
import dev.spandrel.engine.tensor.Buffer;

/**
 * A network on a backend. One thread calls {@link #forward}; buffers it needs were carved for the largest step when it was
 * loaded.
 */
public interface Model {
    /** Token ids that the logits cover. */
    int vocabSize();

    /** Values of a hidden state. */
    int hiddenSize();

    /** Hidden states behind the last norm of the rows that have logits; valid until the next pass. */
    Buffer lastHidden();

    /** Decoder layers, each with keys and values of its own. */
    int layers();

    /** Longest sequence the network was made for. */
    int maxPositions();

    /** Heads of every layer. */
    HeadLayout heads();

    /** Number of weights. */
    long parameters();

    /**
     * One pass over all tokens of a step.
     *
     * @return logits, input.logitRowCount × vocabSize; valid until the next pass
     */
    Buffer forward(ForwardInput input, KvCache cache);
}
