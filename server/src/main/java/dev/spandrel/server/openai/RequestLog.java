package dev.spandrel.server.openai;

import io.helidon.webserver.http.ServerRequest;
import java.io.PrintStream;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.OptionalInt;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

/**
 * One line of JSON per generation or embedding once it is over: its prompt, the sampling values in force and, where wanted,
 * what was said ({@code --enable-log-requests}); and one per request that was refused. Lines go through a queue bounded by
 * its bytes to one thread, so that a log that cannot be written delays no answer; how many were dropped meanwhile is a line
 * of its own.
 */
public final class RequestLog implements GenerationListener, AutoCloseable {
    private static final int QUEUE = 8192;

    /** A prompt may have ten million characters, so lines alone are no limit. */
    private static final long QUEUE_BYTES = 32L * 1024 * 1024;

    private static final byte[] END = new byte[0];

    private final RequestLines lines;
    private final PrintStream out;
    private final BlockingQueue<byte[]> queue = new ArrayBlockingQueue<>(QUEUE);
    private final AtomicLong queuedBytes = new AtomicLong();
    private final AtomicLong dropped = new AtomicLong();
    private final Thread writer;

    /**
     * What is logged.
     *
     * @param outputs whether what was said is
     * @param maxLength characters kept of a prompt and of an output; empty = all
     */
    public record Settings(boolean outputs, OptionalInt maxLength) {
        public Settings {
            if (maxLength.isPresent() && maxLength.getAsInt() < 0) {
                throw new IllegalArgumentException("--max-log-len must be at least 0, found " + maxLength.getAsInt());
            }
        }

        int limit() {
            return maxLength.orElse(Integer.MAX_VALUE);
        }
    }

    /**
     * Starts the writing thread.
     *
     * @param out takes the lines
     */
    public RequestLog(Settings settings, PrintStream out, InstantSource wall) {
        this.lines = new RequestLines(settings, wall);
        this.out = out;
        this.writer = Thread.ofPlatform().daemon().name("request-log").start(this::write);
    }

    @Override
    public boolean wantsContent() {
        return true;
    }

    @Override
    public void onEnd(ServerRequest request, List<EndedGeneration> generations) {
        generations.forEach(generation -> offer(lines.line(request, generation)));
    }

    @Override
    public void onEmbedded(ServerRequest request, List<EndedEmbedding> embeddings) {
        embeddings.forEach(embedding -> offer(lines.line(request, embedding)));
    }

    @Override
    public void onRefused(ServerRequest request, RefusedRequest refused) {
        offer(lines.line(request, refused));
    }

    private void offer(byte[] line) {
        if (queuedBytes.addAndGet(line.length) > QUEUE_BYTES || !queue.offer(line)) {
            queuedBytes.addAndGet(-line.length);
            dropped.incrementAndGet();
        }
    }

    private void write() {
        try {
            for (byte[] line = queue.take(); line != END; line = queue.take()) {
                out.write(line, 0, line.length);
                queuedBytes.addAndGet(-line.length);
                if (queue.isEmpty()) {
                    tellOfDropped();
                    out.flush();
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        tellOfDropped();
        out.flush();
    }

    private void tellOfDropped() {
        long count = dropped.getAndSet(0);
        if (count > 0) {
            byte[] line = RequestLines.dropped(count);
            out.write(line, 0, line.length);
        }
    }

    /** Lines that found the queue full and that no line has told of yet. */
    long dropped() {
        return dropped.get();
    }

    /** Writes what is queued and ends; waits two seconds at most, for a log that takes nothing. */
    @Override
    public void close() {
        try {
            if (queue.offer(END, 1, TimeUnit.SECONDS)) {
                writer.join(Duration.ofSeconds(1));
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
