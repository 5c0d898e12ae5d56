package dev.spandrel.engine.backend.cpu;

import static dev.spandrel.engine.backend.cpu.VectorConstants.PANEL;

import dev.spandrel.engine.backend.Activation;
import dev.spandrel.engine.backend.HostBuffer;
import dev.spandrel.engine.backend.Norm;
import java.lang.foreign.MemorySegment;

/** Multiplies rows by weights, part by part: their norm and conversion, then the product, whose tasks may convert what comes next. */
final class Products {
    private final SharedTasks tasks;
    private final ProductInputs inputs;
    private final RowVerbs norms;
    private final MatMul matMul;
    /** Multiplied by last. */
    private CpuWeight last;

    Products(SharedTasks tasks, ProductInputs inputs, RowVerbs norms, MatMul matMul) {
        this.tasks = tasks;
        this.inputs = inputs;
        this.norms = norms;
        this.matMul = matMul;
    }

    /**
     * {@code out = activation(norm(in) × wᵀ + bias)}.
     *
     * @param norm or null
     * @param gated whether the upper half of the product is let through by its lower half
     * @param normed takes what the norm makes
     * @param sum what the product is added to beside, or null
     */
    void multiply(
            HostBuffer in,
            int rows,
            Norm norm,
            CpuWeight w,
            boolean gated,
            MemorySegment bias,
            Activation activation,
            HostBuffer normed,
            HostBuffer out,
            HostBuffer sum) {
        HostBuffer a = norm == null ? in : normed;
        follow(w, gated, norm == null ? a : null);
        if (norm != null) {
            inputs.forget(normed);
            norms.norm(in.values(), w.columns(), norm, normed.values());
        }
        int columns = gated ? w.rows() / 2 : w.rows();
        ProductInputs next = null;
        int first = 0;
        for (int i = 0; i < w.parts().size(); i++) {
            PackedMatrix part = w.parts().get(i);
            if (inputs.prepare(a, rows, part, norm != null && i == 0 ? norms : null)) {
                tasks.runRows(rows, (long) rows * part.columns() * CpuBackend.POINTWISE_WORK, inputs);
            }
            if (w.parts().size() == 1) {
                // Only now: the rows of this product may lie where what comes next goes.
                next = inputs.offer(out, rows, columns, PANEL, w.follower());
            }
            matMul.set(a, rows, out, sum, columns, bias, activation, gated, next);
            matMul.part(part, first, inputs, w.after(part), w.isGatedAfter(part));
            tasks.run(matMul.tasks(), matMul.work(), matMul);
            first += part.rows();
        }
        if (next != null) {
            next.complete();
        }
    }

    /** What was multiplied by after the last product in the step before, or null. */
    CpuWeight following() {
        return last == null ? null : last.follower();
    }

    /** Steps multiply by the same weights in the same order: the weight of before learns what follows it. */
    private void follow(CpuWeight w, boolean gated, HostBuffer read) {
        if (last != null) {
            last.followedBy(w, gated);
        }
        w.reads(read);
        last = w;
    }
}
