package dev.spandrel.engine.backend.cpu;

import dev.spandrel.engine.backend.Activation;
import dev.spandrel.engine.backend.HeadLayout;
import dev.spandrel.engine.backend.Norm;
import java.lang.foreign.MemorySegment;

/**
 * The verbs that treat each row by itself; a task is one row. One object serves all of them in turn, so that a step allocates
 * nothing: what a verb needs is noted here, then the tasks run.
 */
final class RowVerbs implements Workers.Task {
    private enum Verb {
        EMBED,
        LAYER_NORM,
        RMS_NORM,
        NORM_HEADS,
        ROPE,
        GATE
    }

    private final CpuBackend.Scratch[] scratch;
    private Verb verb;
    private float[] in;
    private float[] out;
    private int columns;
    private MemorySegment weight;
    private MemorySegment bias;
    private float epsilon;
    private CpuWeight table;
    private int[] ids;
    private boolean accumulate;
    private HeadLayout heads;
    private CpuWeight queries;
    private CpuWeight keys;
    private int rotaryDim;
    private float[] angles;
    private Activation activation;

    RowVerbs(CpuBackend.Scratch[] scratch) {
        this.scratch = scratch;
    }

    RowVerbs embed(CpuWeight from, int[] rows, boolean add, float[] to) {
        verb = Verb.EMBED;
        table = from;
        ids = rows;
        accumulate = add;
        out = to;
        return this;
    }

    RowVerbs layerNorm(float[] x, int width, MemorySegment factors, MemorySegment summands, float least, float[] to) {
        rmsNorm(x, width, factors, least, to);
        verb = Verb.LAYER_NORM;
        bias = summands;
        return this;
    }

    RowVerbs rmsNorm(float[] x, int width, MemorySegment factors, float least, float[] to) {
        verb = Verb.RMS_NORM;
        in = x;
        columns = width;
        weight = factors;
        epsilon = least;
        out = to;
        return this;
    }

    RowVerbs norm(float[] x, int width, Norm norm, float[] to) {
        MemorySegment factors = CpuBackend.data(norm.weight());
        return norm.centred()
                ? layerNorm(x, width, factors, CpuBackend.data(norm.bias()), norm.epsilon(), to)
                : rmsNorm(x, width, factors, norm.epsilon(), to);
    }

    RowVerbs normHeads(float[] qkv, HeadLayout layout, CpuWeight forQueries, CpuWeight forKeys, float least) {
        verb = Verb.NORM_HEADS;
        in = qkv;
        heads = layout;
        queries = forQueries;
        keys = forKeys;
        epsilon = least;
        return this;
    }

    RowVerbs rope(float[] qkv, HeadLayout layout, int turned, float[] by) {
        verb = Verb.ROPE;
        in = qkv;
        heads = layout;
        rotaryDim = turned;
        angles = by;
        return this;
    }

    RowVerbs gate(float[] gateUp, int width, Activation function, float[] to) {
        verb = Verb.GATE;
        in = gateUp;
        columns = width;
        activation = function;
        out = to;
        return this;
    }

    @Override
    public void run(int row, int worker) {
        float[] lanes = scratch[worker].lanes;
        switch (verb) {
            case EMBED -> embed(row);
            case LAYER_NORM ->
                PointwiseKernels.layerNorm(
                        in, row * columns, columns, weight, bias, epsilon, out, row * columns, lanes);
            case RMS_NORM -> PointwiseKernels.rmsNorm(in, row * columns, columns, weight, epsilon, out, lanes);
            case NORM_HEADS -> normHeads(row, lanes);
            case ROPE -> rotate(row);
            case GATE -> gate(row);
        }
    }

    private void embed(int token) {
        int row = ids[token];
        int part = 0;
        while (row >= table.parts().get(part).rows()) {
            row -= table.parts().get(part).rows();
            part++;
        }
        table.parts().get(part).row(row, out, token * table.columns(), accumulate);
    }

    private void normHeads(int r, float[] lanes) {
        int row = r * heads.columns();
        for (int at = 0; at < heads.queryColumns(); at += queries.rows()) {
            PointwiseKernels.rmsNorm(
                    in, row + at, queries.rows(), queries.vector().data(), epsilon, in, lanes);
        }
        for (int at = 0; at < heads.kvColumns(); at += keys.rows()) {
            int key = row + heads.queryColumns() + at;
            PointwiseKernels.rmsNorm(in, key, keys.rows(), keys.vector().data(), epsilon, in, lanes);
        }
    }

    private void rotate(int r) {
        for (int h = 0; h < heads.heads() + heads.kvHeads(); h++) {
            int at = r * heads.columns() + h * heads.headDim();
            PointwiseKernels.rotate(in, at, rotaryDim / 2, angles, r * rotaryDim);
        }
    }

    private void gate(int r) {
        int gate = r * 2 * columns;
        System.arraycopy(in, gate, out, r * columns, columns);
        ActivationKernels.apply(activation, out, r * columns, (r + 1) * columns);
        PointwiseKernels.multiply(in, gate + columns, out, r * columns, columns);
    }
}
