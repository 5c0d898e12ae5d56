package dev.spandrel.engine.model;

import dev.spandrel.engine.backend.Backend;
import dev.spandrel.engine.backend.HeadLayout;
import dev.spandrel.engine.backend.KvDType;
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
    public static KvCache allocate(Backend backend, Model model, int blocks, int blockSize, KvDType dtype) {
        KvLayer[] layers = new KvLayer[model.layers()];
        for (int i = 0; i < layers.length; i++) {
            layers[i] = backend.allocateKv(blocks, blockSize, model.heads(), dtype);
        }
        return new KvCache(layers);
    }

    /** Bytes of keys and values that one token takes over all layers. */
    public static long bytesPerToken(int layers, HeadLayout heads, KvDType dtype) {
        return 2L * layers * heads.kvHeads() * dtype.bytes(heads.headDim());
    }

    /** The cache of one layer. */
    public KvLayer layer(int index) {
        return layers[index];
    }
}
