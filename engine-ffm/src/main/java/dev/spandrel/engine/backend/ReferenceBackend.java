package dev.spandrel.engine.backend;

import dev.spandrel.engine.tensor.Buffer;
import dev.spandrel.engine.tensor.DType;
import dev.spandrel.engine.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

/**
 * The truth: every verb as the plainest loop over F32 that says what it means. Slow on purpose; other backends are
 * tested against it, and it serves where a doubt about a fast kernel needs settling.
 */
public final class ReferenceBackend implements Backend {
    /** Rows one after another, as {@link WeightFormat} says. */
    private record Rows(int count, WeightFormat format, MemorySegment data) {}

    private record HostWeight(int rows, int columns, List<Rows> parts) implements Weight {
        /** Reads a row; returns what it is kept as. */
        WeightFormat row(int row, float[] into) {
            int in = row;
            for (Rows part : parts) {
                if (in < part.count) {
                    part.format.decode(part.data, in * part.format.rowBytes(columns), columns, into);
                    return part.format;
                }
                in -= part.count;
            }
            throw new IndexOutOfBoundsException("row " + row + " of " + rows);
        }

        @Override
        public long bytes() {
            return parts.stream().mapToLong(part -> part.data.byteSize()).sum();
        }
    }

    private final WeightPolicy policy;
    /** Matrices whose inputs are rounded. */
    private int roundingWeights;

    /** Both [block][offset][kv head][head dim]. */
    private record HostKv(KvDType dtype, float[] keys, float[] values) implements KvLayer {}

    /** Keeps weights as they are stored. */
    public ReferenceBackend() {
        this(WeightPolicy.AS_STORED);
    }

    /** @param policy what weights are kept as; computed with is what they then say, in F32 */
    public ReferenceBackend(WeightPolicy policy) {
        this.policy = policy;
    }

    @Override
    public String description() {
        return "reference (plain Java loops, one thread)";
    }

    @Override
    public Buffer allocate(long elements) {
        return HostBuffer.of(elements);
    }

    @Override
    public KvLayer allocateKv(int blocks, int blockSize, HeadLayout heads, KvDType dtype) {
        int size = Math.multiplyExact(Math.multiplyExact(blocks, blockSize), heads.kvColumns());
        return new HostKv(dtype, new float[size], new float[size]);
    }

    @Override
    public long availableBytes() {
        Runtime runtime = Runtime.getRuntime();
        return runtime.maxMemory() - (runtime.totalMemory() - runtime.freeMemory());
    }

    @Override
    public long bytes(DType stored, List<Long> shape) {
        return policy.bytes(stored, shape);
    }

    @Override
    public Weight upload(Tensor... parts) {
        boolean vector = parts[0].shape().size() == 1;
        HostWeight kept = keep(vector ? stored -> WeightFormat.F32 : policy::matrix, parts);
        roundingWeights += kept.parts.stream().anyMatch(part -> policy.roundsInputs(part.format)) ? 1 : 0;
        return kept;
    }

    @Override
    public int roundingWeights() {
        return roundingWeights;
    }

    @Override
    public Weight uploadTable(Tensor table) {
        return keep(policy::table, table);
    }

    private static HostWeight keep(Function<DType, WeightFormat> format, Tensor... parts) {
        List<Rows> kept = new ArrayList<>();
        int rows = 0;
        int columns = 0;
        for (WeightRows from : WeightRows.of(format, parts)) {
            long size = Math.multiplyExact(from.rows(), from.rowBytes());
            MemorySegment data = MemorySegment.ofArray(new byte[Math.toIntExact(size)]);
            float[] scratch = new float[from.columns()];
            for (int r = 0; r < from.rows(); r++) {
                from.read(r, data, r * from.rowBytes(), scratch);
            }
            kept.add(new Rows(from.rows(), from.format(), data));
            rows += from.rows();
            columns = from.columns();
        }
        return new HostWeight(rows, columns, kept);
    }

    @Override
    public void embed(Weight table, int[] ids, int count, boolean accumulate, Buffer out) {
        float[] to = HostBuffer.of(out);
        int columns = table.columns();
        float[] row = new float[columns];
        for (int t = 0; t < count; t++) {
            ((HostWeight) table).row(ids[t], row);
            for (int c = 0; c < columns; c++) {
                to[t * columns + c] = accumulate ? to[t * columns + c] + row[c] : row[c];
            }
        }
    }

    @Override
    public void layerNorm(Buffer in, int rows, int columns, Weight weight, Weight bias, float epsilon, Buffer out) {
        float[] x = HostBuffer.of(in);
        float[] y = HostBuffer.of(out);
        float[] factors = weight == null ? null : vector(weight);
        float[] summands = bias == null ? null : vector(bias);
        for (int r = 0; r < rows; r++) {
            int at = r * columns;
            float sum = 0;
            for (int c = 0; c < columns; c++) {
                sum += x[at + c];
            }
            float mean = sum / columns;
            float squares = 0;
            for (int c = 0; c < columns; c++) {
                squares += (x[at + c] - mean) * (x[at + c] - mean);
            }
            float scale = (float) (1 / Math.sqrt(squares / columns + epsilon));
            for (int c = 0; c < columns; c++) {
                float factor = factors == null ? 1 : factors[c];
                float summand = summands == null ? 0 : summands[c];
                y[at + c] = (x[at + c] - mean) * scale * factor + summand;
            }
        }
    }

