package com.github.tjake.jlama.model;

import com.github.tjake.jlama.safetensors.DType;
import com.github.tjake.jlama.tensor.AbstractTensor;
import com.github.tjake.jlama.tensor.KvBufferCache.KvBuffer;
import com.github.tjake.jlama.tensor.operations.TensorOperationsProvider;
import java.io.File;
import java.util.Optional;

/**
 * Jlama's side of bench/cpu-peers: a prompt of 511, then 128 tokens, greedy. In Jlama's package, since the room for keys and
 * values is not public. Arguments: FOLDER TYPE THREADS ROUNDS, of which the first is not printed.
 */
public final class JlamaBench {
    private static final int PROMPT = 511;
    private static final int TOKENS = 128;

    private JlamaBench() {}

    public static void main(String[] args) {
        DType type = DType.valueOf(args[1]);
        AbstractModel model = ModelSupport.loadModel(
                new File(args[0]), null, type, type, Optional.empty(), Optional.of(Integer.parseInt(args[2])));
        System.err.println(TensorOperationsProvider.get().name());
        for (int round = 0; round <= Integer.parseInt(args[3]); round++) {
            double[] rates = measure(model);
            if (round > 0) {
                System.out.printf("jlama %s prefill %.1f%njlama %s decode %.1f%n", type, rates[0], type, rates[1]);
            }
        }
        // Its threads are no daemons.
        System.exit(0);
    }

    private static double[] measure(AbstractModel model) {
        int[] prompt = new int[PROMPT];
        for (int i = 0; i < PROMPT; i++) {
            prompt[i] = 7 + i % 1000;
        }
        try (KvBuffer kv = model.kvBufferCache.getEphemeralKvBuffer();
                AbstractTensor logits = model.makeDenseTensor(model.getConfig().vocabularySize)) {
            long start = System.nanoTime();
            AbstractTensor last = model.batchForward(prompt, 0, kv);
            int token = model.sample(last.slice(last.shape().first() - 1), 0, 0.5f, logits);
            long prefilled = System.nanoTime();
            last.close();
            for (int i = 0; i < TOKENS; i++) {
                try (AbstractTensor out = model.forward(token, PROMPT + i, kv)) {
                    token = model.sample(out, 0, 0.5f, logits);
                }
            }
            long end = System.nanoTime();
            return new double[] {PROMPT * 1e9 / (prefilled - start), TOKENS * 1e9 / (end - prefilled)};
        }
    }
}
