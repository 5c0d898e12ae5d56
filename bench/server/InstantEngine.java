import dev.spandrel.engine.EmbeddingRequest;
import dev.spandrel.engine.Engine;
import dev.spandrel.engine.EngineStats;
import dev.spandrel.engine.Generation;
import dev.spandrel.engine.GenerationEvent;
import dev.spandrel.engine.GenerationRequest;
import dev.spandrel.engine.FinishReason;
import dev.spandrel.engine.ModelInfo;
import dev.spandrel.engine.PendingEmbedding;
import dev.spandrel.engine.Prompt;
import dev.spandrel.engine.RequestPhases;
import dev.spandrel.engine.RequestTimings;
import dev.spandrel.engine.SamplingParams;
import dev.spandrel.engine.TokenLogprobs;
import dev.spandrel.engine.TokenText;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** An engine that has every token the moment it is asked, one per event, so that all time is the server's. */
final class InstantEngine implements Engine {
    private static final ModelInfo INFO = new ModelInfo(
            "instant", Path.of("/nowhere"), "None", 0, 1000, 1 << 20, "backend=none", true, SamplingParams.DEFAULT);

    @Override
    public ModelInfo model() {
        return INFO;
    }

    @Override
    public int[] tokenize(Prompt prompt) {
        return new int[4];
    }

    @Override
    public String detokenize(List<Integer> ids, boolean skipSpecialTokens) {
        throw new UnsupportedOperationException();
    }

    @Override
    public TokenText token(int id) {
        throw new UnsupportedOperationException();
    }

    @Override
    public Generation submit(GenerationRequest request) {
        return new Instant(request);
    }

    @Override
    public List<Generation> beamSearch(GenerationRequest request, int width, double lengthPenalty) {
        throw new UnsupportedOperationException();
    }

    @Override
    public PendingEmbedding embed(EmbeddingRequest request) {
        throw new UnsupportedOperationException();
    }

    @Override
    public EngineStats stats() {
        return new EngineStats(0, 0, 0, 1, 0, 16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, List.of());
    }

    @Override
    public boolean healthy() {
        return true;
    }

    @Override
    public void close() {}

    private static final class Instant implements Generation {
        private final GenerationRequest request;
        private final int most;
        private final long[] nanos;
        private int tokens;

        Instant(GenerationRequest request) {
            this.request = request;
            this.most = request.sampling().maxTokens().orElse(16);
            this.nanos = new long[most];
        }

        @Override
        public String id() {
            return request.id();
        }

        @Override
        public int promptTokens() {
            return 4;
        }

        @Override
        public int cachedTokens() {
            return 0;
        }

        @Override
        public SamplingParams sampling() {
            return request.sampling();
        }

        @Override
        public GenerationEvent next() {
            nanos[tokens++] = System.nanoTime();
            return tokens < most
                    ? new GenerationEvent.TextDelta(" word", 1)
                    : new GenerationEvent.Finished(" end", 1, FinishReason.LENGTH, Optional.empty(), null);
        }

        @Override
        public int[] promptTokenIds() {
            return new int[4];
        }

        @Override
        public int tokenId(int index) {
            return 0;
        }

        @Override
        public Optional<TokenLogprobs> logprobs(int index) {
            return Optional.empty();
        }

        @Override
        public List<TokenLogprobs> promptLogprobs() {
            return List.of();
        }

        @Override
        public int completionTokens() {
            return tokens;
        }

        @Override
        public RequestTimings timings() {
            long arrival = request.arrivalNanos();
            return new RequestTimings(arrival, arrival, arrival, nanos[0], nanos[Math.max(0, tokens - 1)], nanos[Math.max(0, tokens - 1)], 0);
        }

        @Override
        public RequestPhases phases() {
            return new RequestPhases(request.arrivalNanos(), request.arrivalNanos(), List.of(), List.of(), 0, 0, 0, false);
        }

        @Override
        public long[] tokenNanos() {
            return java.util.Arrays.copyOf(nanos, tokens);
        }

        @Override
        public void close() {}
    }
}
