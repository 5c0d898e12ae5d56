package com.github.tjake.jlama.model;

import com.github.tjake.jlama.safetensors.DType;
import com.github.tjake.jlama.tensor.AbstractTensor;
import com.github.tjake.jlama.tensor.KvBufferCache.KvBuffer;
import com.github.tjake.jlama.tensor.operations.TensorOperationsProvider;
import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/**
 * Jlama's side of bench/cpu-peers: a prompt of 511, then 128 tokens, greedy. In Jlama's package, since the room for keys and
 * values is not public. Arguments: FOLDER TYPE THREADS. For a line "prefill" of standard input it runs both and says the first's
 * rate, for "decode" after that the second's.
 */
public final class JlamaBench {
    private static final int PROMPT = 511;
    private static final int TOKENS = 128;

    private JlamaBench() {}

    public static void main(String[] args) throws IOException {
        DType type = DType.valueOf(args[1]);
        AbstractModel model = ModelSupport.loadModel(
                new File(args[0]), null, type, type, Optional.empty(), Optional.of(Integer.parseInt(args[2])));
        System.err.println(TensorOperationsProvider.get().name());
        double[] rates = new double[2];
        BufferedReader asked = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String work = asked.readLine(); work != null; work = asked.readLine()) {
            boolean prefill = work.equals("prefill");
            if (prefill) {
                rates = measure(model);
            }
            System.out.printf("jlama %s %s %.1f%n", type, work, rates[prefill ? 0 : 1]);
            System.out.flush();
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
