package dev.spandrel.engine.model;

import dev.spandrel.engine.backend.Backend;
import dev.spandrel.engine.backend.HeadLayout;
import dev.spandrel.engine.backend.KvLayer;

/**
 * Keys and values of all layers, paged in blocks of equal size that the scheduler hands to sequences. The memory belongs
 * to the backend.
 */
public final class KvCache {
    private final KvLayer[] layers;

    private KvCache(KvLayer[] layers) {
        this.layers = layers;
    }

    /** Allocates {@code blocks} blocks of {@code blockSize} tokens in each layer. */
    public static KvCache allocate(Backend backend, Model model, int blocks, int blockSize) {
        KvLayer[] layers = new KvLayer[model.layers()];
        for (int i = 0; i < layers.length; i++) {
            layers[i] = backend.allocateKv(blocks, blockSize, model.heads());
        }
        return new KvCache(layers);
    }

    /** Bytes of keys and values that one token takes over all layers, in F32. */
    public static long bytesPerToken(int layers, HeadLayout heads) {
        return 2L * layers * heads.kvColumns() * Float.BYTES;
    }

    /** The cache of one layer. */
    public KvLayer layer(int index) {
        return layers[index];
    }
}
