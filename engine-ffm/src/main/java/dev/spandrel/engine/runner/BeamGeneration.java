package dev.spandrel.engine.runner;

import dev.spandrel.engine.FinishReason;
import dev.spandrel.engine.Generation;
import dev.spandrel.engine.GenerationEvent;
import dev.spandrel.engine.RequestPhases;
import dev.spandrel.engine.RequestTimings;
import dev.spandrel.engine.SamplingParams;
import dev.spandrel.engine.TokenLogprobs;
import dev.spandrel.engine.tokenizer.StreamingDecoder;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

/** One of the best beams, delivered as a whole when the search is over. Closing one early ends the search for all. */
final class BeamGeneration implements Generation {
    private final BeamSearch search;
    private final int rank;
    private final int promptTokens;
    private final SamplingParams sampling;
    private final Supplier<StreamingDecoder> decoders;
    private final LongSupplier nanoClock;

    private volatile boolean over;
    private volatile int completionTokens;
    private volatile long finishedNanos = RequestTimings.NOT_REACHED;

    /** @param rank 0 is the best */
    BeamGeneration(
            BeamSearch search,
            int rank,
            int promptTokens,
            SamplingParams sampling,
            Supplier<StreamingDecoder> decoders,
            LongSupplier nanoClock) {
        this.search = search;
        this.rank = rank;
        this.promptTokens = promptTokens;
        this.sampling = sampling;
        this.decoders = decoders;
        this.nanoClock = nanoClock;
    }

    @Override
    public String id() {
        return search.first().requestId();
    }

    @Override
    public int promptTokens() {
        return promptTokens;
    }

    @Override
    public int[] promptTokenIds() {
        return Arrays.copyOf(search.first().tokens(), promptTokens);
    }

    @Override
    public int tokenId(int index) {
        return search.outcome().join().beams().get(rank).tokens()[promptTokens + index];
    }

    /** None: they are refused at the door. */
    @Override
    public Optional<TokenLogprobs> logprobs(int index) {
        return Optional.empty();
    }

    /** None: they are refused at the door. */
    @Override
    public List<TokenLogprobs> promptLogprobs() {
        return List.of();
    }

    @Override
    public int cachedTokens() {
        return search.first().firstCachedTokens();
    }

    @Override
    public SamplingParams sampling() {
        return sampling;
    }

    @Override
    public GenerationEvent next() throws InterruptedException {
        if (over) {
            throw new IllegalStateException("generation " + id() + " is over");
        }
        try {
            BeamSearch.Outcome outcome = search.outcome().get();
            over = true;
            finishedNanos = outcome.nanos();
            return rank < outcome.beams().size() ? text(outcome.beams().get(rank)) : cut(outcome);
        } catch (ExecutionException e) {
            throw new IllegalStateException("the search failed", e.getCause());
        }
    }

    private GenerationEvent text(Beam beam) {
        StreamingDecoder decoder = decoders.get();
        StringBuilder text = new StringBuilder();
        for (int i = promptTokens; i < beam.tokens().length; i++) {
            text.append(decoder.append(beam.tokens()[i]));
        }
        text.append(decoder.finish());
        completionTokens = beam.tokens().length - promptTokens;
        return new GenerationEvent.Finished(text.toString(), completionTokens, beam.reason(), Optional.empty(), null);
    }

    private static GenerationEvent cut(BeamSearch.Outcome outcome) {
        LiveRequest.Ending ending = outcome.ending();
        return new GenerationEvent.Finished(
                "",
                0,
                ending == null ? FinishReason.ABORT : ending.reason(),
                Optional.empty(),
                ending == null ? null : ending.failure());
    }

    @Override
    public int completionTokens() {
        return completionTokens;
    }

    /** First and last token are the first and last round's. */
    @Override
    public RequestTimings timings() {
        RequestTimings first = search.first().timings(0, finishedNanos);
        long[] rounds = tokenNanos();
        return new RequestTimings(
                first.arrivalNanos(),
                first.queuedNanos(),
                first.firstScheduledNanos(),
                rounds.length == 0 ? RequestTimings.NOT_REACHED : rounds[0],
                rounds.length == 0 ? RequestTimings.NOT_REACHED : rounds[rounds.length - 1],
                finishedNanos,
                first.preemptions());
    }

    @Override
    public RequestPhases phases() {
        return search.phases();
    }

    /** One stamp per round. */
    @Override
    public long[] tokenNanos() {
        return search.outcome().isDone()
                ? search.tokenNanos().stream().mapToLong(Long::longValue).toArray()
                : new long[0];
    }

    @Override
    public void close() {
        if (!over) {
            over = true;
            finishedNanos = nanoClock.getAsLong();
            search.cancel();
        }
    }
}
