package dev.spandrel.engine.runner;

import dev.spandrel.engine.backend.Backend;
import dev.spandrel.engine.model.ForwardInput;
import dev.spandrel.engine.model.KvCache;
import dev.spandrel.engine.model.Model;
import java.util.Arrays;
import java.util.function.LongSupplier;

/**
 * A few passes over made-up tokens before the engine says it is ready, so that the first request does not wait for classes
 * to load and for the compiler, and a model that cannot run fails now. What it leaves in the cache nobody looks for.
 */
final class WarmUp {
    /** 4 × 6 + 4 + 1: every tile of the matrix kernels has rows. */
    private static final int PROMPT = 29;

    private static final int MOST_PASSES = 64;
    /** Short beside the start itself; the compiler goes on through the first requests. */
    private static final long BUDGET_NANOS = 250_000_000;

    private WarmUp() {}

    /** Alternates a prompt and a few single tokens until the time is used up. */
    static void run(
            Backend backend,
            Model model,
            KvCache cache,
            int maxTokens,
            int maxModelLen,
            int blockSize,
            LongSupplier nanoClock) {
        int prompt = Math.min(PROMPT, Math.min(maxTokens, maxModelLen - 1));
        int[] tokens = new int[prompt + 1];
        Arrays.setAll(tokens, i -> i % model.vocabSize());
        int[] blocks = new int[(tokens.length + blockSize - 1) / blockSize];
        Arrays.setAll(blocks, i -> i);
        ForwardInput input = new ForwardInput(tokens.length, 1, 1, blockSize);
        long end = nanoClock.getAsLong() + BUDGET_NANOS;
        for (int pass = 0; pass < MOST_PASSES && nanoClock.getAsLong() < end; pass++) {
            int from = pass % 8 == 0 ? 0 : prompt;
            input.clear();
            input.add(tokens, from, pass % 8 == 0 ? prompt : prompt + 1, blocks, 1);
            ModelRunner.pass(backend, model, input, cache);
        }
    }
}