    @Override
    public void matmul(Buffer in, int rows, Weight weight, Weight bias, Activation activation, Buffer out) {
        float[] x = HostBuffer.of(in);
        float[] y = HostBuffer.of(out);
        int inner = weight.columns();
        int columns = weight.rows();
        float[] summands = bias == null ? null : vector(bias);
        float[] rounded = policy.roundsInputs() ? rounded(x, rows, inner) : x;
        float[] w = new float[inner];
        for (int n = 0; n < columns; n++) {
            WeightFormat format = ((HostWeight) weight).row(n, w);
            float[] inputs = policy.roundsInputs(format) ? rounded : x;
            for (int r = 0; r < rows; r++) {
                float sum = summands == null ? 0 : summands[n];
                for (int k = 0; k < inner; k++) {
                    sum += inputs[r * inner + k] * w[k];
                }
                y[r * columns + n] = activate(activation, sum);
            }
        }
    }

    private static float[] rounded(float[] x, int rows, int columns) {
        float[] rounded = new float[rows * columns];
        for (int r = 0; r < rows; r++) {
            ByteRounding.round(x, r * columns, columns, rounded, r * columns);
        }
        return rounded;
    }

    private static float activate(Activation activation, float x) {
        return switch (activation) {
            case NONE -> x;
            case RELU -> Math.max(0, x);
            case SILU -> (float) (x / (1 + Math.exp(-x)));
            case GELU -> (float) (0.5 * x * (1 + erf(x / Math.sqrt(2))));
            case GELU_TANH -> (float) (0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x))));
        };
    }

    /** The error function by its series, which converges everywhere; beyond 5 it is 1 to within F32. */
    private static double erf(double x) {
        if (Math.abs(x) > 5) {
            return Math.signum(x);
        }
        double term = x;
        double sum = x;
        for (int n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n++) {
            term *= -x * x / n;
            sum += term / (2 * n + 1);
        }
        return 2 / Math.sqrt(Math.PI) * sum;
    }

    @Override
    public void rmsNorm(Buffer in, int rows, int columns, Weight weight, float epsilon, Buffer out) {
        float[] factors = vector(weight);
        for (int r = 0; r < rows; r++) {
            rmsNorm(HostBuffer.of(in), r * columns, columns, factors, epsilon, HostBuffer.of(out));
        }
    }

    private static void rmsNorm(float[] x, int at, int columns, float[] weight, float epsilon, float[] y) {
        float squares = 0;
        for (int c = 0; c < columns; c++) {
            squares += x[at + c] * x[at + c];
        }
        float scale = (float) (1 / Math.sqrt(squares / columns + epsilon));
        for (int c = 0; c < columns; c++) {
            y[at + c] = x[at + c] * scale * weight[c];
        }
    }

    @Override
    public void normHeads(Buffer qkv, int rows, HeadLayout heads, Weight queries, Weight keys, float epsilon) {
        float[] x = HostBuffer.of(qkv);
        float[] ofQueries = vector(queries);
        float[] ofKeys = vector(keys);
        for (int r = 0; r < rows; r++) {
            int row = r * heads.columns();
            for (int at = 0; at < heads.queryColumns(); at += queries.rows()) {
                rmsNorm(x, row + at, queries.rows(), ofQueries, epsilon, x);
            }
            for (int at = 0; at < heads.kvColumns(); at += keys.rows()) {
                rmsNorm(x, row + heads.queryColumns() + at, keys.rows(), ofKeys, epsilon, x);
            }
        }
    }

    @Override
    public void rope(Buffer qkv, int rows, HeadLayout heads, int rotaryDim, float[] angles) {
        float[] x = HostBuffer.of(qkv);
        int half = rotaryDim / 2;
        for (int r = 0; r < rows; r++) {
            for (int h = 0; h < heads.heads() + heads.kvHeads(); h++) {
                int at = r * heads.columns() + h * heads.headDim();
                for (int i = 0; i < half; i++) {
                    float cos = angles[r * rotaryDim + i];
                    float sin = angles[r * rotaryDim + half + i];
                    float left = x[at + i];
                    float right = x[at + half + i];
                    x[at + i] = left * cos - right * sin;
                    x[at + half + i] = right * cos + left * sin;
                }
            }
        }
    }

    @Override
    public void gate(Buffer gateUp, int rows, int columns, Activation activation, Buffer out) {
        float[] x = HostBuffer.of(gateUp);
        for (int r = 0; r < rows; r++) {
            for (int c = 0; c < columns; c++) {
                float gate = x[r * 2 * columns + c];
                float up = x[r * 2 * columns + columns + c];
                HostBuffer.of(out)[r * columns + c] = activate(activation, gate) * up;
            }
        }
    }

    @Override
    public void scale(Buffer values, long count, float factor) {
        float[] x = HostBuffer.of(values);
        for (int i = 0; i < count; i++) {
            x[i] *= factor;
        }
    }

    @Override
    public void softCap(Buffer values, long count, float cap) {
        float[] x = HostBuffer.of(values);
        for (int i = 0; i < count; i++) {
            x[i] = cap(x[i], cap);
        }
    }

    private static float cap(float x, float cap) {
        return (float) (cap * Math.tanh(x / cap));
    }

    @Override
    public void add(Buffer in, long count, Buffer out) {
        float[] x = HostBuffer.of(in);
        float[] y = HostBuffer.of(out);
        for (int i = 0; i < count; i++) {
            y[i] += x[i];
        }
    }

    @Override
    public void storeKv(Buffer qkv, HeadLayout heads, AttentionMetadata metadata, KvLayer kv) {
        float[] from = HostBuffer.of(qkv);
        HostKv cache = (HostKv) kv;
        int width = heads.kvColumns();
        for (int t = 0; t < metadata.tokenCount(); t++) {
            int row = t * heads.columns() + heads.queryColumns();
            for (int h = 0; h < heads.kvHeads(); h++) {
                int head = h * heads.headDim();
                int to = metadata.slot(t) * width + head;
                round(cache.dtype, from, row + head, heads.headDim(), cache.keys, to);
                round(cache.dtype, from, row + width + head, heads.headDim(), cache.values, to);
            }
        }
    }

    /** Stores values as they come back from {@code dtype}. */
    private static void round(KvDType dtype, float[] from, int at, int count, float[] to, int toAt) {
        float scale = KvDType.int8Scale(from, at, count);
        for (int i = 0; i < count; i++) {
            float value = from[at + i];
            to[toAt + i] = switch (dtype) {
                case F32 -> value;
                case F16 -> Float.float16ToFloat(KvDType.toF16(value));
                case BF16 -> Float.intBitsToFloat(KvDType.toBf16(value) << 16);
                case INT8 -> KvDType.toInt8(value, scale) * scale;
            };
        }
    }

    @Override
    public void attention(
            Buffer qkv, HeadLayout heads, AttentionMetadata metadata, KvLayer kv, AttentionRule rule, Buffer out) {
        for (int t = 0; t < metadata.tokenCount(); t++) {
            for (int h = 0; h < heads.heads(); h++) {
                attendOne(HostBuffer.of(qkv), heads, metadata, (HostKv) kv, rule, t, h, HostBuffer.of(out));
            }
        }
    }

    /** One query row of one head: softmax(q·Kᵀ × scale) × V over the positions it sees. */
    private static void attendOne(
            float[] qkv,
            HeadLayout heads,
            AttentionMetadata metadata,
            HostKv kv,
            AttentionRule rule,
            int t,
            int h,
            float[] out) {
        int dim = heads.headDim();
        int query = t * heads.columns() + h * dim;
        int to = t * heads.queryColumns() + h * dim;
        int seen = metadata.position(t) + 1;
        float[] weights = new float[seen];
        int first = rule.first(metadata.position(t));
        float max = Float.NEGATIVE_INFINITY;
        for (int p = first; p < seen; p++) {
            int key = slot(metadata, t, p) * heads.kvColumns() + heads.kvHead(h) * dim;
            float dot = 0;
            for (int d = 0; d < dim; d++) {
                dot += qkv[query + d] * kv.keys[key + d];
            }
            weights[p] = rule.softCap() == 0 ? dot * rule.scale() : cap(dot * rule.scale(), rule.softCap());
            max = Math.max(max, weights[p]);
        }
        float sum = 0;
        for (int p = first; p < seen; p++) {
            weights[p] = (float) Math.exp(weights[p] - max);
            sum += weights[p];
        }
        java.util.Arrays.fill(out, to, to + dim, 0);
        for (int p = first; p < seen; p++) {
            int value = slot(metadata, t, p) * heads.kvColumns() + heads.kvHead(h) * dim;
            for (int d = 0; d < dim; d++) {
                out[to + d] += weights[p] / sum * kv.values[value + d];
            }
        }
    }

    private static int slot(AttentionMetadata metadata, int token, int position) {
        int block = metadata.blockTable(token)[position / metadata.blockSize()];
        return block * metadata.blockSize() + position % metadata.blockSize();
    }

    @Override
    public void gatherRows(Buffer in, int[] rows, int count, int columns, Buffer out) {
        for (int i = 0; i < count; i++) {
            System.arraycopy(HostBuffer.of(in), rows[i] * columns, HostBuffer.of(out), i * columns, columns);
        }
    }

    @Override
    public void readLogits(Buffer logits, int row, int columns, float[] into) {
        System.arraycopy(HostBuffer.of(logits), row * columns, into, 0, columns);
    }

    @Override
    public void close() {
        // Everything lies on the heap.
    }

    private static float[] vector(Weight weight) {
        float[] values = new float[weight.rows()];
        float[] one = new float[1];
        for (int i = 0; i < values.length; i++) {
            ((HostWeight) weight).row(i, one);
            values[i] = one[0];
        }
        return values;
    }
}
