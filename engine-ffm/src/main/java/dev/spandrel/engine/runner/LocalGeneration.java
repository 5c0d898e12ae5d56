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
import java.util.OptionalInt;
import java.util.function.LongSupplier;

/**
 * The reader's side of a request: follows the published tokens and turns them into text on the reader's own thread, so
 * that decoding never costs the engine thread anything. A stop string is found here; the tokens that the engine computed
 * beyond it are not counted.
 */
final class LocalGeneration implements Generation {
    private final LiveRequest request;
    private final EngineLoop loop;
    private final StreamingDecoder decoder;
    private final LongSupplier nanoClock;

    /** Written under the lock, read by the waiting reader without it. */
    private volatile int read;

    private volatile boolean over;
    private volatile RequestTimings timings;
    private volatile int completionTokens;

    LocalGeneration(LiveRequest request, EngineLoop loop, StreamingDecoder decoder, LongSupplier nanoClock) {
        this.request = request;
        this.loop = loop;
        this.decoder = decoder;
        this.nanoClock = nanoClock;
    }

    @Override
    public String id() {
        return request.requestId();
    }

    @Override
    public int promptTokens() {
        return request.promptLength();
    }

    @Override
    public int[] promptTokenIds() {
        return Arrays.copyOf(request.tokens(), request.promptLength());
    }

    @Override
    public int tokenId(int index) {
        return request.token(index);
    }

    @Override
    public Optional<TokenLogprobs> logprobs(int index) {
        return Optional.ofNullable(request.logprobs(index));
    }

    @Override
    public List<TokenLogprobs> promptLogprobs() {
        return request.promptLogprobs();
    }

    @Override
    public int cachedTokens() {
        return request.firstCachedTokens();
    }

    @Override
    public SamplingParams sampling() {
        return request.sampling();
    }

    @Override
    public GenerationEvent next() throws InterruptedException {
        if (over) {
            throw new IllegalStateException("generation " + id() + " is over");
        }
        request.await(read);
        return read();
    }

    /** What has come; not while {@link #close} settles, which another thread may call at any time. */
    private synchronized GenerationEvent read() {
        if (over) {
            throw new IllegalStateException("generation " + id() + " was closed");
        }
        // The order matters: an ending seen first makes the count read after it final.
        LiveRequest.Ending ending = request.ending();
        int available = request.published();
        int visible = ending == null ? available : available - ending.hiddenTokens();
        StringBuilder text = new StringBuilder();
        int before = read;
        while (read < visible) {
            text.append(decoder.append(request.token(read)));
            read = read + 1;
            if (decoder.stopReason().isPresent()) {
                loop.cancel(request);
                return finish(text, before, nanoClock.getAsLong(), FinishReason.STOP, null);
            }
        }
        if (ending == null) {
            return new GenerationEvent.TextDelta(text.toString(), read - before);
        }
        read = available;
        text.append(decoder.finish());
        FinishReason reason = decoder.stopReason().isPresent() ? FinishReason.STOP : ending.reason();
        return finish(text, before, ending.nanos(), reason, ending);
    }

    private GenerationEvent finish(
            StringBuilder text, int before, long nanos, FinishReason reason, LiveRequest.Ending ending) {
        settle(nanos);
        Optional<String> stop = decoder.stopReason();
        return new GenerationEvent.Finished(
                text.toString(),
                read - before,
                reason,
                stop,
                ending == null || ending.stopToken() < 0 ? OptionalInt.empty() : OptionalInt.of(ending.stopToken()),
                ending == null ? null : ending.failure());
    }

    /** Fixes what {@link #timings} and {@link #completionTokens} say from now on. */
    private void settle(long nanos) {
        over = true;
        completionTokens = read;
        timings = request.timings(read, nanos);
    }

    @Override
    public int completionTokens() {
        return timings == null ? request.published() : completionTokens;
    }

    @Override
    public RequestTimings timings() {
        RequestTimings settled = timings;
        return settled == null ? request.timings(request.published(), RequestTimings.NOT_REACHED) : settled;
    }

    @Override
    public RequestPhases phases() {
        return request.log().phases();
    }

    @Override
    public long[] tokenNanos() {
        return request.tokenNanos(completionTokens());
    }

    @Override
    public long tokenNanos(int index) {
        return request.tokenNanosAt(index);
    }

    @Override
    public synchronized void close() {
        if (!over) {
            loop.cancel(request);
            read = request.published();
            LiveRequest.Ending ending = request.ending();
            settle(ending == null ? nanoClock.getAsLong() : ending.nanos());
        }
    }
}
