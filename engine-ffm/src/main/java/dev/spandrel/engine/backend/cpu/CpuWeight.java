package dev.spandrel.engine.backend.cpu;

import dev.spandrel.engine.backend.HostBuffer;
import dev.spandrel.engine.backend.Weight;
import dev.spandrel.engine.backend.WeightRows;
import java.util.ArrayList;
import java.util.List;

/**
 * A weight as this backend keeps it: one packed matrix, or several one below the other where a file stores what belongs
 * together in different formats.
 */
final class CpuWeight implements Weight {
    private final int rows;
    private final int columns;
    private final List<PackedMatrix> parts;
    private CpuWeight follower;
    private HostBuffer read;
    private boolean followerGated;

    private CpuWeight(int rows, int columns, List<PackedMatrix> parts) {
        this.rows = rows;
        this.columns = columns;
        this.parts = parts;
    }

    static CpuWeight pack(LargeMemory memory, Workers workers, int stepMultiple, List<WeightRows> stacks) {
        List<PackedMatrix> parts = new ArrayList<>();
        int rows = 0;
        for (WeightRows stack : stacks) {
            parts.add(PackedMatrix.pack(memory, workers, stepMultiple, stack));
            rows += stack.rows();
        }
        return new CpuWeight(rows, stacks.getFirst().columns(), List.copyOf(parts));
    }

    @Override
    public int rows() {
        return rows;
    }

    @Override
    public int columns() {
        return columns;
    }

    /** At least one; their rows follow each other. */
    List<PackedMatrix> parts() {
        return parts;
    }

    /** The only part of a vector. */
    PackedMatrix vector() {
        return parts.getFirst();
    }

    /** What was multiplied by after this weight the last time; null before that. Only the engine's thread asks. */
    CpuWeight follower() {
        return follower;
    }

    /** What is multiplied by after one of the parts, or null. */
    PackedMatrix after(PackedMatrix part) {
        if (part != parts.getLast()) {
            return parts.get(parts.indexOf(part) + 1);
        }
        return follower == null ? null : follower.parts.getFirst();
    }

    /** Whether that has a gate. */
    boolean isGatedAfter(PackedMatrix part) {
        return part == parts.getLast() && followerGated;
    }

    void followedBy(CpuWeight weight, boolean gated) {
        follower = weight;
        followerGated = gated;
    }

    /** What this weight was last multiplied by as it was, without a norm before; else null. */
    HostBuffer read() {
        return read;
    }

    void reads(HostBuffer buffer) {
        read = buffer;
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
