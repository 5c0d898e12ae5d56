package dev.spandrel.engine.backend.cuda;

import dev.spandrel.engine.backend.Activation;
import dev.spandrel.engine.backend.AttentionMetadata;
import dev.spandrel.engine.backend.AttentionRule;
import dev.spandrel.engine.backend.Backend;
import dev.spandrel.engine.backend.HeadLayout;
import dev.spandrel.engine.backend.KvLayer;
import dev.spandrel.engine.backend.Norm;
import dev.spandrel.engine.backend.Weight;
import dev.spandrel.engine.cuda.CudaMemory;
import dev.spandrel.engine.tensor.Buffer;

/**
 * Every verb as a kernel on one stream. In a pass rows are filled up and what is constant is placed first; whether a launch follows
 * is for {@link CudaSteps} to say, since a recorded pass needs none.
 */
abstract class CudaVerbs implements Backend {
    private final CudaState state;

    CudaVerbs(CudaState state) {
        this.state = state;
    }

    CudaState state() {
        return state;
    }

    @Override
    public void embed(Weight table, int[] ids, int count, boolean accumulate, Buffer out) {
        state.enter();
        CudaWeight weight = CudaWeight.of(table);
        if (weight.parts().size() > 1) {
            throw new IllegalArgumentException("a table of embeddings has one format, found "
                    + weight.parts().size());
        }
        int rows = state.steps().padded(count);
        long placed = ids(ids, count);
        if (state.steps().runs(rows, "embed")) {
            state.pointwise().embed(weight, placed, state.sampling().tokens(), rows, accumulate, CudaBuffer.of(out));
        }
    }

    /** Device address of some ids, followed by zeros in a filled-up pass. */
    private long ids(int[] ids, int count) {
        int padding = state.steps().padded(count) - count;
        long address = state.block().find(ids);
        return address != 0 ? address : state.block().ints(ids, ids, count, padding, 0);
    }

    @Override
    public void layerNorm(Buffer in, int rows, int columns, Weight weight, Weight bias, float epsilon, Buffer out) {
        norm(in, rows, columns, Norm.layer(weight, bias, epsilon), out);
    }

    @Override
    public void rmsNorm(Buffer in, int rows, int columns, Weight weight, float epsilon, Buffer out) {
        norm(in, rows, columns, Norm.rms(weight, epsilon), out);
    }

    private void norm(Buffer in, int rows, int columns, Norm norm, Buffer out) {
        state.enter();
        int all = state.steps().padded(rows);
        if (state.steps().runs(all, norm.centred() ? "layerNorm" : "rmsNorm")) {
            state.pointwise().norm(CudaBuffer.of(in), all, columns, norm, CudaBuffer.of(out));
        }
    }

    @Override
    public void normHeads(Buffer qkv, int rows, HeadLayout heads, Weight queries, Weight keys, float epsilon) {
        state.enter();
        int all = state.steps().padded(rows);
        if (state.steps().runs(all, "normHeads")) {
            state.pointwise().normHeads(CudaBuffer.of(qkv), all, heads, queries, keys, epsilon);
        }
    }

    @Override
    public void rope(Buffer qkv, int rows, HeadLayout heads, int rotaryDim, float[] angles) {
        state.enter();
        int all = state.steps().padded(rows);
        long placed = angles(angles, rows, rotaryDim);
        if (state.steps().runs(all, "rope")) {
            state.attention().ropeAndStore(CudaBuffer.of(qkv), heads, all, placed, rotaryDim, 0, null);
        }
    }

    private long angles(float[] angles, int rows, int rotaryDim) {
        int padding = state.steps().padded(rows) - rows;
        long address = state.block().find(angles);
        return address != 0 ? address : state.block().floats(angles, angles, rows * rotaryDim, padding * rotaryDim);
    }

    @Override
    public void gate(Buffer gateUp, int rows, int columns, Activation activation, Buffer out) {
        state.enter();
        int all = state.steps().padded(rows);
        if (state.steps().runs(all, "gate")) {
            state.pointwise().gate(CudaBuffer.of(gateUp), all, columns, activation, CudaBuffer.of(out));
        }
    }

    @Override
    public void scale(Buffer values, long count, float factor) {
        pointwise("scale", values, count, factor);
    }

    @Override
    public void softCap(Buffer values, long count, float cap) {
        pointwise("soft_cap", values, count, cap);
    }

    private void pointwise(String name, Buffer values, long count, float by) {
        state.enter();
        long all = state.steps().padded(count);
        if (state.steps().runs(all, name.equals("scale") ? "scale" : "softCap")) {
            state.pointwise().each(name, CudaBuffer.of(values), all, by);
        }
    }

    @Override
    public void add(Buffer in, long count, Buffer out) {
        state.enter();
        long all = state.steps().padded(count);
        if (state.steps().runs(all, "add")) {
            state.pointwise().add(CudaBuffer.of(in), all, CudaBuffer.of(out));
        }
    }

