package dev.spandrel.server;

import dev.spandrel.engine.EngineException;
import dev.spandrel.engine.FinishReason;
import dev.spandrel.engine.Generation;
import dev.spandrel.engine.GenerationEvent;
import dev.spandrel.engine.GenerationEvent.Finished;
import dev.spandrel.engine.GenerationEvent.TextDelta;
import dev.spandrel.engine.GenerationRequest;
import dev.spandrel.engine.Prompt;
import dev.spandrel.engine.RequestPhases;
import dev.spandrel.engine.RequestTimings;
import dev.spandrel.engine.SamplingParams;
import dev.spandrel.engine.TokenLogprobs;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;

/** A generation whose events a test writes down beforehand or sends while it runs. Stamps are fixed steps after arrival. */
public final class ScriptedGeneration implements Generation {
    public static final long MILLI = 1_000_000;
    private static final GenerationEvent CLOSED = new TextDelta("closed", 0);

    private final GenerationRequest request;
    private final BlockingQueue<GenerationEvent> events = new LinkedBlockingQueue<>();
    private final CountDownLatch closed = new CountDownLatch(1);
    private final CountDownLatch waiting = new CountDownLatch(1);
    private volatile int tokens;
    private volatile boolean finished;
    private volatile boolean truncated;

    private ScriptedGeneration(GenerationRequest request) {
        this.request = request;
    }

    /** Silent until the test sends something. */
    public static ScriptedGeneration silent(GenerationRequest request) {
        return new ScriptedGeneration(request);
    }

    /** {@code max_tokens} words, or three where there is no maximum; ends by length. */
    public static ScriptedGeneration words(GenerationRequest request) {
        ScriptedGeneration generation = new ScriptedGeneration(request);
        int count = request.sampling().maxTokens().orElse(3);
        for (int i = 0; i < count - 1; i++) {
            generation.send(" w" + i);
        }
        return generation.finish(" w" + (count - 1), FinishReason.LENGTH);
    }

    public ScriptedGeneration send(String text) {
        events.add(new TextDelta(text, 1));
        return this;
    }

    /** Any event. */
    public ScriptedGeneration send(GenerationEvent event) {
        events.add(event);
        return this;
    }

    public ScriptedGeneration finish(String text, FinishReason reason) {
        events.add(new Finished(text, 1, reason, Optional.empty(), null));
        return this;
    }

    public ScriptedGeneration stopAt(String text, String stop) {
        events.add(new Finished(text, 1, FinishReason.STOP, Optional.of(stop), null));
        return this;
    }

    public ScriptedGeneration fail(EngineException cause) {
        events.add(new Finished("", 0, FinishReason.ERROR, Optional.empty(), cause));
        return this;
    }

    /** There were more waits and chunks than are kept. */
    public ScriptedGeneration truncated() {
        truncated = true;
        return this;
    }

    void abort() {
        finish("", FinishReason.ABORT);
    }

    public GenerationRequest request() {
        return request;
    }

    /** Waits until the server closed it. */
    public void awaitClosed() {
        Waiting.on(closed, "the generation's close");
    }

    /** Waits until the server waits for an event. */
    public void awaitReader() {
        Waiting.on(waiting, "a reader of the generation");
    }

    public boolean isClosed() {
        return closed.getCount() == 0;
    }

    @Override
    public String id() {
        return request.id();
    }

    @Override
    public int promptTokens() {
        return switch (request.prompt()) {
            case Prompt.Text(String text, var special) -> text.split(" ").length;
            case Prompt.Tokens(List<Integer> ids) -> ids.size();
            case Prompt.Chat(var messages, var options) -> messages.size();
        };
    }

    @Override
    public int[] promptTokenIds() {
        int[] ids = new int[promptTokens()];
        java.util.Arrays.setAll(ids, i -> 100 + i);
        return ids;
    }

