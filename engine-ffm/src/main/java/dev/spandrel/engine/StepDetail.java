package dev.spandrel.engine;

import java.util.List;

/**
 * Who was in a step and what the backend did, for the steps of which a {@link StepListener} wants to know. Processor time is
 * that of the engine thread and of the backend's workers, who wait for work by spinning.
 *
 * @param members the requests in the step
 * @param usedBlocks KV blocks in use after scheduling
 * @param totalBlocks KV blocks in all
 * @param scheduleCpuNanos processor time while scheduling
 * @param forwardCpuNanos processor time during the forward pass
 * @param sampleCpuNanos processor time while sampling
 * @param calls what the forward pass called, in order
 * @param callsLeftOut calls beyond those kept
 * @param deviceTimes where the forward pass spent its time on a device; empty where the processor is the device
 */
public record StepDetail(
        List<Member> members,
        int usedBlocks,
        int totalBlocks,
        long scheduleCpuNanos,
        long forwardCpuNanos,
        long sampleCpuNanos,
        List<Call> calls,
        int callsLeftOut,
        List<DeviceTime> deviceTimes) {
    public StepDetail {
        members = List.copyOf(members);
        calls = List.copyOf(calls);
        deviceTimes = List.copyOf(deviceTimes);
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
     * @param verb the backend's, e.g. {@code normMatmul}
     * @param phase what it is a part of: {@code attention}, {@code matmul}, or its own name where it is neither
     * @param startNanos on the engine's clock
     * @param endNanos on the engine's clock
     * @param cpuNanos processor time in it
     */
    public record Call(String verb, String phase, long startNanos, long endNanos, long cpuNanos) {}

    /**
     * A phase on a device, all its parts in one step together.
     *
     * @param phase as in {@link Call}
     * @param nanos between events on the device
     */
    public record DeviceTime(String phase, long nanos) {}
}
