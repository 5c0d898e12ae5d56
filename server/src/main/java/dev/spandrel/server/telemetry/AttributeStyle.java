package dev.spandrel.server.telemetry;

/** Whose names {@code llm_request} uses for what two pages name differently: {@code --span-attributes}. */
public enum AttributeStyle {
    /** vLLM's keys, and no other but {@code error.type} and our own. */
    VLLM,
    /** OpenTelemetry's GenAI keys. */
    GEN_AI,
    /** Both side by side. */
    BOTH;

    boolean vllm() {
        return this != GEN_AI;
    }

    boolean genAi() {
        return this != VLLM;
    }
}
