package dev.spandrel.engine.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

/** Goals are found in a report by the lines that the benches print, and a part that is missing says so. */
class GpuGoalsTest {
    private static final String REPORT = """
            == commit 0123
            == contract of the backend
            [  153 tests successful ]
            == passed
            == golden logits of every family, F32 within 1e-4, BF16 within 2e-2
            a family is off
            == failed with 1
            == benches of llama-8b
            read bandwidth: 4300.00 GB/s
            llama-8b decode, 1 sequences at 1920 tokens: 230.10 tok/s
            llama-8b decode, 1 sequences at 1920 tokens, share of 15300 MB at the read bandwidth: 81.90 %
            llama-8b decode, 1 sequences at 1920 tokens, share of the larger bound: 81.90 %
            llama-8b decode, 1 sequences at 1920 tokens, host time of a step: 160.00 us
            llama-8b decode, 64 sequences at 1920 tokens, share of 31000 MB at the read bandwidth: 60.00 %
            llama-8b decode, 64 sequences at 1920 tokens, share of the larger bound: 72.00 %
            llama-8b prefill of 4096: 40000.00 tok/s
            llama-8b prefill, share of the rate of its bare products (cuBLAS, BF16 in and out): 79.50 %
            downcalls of a step: 0.06 us
            llama-8b ready: 8.10 s
            llama-8b ready, upload: 3.00 s
            PyTorch, llama-8b decode, 1 sequence at 2048 tokens: 150.0 tok/s
            """;

    @Test
    void figuresAreJudged() {
        List<String> found = GpuGoals.of(REPORT, "opt-125m", "llama-1b", "llama-8b");
        assertThat(found)
                .containsExactly(
                        "contract of the backend: met",
                        "golden logits of every family, F32 within 1e-4, BF16 within 2e-2: MISSED",
                        "attention of prompts: not measured",
                        "decode, 8B, share of the bound: 81.90 %, wanted at least 80 %: met",
                        "decode, 1B, share of the bound: not measured, wanted at least 60 %",
                        "decode, OPT-125m: not measured, wanted at least 4000 tok/s",
                        "decode, 64 sequences, 8B, share of the larger bound: 72.00 %, wanted at least 70 %: met",
                        "prefill, 8B, share of bare products: 79.50 %, wanted at least 80 %: MISSED",
                        "host time of a step, 8B, scheduling and publishing apart: 160.00 us, wanted at most 150 us: MISSED",
                        "of it the way through Panama: 0.06 us, wanted at most 1 us: met",
                        "ready, 8B, dummy weights, kernels cached: 8.10 s, wanted at most 10 s: met",
                        "decode of PyTorch, llama-8b: 1.53 times, wanted at least 1.3 times: met",
                        "decode of PyTorch, llama-1b: not measured, wanted at least 1.3 times",
                        "decode of PyTorch, opt-125m: not measured, wanted at least 1.3 times");
    }

    @Test
    void anEmptyReportHasNoFigures() {
        assertThat(GpuGoals.of("", "a", "b", "c")).hasSize(14).allMatch(line -> line.contains("not measured"));
    }
}
