package dev.spandrel.engine.runner;

import dev.spandrel.engine.backend.Backend;
import dev.spandrel.engine.model.ForwardInput;
import dev.spandrel.engine.model.KvCache;
import dev.spandrel.engine.model.Model;
import java.util.Arrays;
import java.util.function.LongSupplier;
import java.util.stream.IntStream;

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

    /** Shorter contexts are of one kind with this one. */
    private static final int SHORTEST_CONTEXT = 128;
    /** Of the ten seconds in which an engine is to be ready. */
    private static final long CAPTURE_BUDGET_NANOS = 3_000_000_000L;

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
        int prompt = prompt(maxTokens, maxModelLen);
        int[] tokens = tokens(prompt, model);
        int[] blocks = blocks(tokens.length, blockSize);
        ForwardInput input = new ForwardInput(tokens.length, 1, 1, blockSize);
        long end = nanoClock.getAsLong() + BUDGET_NANOS;
        for (int pass = 0; pass < MOST_PASSES && nanoClock.getAsLong() < end; pass++) {
            int from = pass % 8 == 0 ? 0 : prompt;
            input.clear();
            input.add(tokens, from, pass % 8 == 0 ? prompt : prompt + 1, blocks, 1);
            ModelRunner.pass(backend, model, input, cache);
        }
    }

    /**
     * Lets the backend record passes of one token per sequence before the first request: for every batch size that is a power of
     * two and for the largest, at every context that is a power of two, short ones first, as far as the cache could hold so many
     * of that length. Others, and what the time does not suffice for, are recorded when they come.
     *
     * @param maxSequences most sequences in a step
     * @param cacheBlocks blocks in the cache
     */
    static void capture(
            Backend backend,
            Model model,
            KvCache cache,
            int maxTokens,
            int maxSequences,
            int maxModelLen,
            int blockSize,
            int cacheBlocks,
            LongSupplier nanoClock) {
        int most = Math.min(maxSequences, maxTokens);
        int[] tokens = tokens(maxModelLen - 1, model);
        // One block over and over: what is read is no sequence's, and what is written nobody looks for.
        int[] blocks = new int[(maxModelLen + blockSize - 1) / blockSize];
        ForwardInput input = new ForwardInput(most, most, most, blockSize);
        long end = nanoClock.getAsLong() + CAPTURE_BUDGET_NANOS;
        int shortest = Math.max(1, SHORTEST_CONTEXT / blockSize);
        for (int context = shortest; context == shortest || context < 2 * blocks.length; context *= 2) {
            int position = Math.min(context * blockSize, maxModelLen) - 1;
            for (int sequences : batchSizes(most)) {
                if (nanoClock.getAsLong() >= end) {
                    return;
                }
                if (context > shortest && (long) sequences * context > cacheBlocks) {
                    continue;
                }
                // The first of its kind runs as it is, the second is recorded.
                for (int pass = 0; pass < 2; pass++) {
                    input.clear();
                    for (int sequence = 0; sequence < sequences; sequence++) {
                        input.add(tokens, position, position + 1, blocks, 1);
                    }
                    ModelRunner.pass(backend, model, input, cache);
                }
            }
        }
    }

    /** Powers of two up to the largest batch, and that. */
    private static int[] batchSizes(int most) {
        return IntStream.concat(IntStream.iterate(1, size -> size < most, size -> 2 * size), IntStream.of(most))
                .toArray();
    }

    private static int prompt(int maxTokens, int maxModelLen) {
        return Math.min(PROMPT, Math.min(maxTokens, maxModelLen - 1));
    }

    private static int[] tokens(int prompt, Model model) {
        int[] tokens = new int[prompt + 1];
        Arrays.setAll(tokens, i -> i % model.vocabSize());
        return tokens;
    }

    private static int[] blocks(int tokens, int blockSize) {
        int[] blocks = new int[(tokens + blockSize - 1) / blockSize];
        Arrays.setAll(blocks, i -> i);
        return blocks;
    }
}
