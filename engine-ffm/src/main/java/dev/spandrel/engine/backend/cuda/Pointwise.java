package dev.spandrel.engine.backend.cuda;

import dev.spandrel.engine.backend.Activation;
import dev.spandrel.engine.backend.HeadLayout;
import dev.spandrel.engine.backend.Norm;
import dev.spandrel.engine.backend.Weight;
import dev.spandrel.engine.cuda.CudaMemory;
import dev.spandrel.engine.cuda.CudaStream;

/** Launches of what works row by row or value by value: embeddings, norms, gates and sums. */
final class Pointwise {
    private static final int THREADS = 256;
    /** Blocks per multiprocessor where each strides over many values. */
    private static final long BLOCKS = 8;

    private final CudaKernels kernels;
    private final CudaStream stream;
    private final int processors;

    Pointwise(CudaKernels kernels, CudaStream stream, int processors) {
        this.kernels = kernels;
        this.stream = stream;
        this.processors = processors;
    }

    /**
     * @param ids device address of the rows to pick
     * @param drawn device address of the tokens last drawn, which ids below 0 stand for
     */
    void embed(CudaWeight table, long ids, long drawn, int rows, boolean accumulate, CudaMemory out) {
        CudaWeight.Part part = table.parts().getFirst();
        kernels.of(part.format(), "embed.cu", "embed")
                .with(part.data())
                .address(part.scalesAddress())
                .with(part.pitch())
                .with(table.columns())
                .address(ids)
                .address(drawn)
                .with(accumulate ? 1 : 0)
                .with(out)
                .launch(stream, rows, 1, 1, THREADS, 0);
    }

    void norm(CudaMemory in, int rows, int columns, Norm norm, CudaMemory out) {
        kernels.plain("norm.cu", "norm_rows")
                .with(in)
                .with(columns)
                .with(norm.centred() ? 1 : 2)
                .address(CudaWeight.vector(norm.weight()))
                .address(CudaWeight.vector(norm.bias()))
                .with(norm.epsilon())
                .with(out)
                .launch(stream, rows, 1, 1, THREADS, 0);
    }

    void normHeads(CudaMemory qkv, int rows, HeadLayout heads, Weight queries, Weight keys, float epsilon) {
        int queryCount = heads.queryColumns() / queries.rows();
        int keyCount = heads.kvColumns() / keys.rows();
        kernels.plain("norm.cu", "norm_heads")
                .with(qkv)
                .with(heads.columns())
                .with(heads.queryColumns())
                .with(queries.rows())
                .with(queryCount)
                .address(CudaWeight.vector(queries))
                .with(keys.rows())
                .address(CudaWeight.vector(keys))
                .with(epsilon)
                .launch(stream, rows, queryCount + keyCount, 1, THREADS, 0);
    }

    void gate(CudaMemory gateUp, int rows, int columns, Activation activation, CudaMemory out) {
        kernels.plain("pointwise.cu", "gate")
                .with(gateUp)
                .with(rows)
                .with(columns)
                .with(activation.ordinal())
                .with(out)
                .launch(stream, blocks((long) rows * columns), 1, 1, THREADS, 0);
    }

    /** @param name {@code scale} or {@code soft_cap} */
    void each(String name, CudaMemory values, long count, float by) {
        kernels.plain("pointwise.cu", name)
                .with(values)
                .with(count)
                .with(by)
                .launch(stream, blocks(count), 1, 1, THREADS, 0);
    }

    void add(CudaMemory in, long count, CudaMemory out) {
        kernels.plain("pointwise.cu", "add")
                .with(in)
                .with(count)
                .with(out)
                .launch(stream, blocks(count), 1, 1, THREADS, 0);
    }

    /** @param rows device address of the rows to pick */
    void gatherRows(CudaMemory in, long rows, int count, int columns, CudaMemory out) {
        kernels.plain("pointwise.cu", "gather_rows")
                .with(in)
                .address(rows)
                .with(count)
                .with(columns)
                .with(out)
                .launch(stream, blocks((long) count * columns), 1, 1, THREADS, 0);
    }

    private int blocks(long values) {
        return (int) Math.clamp((values + THREADS - 1) / THREADS, 1, BLOCKS * processors);
    }
}
