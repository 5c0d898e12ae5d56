package dev.spandrel.server.openai;

import dev.spandrel.engine.ChatMessage;
import dev.spandrel.engine.SamplingParams;
import io.helidon.webserver.http.ServerRequest;
import java.io.PrintStream;
import java.time.Duration;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Locale;
import java.util.OptionalInt;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import tools.jackson.core.JsonGenerator;

/**
 * One line of JSON per generation once it is over: its prompt, the sampling values in force and, where wanted, what was
 * said ({@code --enable-log-requests}). Lines go through a queue bounded by its bytes to one thread, so that a log that
 * cannot be written delays no answer; how many were dropped meanwhile is a line of its own.
 */
public final class RequestLog implements GenerationListener, AutoCloseable {
    private static final int QUEUE = 8192;

    /** A prompt may have ten million characters, so lines alone are no limit. */
    private static final long QUEUE_BYTES = 32L * 1024 * 1024;

    private static final byte[] END = new byte[0];

    private final Settings settings;
    private final PrintStream out;
    private final InstantSource wall;
    private final BlockingQueue<byte[]> lines = new ArrayBlockingQueue<>(QUEUE);
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

        private int limit() {
            return maxLength.orElse(Integer.MAX_VALUE);
        }
    }

    /**
     * Starts the writing thread.
     *
     * @param out takes the lines
     */
    public RequestLog(Settings settings, PrintStream out, InstantSource wall) {
        this.settings = settings;
        this.out = out;
        this.wall = wall;
        this.writer = Thread.ofPlatform().daemon().name("request-log").start(this::write);
    }

    @Override
    public boolean wantsContent() {
        return true;
    }

    @Override
    public void onEnd(ServerRequest request, List<EndedGeneration> generations) {
        generations.forEach(generation -> offer(line(generation)));
    }

    private void offer(byte[] line) {
        if (queuedBytes.addAndGet(line.length) > QUEUE_BYTES || !lines.offer(line)) {
            queuedBytes.addAndGet(-line.length);
            dropped.incrementAndGet();
        }
    }

    private byte[] line(EndedGeneration generation) {
        return ended(Json.bytes(json -> {
            json.writeStartObject();
            json.writeStringProperty(
                    "time", wall.instant().truncatedTo(ChronoUnit.MICROS).toString());
            json.writeStringProperty("request_id", generation.requestId());
            json.writeStringProperty("operation", generation.operation());
            json.writeStringProperty("model", generation.requestModel());
            json.writeBooleanProperty("stream", generation.streamed());
            generation.content().ifPresent(content -> input(json, content.input()));
            json.writeName("params");
            params(json, generation.sampling(), generation.choices());
            json.writeNumberProperty("prompt_tokens", generation.promptTokens());
            json.writeNumberProperty("completion_tokens", generation.completionTokens());
            json.writeStringProperty("finish_reason", generation.reason().name().toLowerCase(Locale.ROOT));
            if (settings.outputs()) {
                generation
                        .content()
                        .ifPresent(
                                content -> json.writeStringProperty("output", cut(content.output(), settings.limit())));
            }
            json.writeEndObject();
        }));
    }

    private void input(JsonGenerator json, List<ChatMessage> messages) {
        int left = settings.limit();
        json.writeArrayPropertyStart("messages");
        for (ChatMessage message : messages) {
            String text = cut(message.content(), left);
            left -= text.length();
            json.writeStartObject();
            json.writeStringProperty("role", message.role());
            json.writeStringProperty("content", text);
            json.writeEndObject();
        }
        json.writeEndArray();
    }

    private static void params(JsonGenerator json, SamplingParams sampling, int n) {
        json.writeStartObject();
        json.writeNumberProperty("n", n);
        if (sampling.maxTokens().isPresent()) {
            json.writeNumberProperty("max_tokens", sampling.maxTokens().getAsInt());
        } else {
            json.writeNullProperty("max_tokens");
        }
        json.writeNumberProperty("temperature", sampling.temperature());
        json.writeNumberProperty("top_p", sampling.topP());
        json.writeNumberProperty("top_k", sampling.topK());
        json.writeNumberProperty("min_p", sampling.minP());
        if (sampling.seed().isPresent()) {
            json.writeNumberProperty("seed", sampling.seed().getAsLong());
        } else {
            json.writeNullProperty("seed");
        }
        json.writeEndObject();
    }

    /** No half of a character that takes two. */
    private static String cut(String text, int limit) {
        if (text.length() <= limit) {
            return text;
        }
        boolean half = limit > 0 && Character.isHighSurrogate(text.charAt(limit - 1));
        return text.substring(0, half ? limit - 1 : limit);
    }

    private static byte[] ended(byte[] json) {
        byte[] line = java.util.Arrays.copyOf(json, json.length + 1);
        line[json.length] = '\n';
        return line;
    }

    private void write() {
        try {
            for (byte[] line = lines.take(); line != END; line = lines.take()) {
                out.write(line, 0, line.length);
                queuedBytes.addAndGet(-line.length);
                if (lines.isEmpty()) {
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
            byte[] line = ended(Json.bytes(json -> {
                json.writeStartObject();
                json.writeNumberProperty("dropped_lines", count);
                json.writeEndObject();
            }));
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
            if (lines.offer(END, 1, TimeUnit.SECONDS)) {
                writer.join(Duration.ofSeconds(1));
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
