package dev.spandrel.engine.scheduler;

/** Told of what happens to KV blocks, by their {@link BlockManager}. */
public interface BlockWatch {
    /** Nobody is told. */
    BlockWatch NONE = new BlockWatch() {
        @Override
        public void allocated(int block) {}

        @Override
        public void reused(int block) {}

        @Override
        public void evicted(int block) {}
    };

    /** A block was given out, its old content is gone. */
    void allocated(int block);

    /** A sequence found its beginning in a block. */
    void reused(int block);

    /** Content worth keeping is given up; comes before the block is allocated anew. */
    void evicted(int block);
}