    @Override
    public void matmul(Buffer in, int rows, Weight weight, Weight bias, Activation activation, Buffer out) {
        multiply(in, new Products.Request(rows, null, CudaWeight.of(weight), bias, activation, false, false), out);
    }

    @Override
    public void normMatmul(
            Buffer in,
            int rows,
            Norm norm,
            Weight weight,
            Weight bias,
            Activation activation,
            Buffer normed,
            Buffer out) {
        CudaWeight matrix = CudaWeight.of(weight);
        if (norm == null || !state.products().normalizes(state.steps().padded(rows), matrix)) {
            Backend.super.normMatmul(in, rows, norm, weight, bias, activation, normed, out);
        } else {
            multiply(in, new Products.Request(rows, norm, matrix, bias, activation, false, false), out);
        }
    }

    @Override
    public void normMatmulGate(
            Buffer in,
            int rows,
            Norm norm,
            Weight weight,
            Weight bias,
            Activation activation,
            Buffer normed,
            Buffer gateUp,
            Buffer out) {
        CudaWeight matrix = CudaWeight.of(weight);
        int all = state.steps().padded(rows);
        if (!state.products().gates(all, matrix)) {
            Backend.super.normMatmulGate(in, rows, norm, weight, bias, activation, normed, gateUp, out);
            return;
        }
        boolean fused = norm != null && state.products().normalizes(all, matrix);
        if (norm != null && !fused) {
            norm(in, rows, weight.columns(), norm, normed);
        }
        Buffer from = norm == null || fused ? in : normed;
        multiply(from, new Products.Request(rows, fused ? norm : null, matrix, bias, activation, false, true), out);
    }

    @Override
    public void matmulAdd(Buffer in, int rows, Weight weight, Weight bias, Buffer product, Buffer sum) {
        Products.Request request =
                new Products.Request(rows, null, CudaWeight.of(weight), bias, Activation.NONE, true, false);
        multiply(in, request, sum);
    }

    private void multiply(Buffer in, Products.Request request, Buffer out) {
        state.enter();
        int rows = state.steps().padded(request.rows());
        if (state.steps().runs(rows, "matmul")) {
            Products.Request all = new Products.Request(
                    rows,
                    request.norm(),
                    request.weight(),
                    request.bias(),
                    request.activation(),
                    request.accumulate(),
                    request.gate());
            state.products().run(all, CudaBuffer.of(in), CudaBuffer.of(out));
        }
    }

    @Override
    public void storeKv(Buffer qkv, HeadLayout heads, AttentionMetadata metadata, KvLayer kv) {
        state.enter();
        Attention.Placed placed = state.attention().place(metadata, state.steps(), state.block());
        if (state.steps().runs(placed.tokens(), "storeKv")) {
            state.attention()
                    .ropeAndStore(CudaBuffer.of(qkv), heads, placed.tokens(), 0, 0, placed.slots(), (CudaKv) kv);
        }
    }

    @Override
    public void attention(
            Buffer qkv, HeadLayout heads, AttentionMetadata metadata, KvLayer kv, AttentionRule rule, Buffer out) {
        state.enter();
        Attention.Placed placed = state.attention().place(metadata, state.steps(), state.block());
        if (state.steps().runs(placed.tokens(), "attention")) {
            attend(CudaBuffer.of(qkv), heads, metadata, placed, (CudaKv) kv, rule, CudaBuffer.of(out));
        }
    }

    @Override
    public void attend(
            Buffer qkv,
            HeadLayout heads,
            AttentionMetadata metadata,
            int rotaryDim,
            float[] angles,
            KvLayer kv,
            AttentionRule rule,
            Buffer out) {
        state.enter();
        long turned = rotaryDim == 0 ? 0 : angles(angles, metadata.tokenCount(), rotaryDim);
        Attention.Placed placed = state.attention().place(metadata, state.steps(), state.block());
        if (state.steps().runs(placed.tokens(), "attention")) {
            CudaMemory rows = CudaBuffer.of(qkv);
            state.attention()
                    .ropeAndStore(rows, heads, placed.tokens(), turned, rotaryDim, placed.slots(), (CudaKv) kv);
            attend(rows, heads, metadata, placed, (CudaKv) kv, rule, CudaBuffer.of(out));
        }
    }

    private void attend(
            CudaMemory qkv,
            HeadLayout heads,
            AttentionMetadata metadata,
            Attention.Placed placed,
            CudaKv kv,
            AttentionRule rule,
            CudaMemory out) {
        PromptAttention.Cut cut = state.prompts().cut(metadata, heads, kv, state.block());
        state.attention().attend(qkv, heads, placed, cut, kv, rule, out);
    }

    @Override
    public void gatherRows(Buffer in, int[] rows, int count, int columns, Buffer out) {
        state.enter();
        int all = state.steps().padded(count);
        long placed = ids(rows, count);
        if (state.steps().runs(all, "gatherRows")) {
            state.pointwise().gatherRows(CudaBuffer.of(in), placed, all, columns, CudaBuffer.of(out));
        }
    }
}
