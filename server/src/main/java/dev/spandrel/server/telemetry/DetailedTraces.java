package dev.spandrel.server.telemetry;

/** A value of {@code --collect-detailed-traces}; the last three are vLLM's and mean what they meant there. */
public enum DetailedTraces {
    /** A span per phase of a request. */
    REQUEST,
    /** A span per engine step, in traces of their own. */
    STEP,
    /** {@code gen_ai.latency.time_in_model_forward} on {@code llm_request}. */
    MODEL,
    /** {@code gen_ai.latency.time_in_model_execute} and {@code time_in_scheduler} on {@code llm_request}. */
    WORKER,
    /** {@link #MODEL} and {@link #WORKER}. */
    ALL
}
