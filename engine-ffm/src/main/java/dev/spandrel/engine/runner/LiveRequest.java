package dev.spandrel.engine.runner;

import dev.spandrel.engine.EngineException;
import dev.spandrel.engine.FinishReason;
import dev.spandrel.engine.RequestTimings;
import dev.spandrel.engine.SamplingParams;
import dev.spandrel.engine.TokenLogprobs;
import dev.spandrel.engine.sampling.TokenHistory;
import dev.spandrel.engine.sampling.TopLogprobs;
import dev.spandrel.engine.scheduler.Sequence;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;

/**
 * A sequence with what makes it a request: how to sample, when what happened, and who waits for its tokens. The engine
 * thread writes; one reader follows through {@link #published} and {@link #ending}, which are written last, so that
 * everything before them is seen with them.
 */
final class LiveRequest extends Sequence {
    /**
     * How it ended.
     *
     * @param hiddenTokens tokens at the end that are not text: an end-of-sequence token
     * @param stopToken the request's own stop token, or −1
     * @param failure cause of {@link FinishReason#ERROR}, else null
     */
    record Ending(FinishReason reason, int hiddenTokens, long nanos, int stopToken, EngineException failure) {
        Ending(FinishReason reason, int hiddenTokens, long nanos, EngineException failure) {
            this(reason, hiddenTokens, nanos, -1, failure);
        }
    }

    private final String requestId;
    private final SamplingParams sampling;
    private final long seed;
    private final long arrivalNanos;
    private final long queuedNanos;
    private final RequestLog log;
    private final Object correlation;
    private SamplingPlan plan = SamplingPlan.PLAIN;
    private boolean held;
    private int promptScored;
    private Pooler pooler;
    private int wantedLogprobs;
    private TopLogprobs topLogprobs;
    private volatile long[] tokenNanos = new long[16];
    private volatile TokenLogprobs[] logprobs = {};
    private volatile TokenLogprobs[] promptLogprobs = {};

    private volatile long firstScheduledNanos = RequestTimings.NOT_REACHED;
    private volatile int firstCachedTokens;
    private volatile int preemptions;
    private volatile int published;
    private volatile Ending ending;
    private volatile Thread reader;
    /** Whether it still has its place in the {@link WaitingLine}. */
    private final AtomicBoolean inLine = new AtomicBoolean();

    LiveRequest(
            long id,
            String requestId,
            int[] prompt,
            SamplingParams sampling,
            long seed,
            long arrivalNanos,
            long queuedNanos,
            Standing standing) {
        this(id, requestId, prompt, sampling, seed, arrivalNanos, arrivalNanos, queuedNanos, standing, null);
    }

    /** @param correlation the request's own, or null */
    LiveRequest(
            long id,
            String requestId,
            int[] prompt,
            SamplingParams sampling,
            long seed,
            long arrivalNanos,
            long tokenizeNanos,
            long queuedNanos,
            Standing standing,
            Object correlation) {
        super(id, prompt, prompt.length + sampling.maxTokens().orElseThrow(), standing);
        this.requestId = requestId;
        this.sampling = sampling;
        this.seed = seed;
        this.arrivalNanos = arrivalNanos;
        this.queuedNanos = queuedNanos;
        this.log = new RequestLog(tokenizeNanos, queuedNanos);
        this.correlation = correlation;
    }

    /** What happened to it, step by step. */
    RequestLog log() {
        return log;
    }

    /** Has scores changed and outputs ended by a plan; called before it is submitted. */
    void use(SamplingPlan sampling) {
        plan = sampling;
    }

    /** Has hidden states collected instead of tokens sampled; called before it is submitted. */
    void pool(Pooler states) {
        pooler = states;
    }

    /** Collects its hidden states, or null for one that generates. */
    Pooler pooler() {
        return pooler;
    }

    /** Engine thread: whether the next token has to wait for the form of the output. */
    void hold(boolean value) {
        held = value;
    }

    @Override
    public boolean isHeld() {
        return held || super.isHeld();
    }

    /** Engine thread: whether the step that it is scheduled in still goes on with it. */
    boolean isInStep() {
        return ending == null && !isHeld();
    }

    SamplingPlan plan() {
        return plan;
    }

    /** Whether there are tokens of the prompt whose log probabilities are wanted and not yet known. */
    @Override
    public boolean scoresPrompt() {
        if (pooler != null) {
            return pooler.needsAll();
        }
        return sampling.logprobs().prompt().isPresent() && promptScored < promptLength() - 1;
    }

    /** Engine thread: log probabilities of a token of the prompt, which come in order. */
    void notePrompt(int index, TokenLogprobs entry) {
        if (index <= promptScored) {
            return;
        }
        if (promptLogprobs.length == 0) {
            promptLogprobs = new TokenLogprobs[promptLength()];
        }
        promptLogprobs[index] = entry;
        promptScored = index;
    }

