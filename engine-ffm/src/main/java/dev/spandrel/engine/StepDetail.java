package dev.spandrel.engine;

import java.util.List;

/**
 * Who was in a step and what the backend did, for the steps of which a {@link StepListener} wants to know.
 *
 * @param members the requests in the step
 * @param usedBlocks KV blocks in use after scheduling
 * @param totalBlocks KV blocks in all
 * @param scheduleCpuNanos processor time of the engine thread while it scheduled
 * @param forwardCpuNanos processor time of the engine thread during the forward pass; that of its workers is not in it
 * @param sampleCpuNanos processor time of the engine thread while it sampled
 * @param calls what the forward pass called, in order
 * @param callsLeftOut calls beyond those kept
 */
public record StepDetail(
        List<Member> members,
        int usedBlocks,
        int totalBlocks,
        long scheduleCpuNanos,
        long forwardCpuNanos,
        long sampleCpuNanos,
        List<Call> calls,
        int callsLeftOut) {
    public StepDetail {
        members = List.copyOf(members);
        calls = List.copyOf(calls);
    }

    /**
     * A request in a step.
     *
     * @param correlation what {@link GenerationRequest#correlation} said, or null
     * @param tokens tokens it computed
     */
    public record Member(String requestId, Object correlation, int tokens) {}

    /**
     * One call of the backend.
     *
     * @param verb e.g. {@code matmul} or {@code attention}
     * @param startNanos on the engine's clock
     * @param endNanos on the engine's clock
     * @param cpuNanos processor time of the engine thread in it
     */
    public record Call(String verb, long startNanos, long endNanos, long cpuNanos) {}
}
