package dev.spandrel.engine.backend;

import dev.spandrel.engine.DeviceStats;
import dev.spandrel.engine.StepDetail;
import dev.spandrel.engine.tensor.Buffer;
import dev.spandrel.engine.tensor.DType;
import dev.spandrel.engine.tensor.Tensor;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * What a forward pass is made of. All matrices are row-major F32 with one row per token of the step; one thread calls.
 * An implementation computes each output row from its own inputs only, in a fixed order, so a row's result does not
 * depend on what else is in the step. {@link ReferenceBackend} is the truth, {@code BackendContract} holds the others to
 * it.
 */
public interface Backend extends AutoCloseable {
    /** One line for people: what it is and what it uses. */
    String description();

    /** The device it runs on, where that is not the processor; any thread may ask. */
    default Optional<DeviceStats> device() {
        return Optional.empty();
    }

    /** Threads that compute for it beside the calling one, for as long as it is open. */
    default List<Thread> workers() {
        return List.of();
    }

    /**
     * Whether passes of one token per sequence are recorded when one of its kind comes for the second time, and replayed from
     * then on.
     */
    default boolean recordsPasses() {
        return false;
    }

    /**
     * Whether the passes that begin from now on are watched: then {@link #deviceTimes} is asked after each. A backend that
     * replays recorded passes may run watched ones verb by verb.
     */
    default void watch(boolean watched) {}

    /**
     * Time that the phases of the last watched pass took on the device, measured there; waits for its end. Empty where the
     * processor is the device.
     */
    default List<StepDetail.DeviceTime> deviceTimes() {
        return List.of();
    }

    /** Room for {@code elements} activations, zeroed. */
    Buffer allocate(long elements);

    /**
     * Room for the keys and values of one layer, zeroed; {@code blockSize} is a multiple of 16. What is stored is rounded to
     * {@code dtype}, what is computed with it is F32.
     */
    KvLayer allocateKv(int blocks, int blockSize, HeadLayout heads, KvDType dtype);

    /** Memory that weights could still take, in bytes. */
    long availableBytes();

    /** Bytes that a tensor of this type and shape will take here. */
    long bytes(DType stored, List<Long> shape);

    /**
     * Takes weights over into this backend's memory and layout, in the format of its {@link WeightPolicy}. Matrices of equal
     * width are stacked: rows of the second below rows of the first; so are vectors. The tensors are not needed afterwards.
     *
     * @param parts one or more tensors of one rank, 1 or 2
     */
    Weight upload(Tensor... parts);

    /** How many of the matrices uploaded so far have their inputs rounded to bytes, as {@link WeightPolicy#roundsInputs} says. */
    default int roundingWeights() {
        return 0;
    }

    /** As {@link #upload} for a table that only {@link #embed} reads: never quantized beyond what is stored. */
    Weight uploadTable(Tensor table);

    /**
     * Rows of a table: {@code out[t] = table[ids[t]]}, or added to what is there. A backend that {@link #runsAhead} takes an id of
     * −1 − k for the k-th token of the last {@link #draw}, whether it has been read or not.
     *
     * @param count rows; {@code out} is count × table.columns
     */
    void embed(Weight table, int[] ids, int count, boolean accumulate, Buffer out);

    /**
     * Layer normalisation of each row (Ba, Kiros and Hinton, 2016): (x − mean) / sqrt(variance + epsilon) × weight + bias.
     *
     * @param weight per-column factor, or null for 1
     * @param bias per-column summand, or null for 0
     */
    void layerNorm(Buffer in, int rows, int columns, Weight weight, Weight bias, float epsilon, Buffer out);

    /**
     * Root-mean-square normalisation of each row (Zhang and Sennrich, 2019): x / sqrt(mean(x²) + epsilon) × weight.
     *
     * @param weight per-column factor
     */
    void rmsNorm(Buffer in, int rows, int columns, Weight weight, float epsilon, Buffer out);

    /**
     * Root-mean-square normalisation of queries and keys in place. A weight of headDim normalises each head by itself
     * (Qwen3, Gemma 3), one as wide as all heads normalises them together (OLMo 2).
     *
     * @param qkv rows × heads.columns
     */
    void normHeads(Buffer qkv, int rows, HeadLayout heads, Weight queries, Weight keys, float epsilon);

    /**
     * Rotary position embedding of queries and keys in place (Su et al., 2021), in the order of GPT-NeoX: column i turns
     * with column i + rotaryDim / 2. Columns from {@code rotaryDim} on stay as they are.
     *
     * @param qkv rows × heads.columns
     * @param rotaryDim even, at most headDim
     * @param angles rows × rotaryDim: rotaryDim / 2 cosines, then as many sines
     */
    void rope(Buffer qkv, int rows, HeadLayout heads, int rotaryDim, float[] angles);

    /**
     * Gated feed-forward (Shazeer, 2020): {@code out = activation(left half) × right half}.
     *
     * @param gateUp rows × 2·columns
     * @param out rows × columns; another buffer
     */
    void gate(Buffer gateUp, int rows, int columns, Activation activation, Buffer out);

    /** {@code values ×= factor}, {@code count} elements. */
    void scale(Buffer values, long count, float factor);

    /** {@code values = cap × tanh(values / cap)}, {@code count} elements (Gemma 2). */
    void softCap(Buffer values, long count, float cap);

    /**
     * {@code out = activation(in × weightᵀ + bias)}.
     *
     * @param in rows × weight.columns
     * @param bias vector of weight.rows, or null
     * @param out rows × weight.rows; another buffer than {@code in}
     */
    void matmul(Buffer in, int rows, Weight weight, Weight bias, Activation activation, Buffer out);

