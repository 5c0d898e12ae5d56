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
import java.util.Arrays;
import java.util.Optional;

/**
 * Jlama's side of bench/cpu-peers. In Jlama's package, since the room for keys and values is not public. Arguments: FOLDER TYPE
 * THREADS. For each line "prefill-TOKENS" of standard input it reads a prompt, for "decode-1-PROMPT-STEPS" it writes greedily behind
 * one, and says the rate of that. A prompt that is there already is not read again: steps begin at its end each time, and must come to
 * the tokens of the time before.
 */
public final class JlamaBench {
    private final AbstractModel model;
    private KvBuffer kv;
    private int prompt;
    private int first;
    private int[] tokens;

    private JlamaBench(AbstractModel model) {
        this.model = model;
    }

    public static void main(String[] args) throws IOException {
        DType type = DType.valueOf(args[1]);
        AbstractModel model = ModelSupport.loadModel(
                new File(args[0]), null, type, type, Optional.empty(), Optional.of(Integer.parseInt(args[2])));
        System.err.println(TensorOperationsProvider.get().name());
        JlamaBench bench = new JlamaBench(model);
        BufferedReader asked = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String work = asked.readLine(); work != null; work = asked.readLine()) {
            System.out.printf("jlama %s %s %.1f%n", type, work, bench.measure(work.split("-")));
            System.out.flush();
        }
        // Its threads are no daemons.
        System.exit(0);
    }

    private double measure(String[] work) {
        if (work[0].equals("prefill")) {
            int length = Integer.parseInt(work[1]);
            return length * 1e9 / read(length);
        }
        int length = Integer.parseInt(work[2]);
        if (length != prompt) {
            read(length);
        }
        int steps = Integer.parseInt(work[3]);
        return steps * 1e9 / write(steps);
    }

    /** Nanoseconds that a prompt takes, its first token included. */
    private long read(int length) {
        if (kv != null) {
            kv.close();
        }
        kv = model.kvBufferCache.getEphemeralKvBuffer();
        prompt = length;
        tokens = null;
        int[] ids = new int[length];
        Arrays.setAll(ids, i -> 7 + i % 1000);
        try (AbstractTensor logits = model.makeDenseTensor(model.getConfig().vocabularySize)) {
            long start = System.nanoTime();
            try (AbstractTensor last = model.batchForward(ids, 0, kv)) {
                first = model.sample(last.slice(last.shape().first() - 1), 0, 0.5f, logits);
            }
            return System.nanoTime() - start;
        }
    }

    /** Nanoseconds that tokens behind the prompt take. */
    private long write(int steps) {
        int[] written = new int[steps];
        long start = System.nanoTime();
        try (AbstractTensor logits = model.makeDenseTensor(model.getConfig().vocabularySize)) {
            int token = first;
            for (int i = 0; i < steps; i++) {
                try (AbstractTensor out = model.forward(token, prompt + i, kv)) {
                    token = model.sample(out, 0, 0.5f, logits);
                }
                written[i] = token;
            }
        }
        long nanos = System.nanoTime() - start;
        int both = tokens == null ? 0 : Math.min(steps, tokens.length);
        if (both > 0 && !Arrays.equals(tokens, 0, both, written, 0, both)) {
            throw new IllegalStateException(
                    "the same prompt led to " + Arrays.toString(written) + ", before to " + Arrays.toString(tokens));
        }
        tokens = written;
        return nanos;
    }
}
