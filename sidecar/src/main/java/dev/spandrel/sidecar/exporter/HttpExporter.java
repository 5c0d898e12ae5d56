package dev.spandrel.sidecar.exporter;

import dev.spandrel.sidecar.json.JsonResponse;
import dev.spandrel.sidecar.json.ProtobufToJson;
import dev.spandrel.sidecar.otlp.EncodedRequest;
import dev.spandrel.sidecar.otlp.MalformedTelemetryException;
import dev.spandrel.sidecar.otlp.PartialSuccess;
import dev.spandrel.sidecar.otlp.RpcStatus;
import dev.spandrel.sidecar.otlp.Signal;
import dev.spandrel.sidecar.time.Ticker;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.zip.GZIPOutputStream;

/** OTLP over HTTP/1.1 with protobuf or JSON bodies, by the JDK's own client. Redirects are not followed: they are a refusal. */
public final class HttpExporter implements Exporter {
    private static final int MAX_RESPONSE_BYTES = 4 << 20;
    private static final String PROTOBUF = "application/x-protobuf";
    private static final String JSON = "application/json";

    private record Answer(int status, String retryAfter, String contentType, byte[] body) {}

    private final Signal signal;
    private final ExporterConfig config;
    private final boolean json;
    private final HttpClient client;
    private final Ticker ticker;
    private final String userAgent;
    private final AtomicLong unknownFields = new AtomicLong();

    /** Takes over the client and closes it with itself. */
    public HttpExporter(Signal signal, ExporterConfig config, HttpClient client, String userAgent, Ticker ticker) {
        this.signal = signal;
        this.config = config;
        // profiles are in development and have no JSON form here; every OTLP/HTTP server takes protobuf too
        this.json = config.protocol() == Protocol.HTTP_JSON && signal != Signal.PROFILES;
        this.client = client;
        this.userAgent = userAgent;
        this.ticker = ticker;
    }

    @Override
    public SendResult send(EncodedRequest request) {
        try {
            return classify(exchange(httpRequest(encode(request))));
        } catch (MalformedTelemetryException e) {
            return new SendResult.Permanent("cannot be written as JSON: " + e.getMessage(), false);
        } catch (ExecutionException e) {
            Throwable cause = e.getCause();
            return failed(
                    cause.getClass().getSimpleName() + (cause.getMessage() == null ? "" : ": " + cause.getMessage()));
        } catch (TimeoutException e) {
            return failed("no answer within " + config.timeout().toMillis() + " ms");
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return failed("interrupted");
        }
    }

    private SendResult failed(String reason) {
        return new SendResult.Retryable(
                "HTTP " + config.endpoint().authority() + ": " + reason, Duration.ZERO, false, true);
    }

    /** The parts to send: the protobuf as it is, or one JSON document made of it. */
    private List<byte[]> encode(EncodedRequest request) throws MalformedTelemetryException {
        if (!json) {
            return request.parts();
        }
        ProtobufToJson.Result result = ProtobufToJson.convert(signal, request.toByteArray());
        unknownFields.addAndGet(result.unknownFields());
        return List.of(result.json());
    }

    @Override
    public long unknownFields() {
        return unknownFields.get();
    }

    private HttpRequest httpRequest(List<byte[]> parts) {
        String url = (config.endpoint().tls() ? "https" : "http") + "://"
                + config.endpoint().authority() + config.endpoint().path();
        HttpRequest.Builder builder = HttpRequest.newBuilder(URI.create(url)).setHeader("User-Agent", userAgent);
        config.headers().forEach(builder::setHeader);
        builder.setHeader("Content-Type", json ? JSON : PROTOBUF);
        if (config.gzip()) {
            builder.setHeader("Content-Encoding", "gzip");
            return builder.POST(HttpRequest.BodyPublishers.ofByteArray(gzip(parts)))
                    .build();
        }
        return builder.POST(HttpRequest.BodyPublishers.fromPublisher(
                        HttpRequest.BodyPublishers.ofByteArrays(parts), Math.max(1, size(parts))))
                .build();
    }

    private static int size(List<byte[]> parts) {
        return parts.stream().mapToInt(part -> part.length).sum();
    }

    private static byte[] gzip(List<byte[]> parts) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream(size(parts) / 4 + 64);
        try (GZIPOutputStream out = new GZIPOutputStream(bytes)) {
            for (byte[] part : parts) {
                out.write(part);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return bytes.toByteArray();
    }

    private Answer exchange(HttpRequest request) throws ExecutionException, TimeoutException, InterruptedException {
        CompletableFuture<HttpResponse<byte[]>> answer =
                client.sendAsync(request, _ -> new CappedBody(MAX_RESPONSE_BYTES));
        try {
            return read(
                    config.timeout().isZero()
                            ? answer.get()
                            : answer.get(config.timeout().toMillis(), TimeUnit.MILLISECONDS));
        } finally {
            answer.cancel(true);
        }
    }

    private static Answer read(HttpResponse<byte[]> response) {
        return new Answer(
                response.statusCode(),
                response.headers().firstValue("Retry-After").orElse(""),
                response.headers().firstValue("Content-Type").orElse(""),
                response.body());
    }

    /** The table of HTTP codes: about the destination (again, for ever) or about the data (halve, put aside). */
    private SendResult classify(Answer answer) {
        String reason = "HTTP " + answer.status() + message(answer);
        return switch (answer.status()) {
            case 400, 422 -> new SendResult.Permanent(reason, false);
            case 413 -> new SendResult.Permanent(reason, true);
            case 429, 502, 503, 504 -> new SendResult.Retryable(reason, wait(answer), false, false);
            default ->
                answer.status() / 100 == 2
                        ? delivered(answer)
                        : new SendResult.Retryable(reason, wait(answer), true, false);
        };
    }

    private Duration wait(Answer answer) {
        return answer.retryAfter().isBlank()
                ? Duration.ZERO
                : RetryAfter.parse(answer.retryAfter(), Instant.ofEpochMilli(ticker.epochMillis()));
    }

    private static String message(Answer answer) {
        String text = answer.contentType().startsWith(JSON)
                ? JsonResponse.statusMessage(answer.body())
                : answer.contentType().startsWith(PROTOBUF)
                        ? RpcStatus.fromProtobuf(answer.body()).message()
                        : "";
        return text.isEmpty() ? "" : ": " + text;
    }

    private static PartialSuccess partialSuccess(Answer answer) throws MalformedTelemetryException {
        if (answer.contentType().startsWith(JSON)) {
            return JsonResponse.partialSuccess(answer.body());
        }
        return answer.contentType().startsWith(PROTOBUF)
                ? PartialSuccess.fromProtobuf(answer.body())
                : PartialSuccess.NONE;
    }

    private static SendResult delivered(Answer answer) {
        try {
            return new SendResult.Delivered(partialSuccess(answer));
        } catch (MalformedTelemetryException e) {
            // a 2xx was said, so the data was taken; resending because the reply is odd would double it
            return new SendResult.Delivered(new PartialSuccess(0, "unreadable response: " + e.getMessage()));
        }
    }

    @Override
    public void close() {
        client.shutdownNow();
    }
}
