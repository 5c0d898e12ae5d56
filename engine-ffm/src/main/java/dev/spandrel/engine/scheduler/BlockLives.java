package dev.spandrel.engine.scheduler;

import dev.spandrel.engine.BlockLife;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import java.util.random.RandomGenerator;

/**
 * Follows a sample of blocks from allocation to eviction, as vLLM's {@code --kv-cache-metrics} does. Whether a block is in
 * the sample is drawn at each allocation.
 */
public final class BlockLives implements BlockWatch {
    /** Uses kept of a block, vLLM's number: three gaps tell enough, and room is bounded. */
    private static final int USES = 4;

    private final double ratio;
    private final RandomGenerator random;
    private final LongSupplier nanoClock;
    private final Consumer<BlockLife> told;
    /** By block: when it was allocated, and its latest uses; null where it is not in the sample. */
    private final Life[] lives;

    private record Life(long bornNanos, List<Long> uses) {}

    /**
     * @param blocks in the pool
     * @param ratio share of allocations that are followed, 0 to 1
     * @param random draws them
     * @param told of each that was evicted
     */
    public BlockLives(
            int blocks, double ratio, RandomGenerator random, LongSupplier nanoClock, Consumer<BlockLife> told) {
        this.lives = new Life[blocks];
        this.ratio = ratio;
        this.random = random;
        this.nanoClock = nanoClock;
        this.told = told;
    }

    @Override
    public void allocated(int block) {
        lives[block] = null;
        if (random.nextDouble() < ratio) {
            long now = nanoClock.getAsLong();
            lives[block] = new Life(now, new ArrayList<>(List.of(now)));
        }
    }

    @Override
    public void reused(int block) {
        Life life = lives[block];
        if (life != null) {
            if (life.uses.size() == USES) {
                life.uses.removeFirst();
            }
            life.uses.add(nanoClock.getAsLong());
        }
    }

    @Override
    public void evicted(int block) {
        Life life = lives[block];
        if (life == null) {
            return;
        }
        lives[block] = null;
        long now = nanoClock.getAsLong();
        List<Long> gaps = new ArrayList<>(USES);
        for (int i = 1; i < life.uses.size(); i++) {
            gaps.add(life.uses.get(i) - life.uses.get(i - 1));
        }
        told.accept(new BlockLife(now - life.bornNanos, now - life.uses.getLast(), gaps));
    }
}