    /** Engine thread: log probabilities of a token of the output. */
    void note(int index, TokenLogprobs entry) {
        if (index >= logprobs.length) {
            logprobs = Arrays.copyOf(logprobs, Math.max(16, 2 * index));
        }
        logprobs[index] = entry;
    }

    /** Log probabilities of a published token, or null. */
    TokenLogprobs logprobs(int index) {
        TokenLogprobs[] all = logprobs;
        return index < all.length ? all[index] : null;
    }

    /** Log probabilities of the prompt's tokens but the first; empty where none are known. */
    List<TokenLogprobs> promptLogprobs() {
        TokenLogprobs[] all = promptLogprobs;
        return all.length == 0
                ? List.of()
                : Arrays.stream(all).skip(1).filter(Objects::nonNull).toList();
    }

    /** The tokens before the one at {@code position} of the output. */
    TokenHistory before(int position) {
        return new TokenHistory(tokens(), promptLength(), promptLength() + position);
    }

    /** Has the likeliest tokens noted whenever one is sampled; called before it is submitted. */
    void wantLogprobs(int count) {
        wantedLogprobs = count;
    }

    int wantedLogprobs() {
        return wantedLogprobs;
    }

    /** Engine thread: the likeliest at the latest sampling. */
    void note(TopLogprobs best) {
        topLogprobs = best;
    }

    /** The likeliest at the latest sampling; null before, or when none are wanted. */
    TopLogprobs topLogprobs() {
        return topLogprobs;
    }

    Object correlation() {
        return correlation;
    }

    String requestId() {
        return requestId;
    }

    SamplingParams sampling() {
        return sampling;
    }

    long seed() {
        return seed;
    }

    /** It has taken a place in the waiting line. */
    void entersLine() {
        inLine.set(true);
    }

    /** Any thread: gives up the place in the waiting line; true for the one that did, once. */
    boolean leaveLine() {
        return inLine.compareAndSet(true, false);
    }

    /** Engine thread: left the queue. */
    void scheduled(long nanos) {
        log.admitted(nanos, cachedTokens());
        if (firstScheduledNanos == RequestTimings.NOT_REACHED) {
            firstCachedTokens = cachedTokens();
            firstScheduledNanos = nanos;
        }
    }

    /** Prompt tokens found in the cache when it was first admitted. */
    int firstCachedTokens() {
        return firstCachedTokens;
    }

    /** Whether it has ever been in a step. */
    boolean wasScheduled() {
        return firstScheduledNanos != RequestTimings.NOT_REACHED;
    }

    /** Engine thread: lost its blocks. */
    void preempted(long nanos) {
        log.preempted(nanos);
        // One writer, so the increment needs no atomic.
        int more = preemptions + 1;
        preemptions = more;
    }

    /** Engine thread: a new token; the reader sees it after {@link #publish}. */
    void append(int token, long nanos) {
        if (isUnknown()) {
            learn(token);
        } else if (drafted(token)) {
            acceptDrafted();
        } else {
            append(token);
        }
        int index = generated() - 1;
        if (index == tokenNanos.length) {
            tokenNanos = Arrays.copyOf(tokenNanos, 2 * index);
        }
        tokenNanos[index] = nanos;
    }

    /** Engine thread: lets the reader see the tokens so far and the ending, if it is the end. */
    void publish(Ending end) {
        reveal();
        if (end != null) {
            ending = end;
        }
        wake();
    }

    /** Engine thread: lets a reader that looks see the tokens so far; one that sleeps does so until {@link #wake}. */
    void reveal() {
        published = known();
    }

    /** Wakes the reader if it sleeps. */
    void wake() {
        LockSupport.unpark(reader);
    }

    /** Tokens that may be read. */
    int published() {
        return published;
    }

    /** How it ended, or null; once it is not null, {@link #published} is final. */
    Ending ending() {
        return ending;
    }

    /** A generated token below {@link #published}. */
    int token(int index) {
        return tokens()[promptLength() + index];
    }

    /** Reader: waits until there is something beyond {@code seen} tokens. */
    void await(int seen) throws InterruptedException {
        reader = Thread.currentThread();
        while (published <= seen && ending == null) {
            LockSupport.park(this);
            if (Thread.interrupted()) {
                throw new InterruptedException();
            }
        }
    }

    /** Stamps as of {@code tokenCount} tokens read and an end at {@code finishedNanos}. */
    RequestTimings timings(int tokenCount, long finishedNanos) {
        return new RequestTimings(
                arrivalNanos,
                queuedNanos,
                firstScheduledNanos,
                tokenCount == 0 ? RequestTimings.NOT_REACHED : tokenNanos[0],
                tokenCount == 0 ? RequestTimings.NOT_REACHED : tokenNanos[tokenCount - 1],
                finishedNanos,
                preemptions);
    }

    /** The stamp of a published token. */
    long tokenNanosAt(int index) {
        return tokenNanos[index];
    }

    /** Stamps of the first {@code tokenCount} tokens. */
    long[] tokenNanos(int tokenCount) {
        return Arrays.copyOf(tokenNanos, tokenCount);
    }
}
