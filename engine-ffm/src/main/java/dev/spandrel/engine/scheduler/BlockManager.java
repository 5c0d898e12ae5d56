package dev.spandrel.engine.scheduler;

import java.util.HashMap;
import java.util.Map;

/**
 * Hands KV blocks to sequences and takes them back, and remembers what full blocks hold, so that a sequence that begins
 * like an earlier one need not compute that beginning again. A block may be in several hands (reference count); one in
 * nobody's hands keeps its content until the block is needed, the least recently used first.
 */
public final class BlockManager {
    private final int blockSize;
    private final boolean prefixCaching;
    private final int[] references;
    private final BlockHash[] hashes;
    private final FreeBlocks free;
    private final BlockWatch watch;
    private final Map<BlockHash, Integer> cached = new HashMap<>();
    private final BlockHash.Digester digester = new BlockHash.Digester();

    /**
     * @param blocks blocks in the pool
     * @param blockSize tokens per block
     * @param prefixCaching whether to look for beginnings that are computed already
     */
    public BlockManager(int blocks, int blockSize, boolean prefixCaching) {
        this(blocks, blockSize, prefixCaching, BlockWatch.NONE);
    }

    /** @param watch told of what happens to blocks */
    public BlockManager(int blocks, int blockSize, boolean prefixCaching, BlockWatch watch) {
        this.watch = watch;
        this.blockSize = blockSize;
        this.prefixCaching = prefixCaching;
        references = new int[blocks];
        hashes = new BlockHash[blocks];
        free = new FreeBlocks(blocks);
    }

    public int totalBlocks() {
        return references.length;
    }

    /** Blocks in nobody's hands, with or without content worth keeping. */
    public int freeBlocks() {
        return free.count();
    }

    public int usedBlocks() {
        return references.length - free.count();
    }

    public int blockSize() {
        return blockSize;
    }

    /** Whether beginnings are looked for. */
    public boolean prefixCaching() {
        return prefixCaching;
    }

    /** In how many hands a block is. */
    public int references(int block) {
        return references[block];
    }

    /** Blocks that hold {@code tokens} tokens. */
    public int blocksFor(int tokens) {
        return (tokens + blockSize - 1) / blockSize;
    }

    /**
     * Admits a sequence that holds no block: gives it the cached blocks of its beginning, and fresh ones for the rest of
     * its tokens. At least its last token is left to compute, since a sequence without a computed token has no logits.
     *
     * @return tokens found in the cache, or −1, with nothing changed, when there are not enough free blocks
     */
    public int admit(Sequence sequence) {
        int hits = prefixCaching && !sequence.scoresPrompt() ? findPrefix(sequence) : 0;
        int revived = 0;
        for (int i = 0; i < hits; i++) {
            if (references[cached.get(sequence.blockHash(i))] == 0) {
                revived++;
            }
        }
        if (blocksFor(sequence.length()) - hits + revived > free.count()) {
            return -1;
        }
        sequence.reserveBlocks(blocksFor(sequence.length()));
        for (int i = 0; i < hits; i++) {
            int block = cached.get(sequence.blockHash(i));
            if (references[block]++ == 0) {
                free.remove(block);
            }
            sequence.addBlock(block);
            watch.reused(block);
        }
        sequence.advance(hits * blockSize);
        sequence.registered(hits);
        take(sequence, blocksFor(sequence.length()) - hits);
        return hits * blockSize;
    }

    /** How many blocks at the beginning of the sequence are cached; their hashes are noted in the sequence. */
    private int findPrefix(Sequence sequence) {
        int most = (sequence.length() - 1) / blockSize;
        for (int i = 0; i < most; i++) {
            if (!cached.containsKey(hash(sequence, i))) {
                return i;
            }
        }
        return most;
    }

    private BlockHash hash(Sequence sequence, int index) {
        if (index == sequence.blockHashCount()) {
            BlockHash parent = index == 0 ? BlockHash.ROOT : sequence.blockHash(index - 1);
            int from = index * blockSize;
            sequence.addBlockHash(digester.hash(parent, sequence.tokens(), from, from + blockSize, sequence.salt()));
        }
        return sequence.blockHash(index);
    }

    /**
     * Gives a sequence that runs blocks for its first {@code tokens} tokens.
     *
     * @return false, with nothing changed, when there are not enough
     */
    public boolean extend(Sequence sequence, int tokens) {
        int missing = blocksFor(tokens) - sequence.blockCount();
        if (missing > free.count()) {
            return false;
        }
        take(sequence, missing);
        return true;
    }

    private void take(Sequence sequence, int count) {
        // What can fail comes first: a block between two hands would be lost.
        sequence.reserveBlocks(count);
        for (int i = 0; i < count; i++) {
            int block = free.removeFirst();
            if (hashes[block] != null) {
                cached.remove(hashes[block]);
                hashes[block] = null;
                watch.evicted(block);
            }
            references[block] = 1;
            sequence.addBlock(block);
            watch.allocated(block);
        }
    }

    /** Remembers the blocks that a sequence has filled with computed tokens since the last call. */
    public void register(Sequence sequence) {
        if (!prefixCaching) {
            return;
        }
        int full = sequence.computed() / blockSize;
        for (int i = sequence.registeredBlocks(); i < full; i++) {
            int block = sequence.blocks()[i];
            // Two sequences may fill equal blocks at once; the first stays the cached one.
            if (cached.putIfAbsent(hash(sequence, i), block) == null) {
                hashes[block] = sequence.blockHash(i);
            }
        }
        sequence.registered(Math.max(full, sequence.registeredBlocks()));
    }

    /**
     * Takes a sequence's blocks back. The last goes first, so that the end of a prompt is evicted before its beginning,
     * which more others share.
     */
    public void free(Sequence sequence) {
        for (int i = sequence.blockCount() - 1; i >= 0; i--) {
            int block = sequence.blocks()[i];
            if (--references[block] == 0) {
                if (hashes[block] == null) {
                    free.addFirst(block);
                } else {
                    free.addLast(block);
                }
            }
        }
        sequence.forgetBlocks();
    }

    /** Forgets all content; what sequences hold stays theirs. */
    public void clearCache() {
        cached.clear();
        java.util.Arrays.fill(hashes, null);
    }

    /** Blocks whose content is remembered, in somebody's hands or not. */
    public int cachedBlocks() {
        return cached.size();
    }
}
