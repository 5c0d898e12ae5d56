package dev.spandrel.engine.backend;

/**
 * How one row of projected queries, keys and values is laid out: all query heads, then all key heads, then all value
 * heads, each {@code headDim} wide.
 *
 * @param heads query heads
 * @param kvHeads key and value heads; divides {@code heads} (grouped-query attention shares one among several)
 * @param headDim width of a head
 */
public record HeadLayout(int heads, int kvHeads, int headDim) {
    public HeadLayout {
        if (heads < 1 || kvHeads < 1 || headDim < 1 || heads % kvHeads != 0) {
            throw new IllegalArgumentException("heads " + heads + ", kv heads " + kvHeads + ", head dim " + headDim
                    + ": kv heads must divide heads");
        }
    }

    /** Columns of the queries, and of attention's output. */
    public int queryColumns() {
        return heads * headDim;
    }

    /** Columns of the keys, and of the values. */
    public int kvColumns() {
        return kvHeads * headDim;
    }

    /** Columns of a whole row. */
    public int columns() {
        return queryColumns() + 2 * kvColumns();
    }

    /** The key and value head that a query head reads. */
    public int kvHead(int head) {
        return head / (heads / kvHeads);
    }
}
