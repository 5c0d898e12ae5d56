package dev.spandrel.engine.runner;

import dev.spandrel.engine.EngineException;
import dev.spandrel.engine.FinishReason;
import dev.spandrel.engine.RequestPhases;
import dev.spandrel.engine.RequestTimings;
import dev.spandrel.engine.sampling.TopLogprobs;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import java.util.function.IntPredicate;

/**
 * Beam search by vLLM's rules: in each round every live beam asks the engine for its next token's 2 × width best, of all of
 * these the best width live on, and those that end the sequence are set aside; when {@code max_tokens} are used up the best
 * width of both win. A round is so many one-token requests, whose common beginnings the prefix cache keeps. It runs on a
 * virtual thread of its own; to the outside it is one request.
 */
final class BeamSearch {
    private final int width;
    private final double lengthPenalty;
    private final int maxTokens;
    private final boolean ignoreEos;
    private final IntPredicate endsSequence;
    private final EngineLoop loop;
    private final Function<int[], LiveRequest> requests;

    private final CompletableFuture<Outcome> outcome = new CompletableFuture<>();
    private final List<Beam> ended = new ArrayList<>();
    private final List<Long> tokenNanos = new ArrayList<>();
    private long schedulerNanos;
    private long forwardNanos;
    private long executeNanos;
    private volatile List<LiveRequest> round = List.of();
    private volatile LiveRequest first;
    private volatile boolean cancelled;

    /**
     * How it ended.
     *
     * @param beams the best, best first; empty where it was cut short
     * @param ending how the request that cut it short ended, or null
     */
    record Outcome(List<Beam> beams, LiveRequest.Ending ending, long nanos) {}

    /**
     * @param requests makes the request for the token behind some tokens, which notes its 2 × width best
     */
    BeamSearch(
            int width,
            double lengthPenalty,
            int maxTokens,
            boolean ignoreEos,
            IntPredicate endsSequence,
            EngineLoop loop,
            Function<int[], LiveRequest> requests) {
        this.width = width;
        this.lengthPenalty = lengthPenalty;
        this.maxTokens = maxTokens;
        this.ignoreEos = ignoreEos;
        this.endsSequence = endsSequence;
        this.loop = loop;
        this.requests = requests;
    }

    /**
     * Submits the first round and goes on by itself.
     *
     * @throws EngineException when the first request is refused
     */
    void start(int[] prompt) {
        List<Beam> live = List.of(new Beam(prompt, 0, null));
        submit(live);
        first = round.getFirst();
        Thread.ofVirtual().name("beam-search").start(() -> run(live));
    }

    private void submit(List<Beam> live) {
        List<LiveRequest> submitted = new ArrayList<>(live.size());
        try {
            for (Beam beam : live) {
                LiveRequest request = requests.apply(beam.tokens());
                loop.submit(request);
                submitted.add(request);
            }
        } catch (EngineException e) {
            submitted.forEach(loop::cancel);
            throw e;
        }
        // Whole, since who cancels reads it on another thread; who did so before is seen by who waits for the round.
        round = List.copyOf(submitted);
    }

    private void run(List<Beam> start) {
        try {
            List<Beam> live = start;
            for (int depth = 0; depth < maxTokens && !live.isEmpty(); depth++) {
                if (depth > 0) {
                    submit(live);
                }
                LiveRequest.Ending cut = await();
                if (cut != null) {
                    outcome.complete(new Outcome(List.of(), cut, cut.nanos()));
                    return;
                }
                live = next(live);
            }
            live.forEach(beam -> ended.add(beam.ended(FinishReason.LENGTH, 0)));
            keepBestEnded();
            outcome.complete(new Outcome(List.copyOf(ended), null, lastNanos()));
        } catch (EngineException e) {
            outcome.complete(
                    new Outcome(List.of(), new LiveRequest.Ending(FinishReason.ERROR, 0, lastNanos(), e), lastNanos()));
        } catch (InterruptedException | RuntimeException | Error e) {
            // Somebody waits for it, whatever it is.
            round.forEach(loop::cancel);
            outcome.completeExceptionally(e);
        }
    }

    /** Waits for the round; returns how a request ended that gave no token, or null. */
    private LiveRequest.Ending await() throws InterruptedException {
        for (LiveRequest request : round) {
            if (cancelled) {
                round.forEach(loop::cancel);
            }
            request.await(0);
            if (request.published() == 0) {
                round.forEach(loop::cancel);
                return request.ending();
            }
        }
        LiveRequest slowest = round.getLast();
        for (LiveRequest request : round) {
            slowest = request.tokenNanos(1)[0] > slowest.tokenNanos(1)[0] ? request : slowest;
        }
        tokenNanos.add(slowest.tokenNanos(1)[0]);
        // Beams of a round mostly share their steps, so one speaks for all.
        RequestPhases phases = slowest.log().phases();
        schedulerNanos += phases.schedulerNanos();
        forwardNanos += phases.forwardNanos();
        executeNanos += phases.executeNanos();
        return null;
    }

    /** The best continuations; those that end go to {@link #ended}. */
    private List<Beam> next(List<Beam> live) {
        BestContinuations continuations = new BestContinuations(width);
        for (int i = 0; i < live.size(); i++) {
            TopLogprobs best = round.get(i).topLogprobs();
            for (int j = 0; j < best.tokens().length; j++) {
                if (endsSequence.test(best.tokens()[j]) && !ignoreEos) {
                    ended.add(live.get(i).ended(FinishReason.STOP, best.logprobs()[j]));
                } else {
                    continuations.offer(live.get(i), best.tokens()[j], best.logprobs()[j]);
                }
            }
        }
        keepBestEnded();
        return continuations.take();
    }

    /** No more of them than can win, the best first. */
    private void keepBestEnded() {
        ended.sort(Comparator.comparingDouble((Beam beam) -> beam.score(lengthPenalty))
                .reversed());
        if (ended.size() > width) {
            ended.subList(width, ended.size()).clear();
        }
    }

    private long lastNanos() {
        return tokenNanos.isEmpty() ? RequestTimings.NOT_REACHED : tokenNanos.getLast();
    }

    /** Any thread: ends it. */
    void cancel() {
        cancelled = true;
        round.forEach(loop::cancel);
    }

    CompletableFuture<Outcome> outcome() {
        return outcome;
    }

    /** The request of the first round, whose wait and prefill are the search's. */
    LiveRequest first() {
        return first;
    }

    /** When each round was over; read it after the {@link #outcome}. */
    List<Long> tokenNanos() {
        return tokenNanos;
    }

    /** The first round's stamps with the shares of all rounds; read them after the {@link #outcome}. */
    RequestPhases phases() {
        RequestPhases phases = first.log().phases();
        return new RequestPhases(
                phases.tokenizeStartNanos(),
                phases.tokenizeEndNanos(),
                phases.waits(),
                phases.prefillChunks(),
                schedulerNanos,
                forwardNanos,
                executeNanos,
                phases.truncated());
    }
}