    /** 10, 11, 12, … */
    @Override
    public int tokenId(int index) {
        return 10 + index;
    }

    @Override
    public Optional<TokenLogprobs> logprobs(int index) {
        return sampling().logprobs().ofOutput()
                ? Optional.of(
                        logprobs(tokenId(index), sampling().logprobs().sampled().orElse(0)))
                : Optional.empty();
    }

    @Override
    public List<TokenLogprobs> promptLogprobs() {
        return sampling().logprobs().prompt().isEmpty()
                ? List.of()
                : java.util.Arrays.stream(promptTokenIds())
                        .skip(1)
                        .mapToObj(id ->
                                logprobs(id, sampling().logprobs().prompt().getAsInt()))
                        .toList();
    }

    /** The token has rank 2 and −1.5; the likeliest are 20, 21, … with −0.5, −1, … */
    private static TokenLogprobs logprobs(int token, int top) {
        List<TokenLogprobs.Entry> best = java.util.stream.IntStream.range(0, top)
                .mapToObj(i -> new TokenLogprobs.Entry(20 + i, -0.5 * (i + 1), i + 1))
                .toList();
        return new TokenLogprobs(new TokenLogprobs.Entry(token, -1.5, 2), best);
    }

    @Override
    public SamplingParams sampling() {
        return request.sampling().maxTokens().isPresent()
                ? request.sampling()
                : request.sampling().withMaxTokens(ScriptedEngine.MAX_MODEL_LEN - promptTokens());
    }

    @Override
    public GenerationEvent next() throws InterruptedException {
        if (isClosed() || finished) {
            throw new IllegalStateException("closed or finished");
        }
        waiting.countDown();
        GenerationEvent event = events.take();
        switch (event) {
            case TextDelta delta -> tokens += delta.tokens();
            case Finished end -> {
                tokens += end.tokens();
                finished = true;
            }
        }
        if (event == CLOSED) {
            throw new IllegalStateException("closed while waiting");
        }
        return event;
    }

    @Override
    public int completionTokens() {
        return tokens;
    }

    /** Queued 1 ms after arrival, scheduled after 3, first token after 10, then one every 5, finished 1 after the last. */
    @Override
    public RequestTimings timings() {
        long arrival = request.arrivalNanos();
        long none = RequestTimings.NOT_REACHED;
        long first = tokens == 0 ? none : arrival + 10 * MILLI;
        long last = tokens == 0 ? none : first + (tokens - 1) * 5 * MILLI;
        long scheduled = tokens == 0 ? none : arrival + 3 * MILLI;
        long end = (tokens == 0 ? arrival + 2 * MILLI : last) + MILLI;
        return new RequestTimings(arrival, arrival + MILLI, scheduled, first, last, end, 0);
    }

    /** One wait, and one chunk from its end to the first token, in step 7. */
    @Override
    public RequestPhases phases() {
        RequestTimings timings = timings();
        boolean ran = timings.firstTokenNanos() != RequestTimings.NOT_REACHED;
        return new RequestPhases(
                timings.arrivalNanos() + MILLI / 2,
                timings.queuedNanos(),
                List.of(new RequestPhases.Wait(timings.queuedNanos(), timings.firstScheduledNanos(), 0)),
                ran
                        ? List.of(new RequestPhases.PrefillChunk(
                                7, timings.firstScheduledNanos(), timings.firstTokenNanos(), promptTokens(), true))
                        : List.of(),
                MILLI,
                4 * MILLI,
                5 * MILLI,
                truncated);
    }

    @Override
    public int cachedTokens() {
        return 0;
    }

    @Override
    public long[] tokenNanos() {
        long[] nanos = new long[tokens];
        java.util.Arrays.setAll(nanos, i -> request.arrivalNanos() + (10 + 5L * i) * MILLI);
        return nanos;
    }

    @Override
    public void close() {
        closed.countDown();
        events.add(CLOSED);
    }
}
