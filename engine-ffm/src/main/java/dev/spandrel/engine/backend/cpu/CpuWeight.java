package dev.spandrel.engine.backend.cpu;

import dev.spandrel.engine.backend.Weight;
import dev.spandrel.engine.backend.WeightRows;
import java.util.ArrayList;
import java.util.List;

/**
 * A weight as this backend keeps it: one packed matrix, or several one below the other where a file stores what belongs
 * together in different formats.
 *
 * @param parts at least one; their rows follow each other
 */
record CpuWeight(int rows, int columns, List<PackedMatrix> parts) implements Weight {
    static CpuWeight pack(LargeMemory memory, Workers workers, int stepMultiple, List<WeightRows> stacks) {
        List<PackedMatrix> parts = new ArrayList<>();
        int rows = 0;
        for (WeightRows stack : stacks) {
            parts.add(PackedMatrix.pack(memory, workers, stepMultiple, stack));
            rows += stack.rows();
        }
        return new CpuWeight(rows, stacks.getFirst().columns(), List.copyOf(parts));
    }

    /** The only part of a vector. */
    PackedMatrix vector() {
        return parts.getFirst();
    }

    @Override
    public long bytes() {
        long bytes = 0;
        for (PackedMatrix part : parts) {
            bytes += part.data().byteSize();
        }
        return bytes;
    }
}
