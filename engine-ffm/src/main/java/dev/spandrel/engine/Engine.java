package dev.spandrel.engine;

import dev.spandrel.engine.runner.BackendChecks;
import dev.spandrel.engine.runner.EngineOpening;
import java.util.List;
import java.util.Optional;

/**
 * A loaded model that answers many requests at once by continuous batching. All methods may be called from any thread;
 * none but {@link #close} waits for a step of the model. Closing fails what is still running with
 * {@link FinishReason#ABORT} and releases the weights.
 */
public interface Engine extends AutoCloseable {
    /**
     * Loads the model and starts the engine thread.
     *
     * @throws EngineException.ModelLoad with every mismatch found, when the folder does not hold a model this engine runs
     */
    static Engine open(EngineConfig config) {
        return EngineOpening.open(config);
    }

    /**
     * Whether CUDA can be used in this process, and if not, why and how to mend it. Loads its libraries where they are.
     *
     * @param libraryPath folders to look in first, separated as in {@code PATH}; empty = the usual places
     */
    static CudaStatus cudaStatus(String libraryPath) {
        return BackendChecks.cudaStatus(libraryPath);
    }

    /** Whether each backend would run on this machine; for diagnosis, needs no model. */
    static List<BackendCheck> checkBackends() {
        return BackendChecks.all();
    }

    /**
     * Measures the hot kernels of the CPU backend, each until it is as fast as it should be, at most for a second or two.
     * Empty where the Vector API is missing, since then plain loops run.
     */
    static List<KernelRate> kernelRates() {
        return BackendChecks.kernelRates();
    }

    /** What was loaded, and on what it runs. */
    ModelInfo model();

    /**
     * The token ids of a prompt as {@link #submit} would use them: BOS in front where the model wants one, chat template
     * applied.
     *
     * @throws EngineException.InvalidRequest when the prompt cannot be turned into tokens of this model
     */
    int[] tokenize(Prompt prompt);

    /**
     * How many tokens a prompt has that is to be generated from.
     *
     * @throws EngineException.InvalidRequest when it cannot be turned into tokens, or is too long a text for the context,
     *     which is said before it is tokenized
     */
    default int countTokens(Prompt prompt) {
        return tokenize(prompt).length;
    }

    /**
     * The text of token ids, as a tokenizer decodes them.
     *
     * @param skipSpecialTokens whether special tokens are left out
     * @throws EngineException.InvalidRequest when an id is out of vocabulary
     */
    String detokenize(List<Integer> ids, boolean skipSpecialTokens);

    /** One token as people see it; for ids of the vocabulary. */
    TokenText token(int id);

    /**
     * Checks, tokenises and queues a request; it joins the batch at the next step.
     *
     * @return the handle that delivers text; close it in every case, since closing early is what cancels
     * @throws EngineException.InvalidRequest when something is wrong with the request itself (nothing was started)
     * @throws EngineException.Rejected when the waiting queue is full (nothing was started)
     * @throws EngineException.Unavailable when the engine is closing or its loop has died
     */
    Generation submit(GenerationRequest request);

    /**
     * Searches for the likeliest continuations of a prompt (beam search, as vLLM does it): one request with several results,
     * delivered together at its end. Temperature, top-p, top-k, seed and stop texts have no part in it.
     *
     * @param width beams kept, and results; at most half the vocabulary
     * @param lengthPenalty a result's log probability is divided by its length, prompt included, to this power
     * @return so many handles, best first; closing one early ends the search
     * @throws EngineException as {@link #submit}
     */
    List<Generation> beamSearch(GenerationRequest request, int width, double lengthPenalty);

    /** The tokenizer's own configuration ({@code tokenizer_config.json}) as JSON, where it has one. */
    default Optional<String> tokenizerConfig() {
        return Optional.empty();
    }

    /** The source of the model's chat template, where it has one. */
    default Optional<String> chatTemplate() {
        return Optional.empty();
    }

    /**
     * Queues a text whose vector is wanted; it joins the batch at the next step.
     *
     * @return the handle that waits for it; close it in every case
     * @throws EngineException as {@link #submit}
     */
    PendingEmbedding embed(EmbeddingRequest request);

    /** What opening it consisted of, in order. */
    default List<StartPhase> startPhases() {
        return List.of();
    }

    /** The device behind it, where there is one beside the processor; never blocks the loop. */
    default Optional<DeviceStats> device() {
        return Optional.empty();
    }

    /** A snapshot taken after the latest step; never blocks the loop. */
    EngineStats stats();

    /** False once the engine can no longer take a request: closing, closed, or its loop died. */
    boolean healthy();

    @Override
    void close();
}