    /**
     * {@code out = activation(norm(in) × weightᵀ + bias)}; without a norm, {@link #matmul}.
     *
     * @param norm or null
     * @param normed room for what is normalised, rows × weight.columns; what it holds afterwards is not said
     */
    default void normMatmul(
            Buffer in,
            int rows,
            Norm norm,
            Weight weight,
            Weight bias,
            Activation activation,
            Buffer normed,
            Buffer out) {
        if (norm != null) {
            norm.apply(this, in, rows, weight.columns(), normed);
        }
        matmul(norm == null ? in : normed, rows, weight, bias, activation, out);
    }

    /**
     * Gated feed-forward up to the gate: {@code out = gate(norm(in) × weightᵀ + bias)}.
     *
     * @param norm or null
     * @param weight 2·columns rows: those of the gate, then those it lets through
     * @param normed room as in {@link #normMatmul}
     * @param gateUp room for rows × weight.rows; what it holds afterwards is not said
     * @param out rows × columns
     */
    default void normMatmulGate(
            Buffer in,
            int rows,
            Norm norm,
            Weight weight,
            Weight bias,
            Activation activation,
            Buffer normed,
            Buffer gateUp,
            Buffer out) {
        normMatmul(in, rows, norm, weight, bias, Activation.NONE, normed, gateUp);
        gate(gateUp, rows, weight.rows() / 2, activation, out);
    }

    /**
     * {@code sum += in × weightᵀ + bias}.
     *
     * @param product room for rows × weight.rows; what it holds afterwards is not said
     */
    default void matmulAdd(Buffer in, int rows, Weight weight, Weight bias, Buffer product, Buffer sum) {
        matmul(in, rows, weight, bias, Activation.NONE, product);
        add(product, (long) rows * weight.rows(), sum);
    }

    /**
     * {@link #rope}, {@link #storeKv} and {@link #attention} of one layer.
     *
     * @param rotaryDim 0 where positions do not turn anything; {@code angles} is null then
     */
    default void attend(
            Buffer qkv,
            HeadLayout heads,
            AttentionMetadata metadata,
            int rotaryDim,
            float[] angles,
            KvLayer kv,
            AttentionRule rule,
            Buffer out) {
        if (rotaryDim > 0) {
            rope(qkv, metadata.tokenCount(), heads, rotaryDim, angles);
        }
        storeKv(qkv, heads, metadata, kv);
        attention(qkv, heads, metadata, kv, rule, out);
    }

    /**
     * A pass over these tokens begins: what the verbs are given until {@link #endStep} belongs to it, and arrays keep their
     * content meanwhile. A backend may record a pass, and run the record when the same comes again.
     *
     * @param logitRows rows that {@link #gatherRows} will pick
     */
    default void beginStep(AttentionMetadata metadata, int logitRows) {}

    /**
     * Whether a pass is only on its way when {@link #endStep} returns, and a draw when {@link #draw} does: reading waits for
     * it, and the engine may do other things meanwhile, the next pass included.
     */
    default boolean runsAhead() {
        return false;
    }

    /** What keys and values are stored as when nobody says: the type that attention reads at least cost of truth here. */
    default KvDType kvDType() {
        return KvDType.F32;
    }

    /** The pass is complete; a backend that only recorded so far runs it now. */
    default void endStep() {}

    /** The pass threw half-way: forgets it. */
    default void abandonStep() {}

    /**
     * Memory that keys and values may take, where the backend's own memory says so; empty where the machine's does.
     */
    default OptionalLong kvBytes() {
        return OptionalLong.empty();
    }

    /** {@code out += in}, {@code count} elements. */
    void add(Buffer in, long count, Buffer out);

    /**
     * Puts this step's keys and values into their slots.
     *
     * @param qkv tokens × heads.columns
     */
    void storeKv(Buffer qkv, HeadLayout heads, AttentionMetadata metadata, KvLayer kv);

    /**
     * Causal scaled dot-product attention over the stored keys and values of each token's sequence (Vaswani et al., 2017,
     * section 3.2.1), this step's own included.
     *
     * @param qkv tokens × heads.columns, of which the queries are read
     * @param out tokens × heads.queryColumns
     */
    void attention(
            Buffer qkv, HeadLayout heads, AttentionMetadata metadata, KvLayer kv, AttentionRule rule, Buffer out);

    /** Picks rows: {@code out[i] = in[rows[i]]}, each {@code columns} wide. */
    void gatherRows(Buffer in, int[] rows, int count, int columns, Buffer out);

    /**
     * Starts drawing a token from each of some rows of logits, where the backend does that itself; {@link #readDrawn} waits for
     * them. So only token ids leave a device.
     *
     * @return whether it does; if not, the logits are to be read
     */
    default boolean draw(Buffer logits, int columns, Draws draws) {
        return false;
    }

    /** Whether {@link #draw} does what {@link Draws#changes} says before. */
    default boolean changesScores() {
        return false;
    }

    /**
     * The tokens of the last {@link #draw}, in its order; −1 where the largest logit is no finite number, −2 where what was changed
     * left no token.
     *
     * @param tokens as many as were drawn, at least
     */
    default void readDrawn(int[] tokens) {
        throw new UnsupportedOperationException("this backend draws no tokens");
    }

    /** Copies row {@code row} of a rows × {@code columns} buffer into the front of {@code into}. */
    void readLogits(Buffer logits, int row, int columns, float[] into);

    @Override
    void close();
}
