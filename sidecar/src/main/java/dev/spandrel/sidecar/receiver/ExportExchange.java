package dev.spandrel.sidecar.receiver;

import dev.spandrel.sidecar.json.JsonToProtobuf;
import dev.spandrel.sidecar.otlp.MalformedTelemetryException;
import dev.spandrel.sidecar.otlp.Signal;
import dev.spandrel.sidecar.transport.HttpAnswer;
import dev.spandrel.sidecar.transport.HttpExchange;
import dev.spandrel.sidecar.transport.HttpHead;
import dev.spandrel.sidecar.transport.HttpRefusal;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.zip.ZipException;

/**
 * One export over HTTP. A plain protobuf body is kept by the event loop; what must be decompressed or converted first has
 * a thread of its own, so that it holds up no other connection.
 */
final class ExportExchange implements HttpExchange {
    private static final byte[] EMPTY_PROTOBUF = {};
    private static final byte[] EMPTY_JSON = {'{', '}'};

    private final OtlpHttpService service;
    private final Signal signal;
    private final MediaType media;
    private final String encoding;
    private final InFlightBytes.Lease lease;
    private final BodyBuffer body;

    ExportExchange(
            OtlpHttpService service,
            Signal signal,
            MediaType media,
            String encoding,
            InFlightBytes.Lease lease,
            BodyBuffer body) {
        this.service = service;
        this.signal = signal;
        this.media = media;
        this.encoding = encoding;
        this.lease = lease;
        this.body = body;
    }

    /** Empty for none, gzip or zstd; others are refused. */
    static String encoding(HttpHead head) throws OtlpError {
        String encoding = head.header("Content-Encoding").strip().toLowerCase(Locale.ROOT);
        return switch (encoding) {
            case "", "identity" -> "";
            case "gzip", Zstd.NAME -> encoding;
            default ->
                throw new OtlpError(
                        OtlpError.Kind.MEDIA_TYPE,
                        "expected Content-Encoding gzip, zstd or none, found \"" + encoding + "\"");
        };
    }

    @Override
    public void body(ByteBuffer bytes) throws HttpRefusal {
        try {
            body.put(bytes);
        } catch (OtlpError e) {
            throw new HttpRefusal(refused(e));
        }
    }

    @Override
    public CompletableFuture<HttpAnswer> end() {
        return media == MediaType.PROTOBUF && encoding.isEmpty()
                ? keep()
                : CompletableFuture.supplyAsync(this::keep, Thread::startVirtualThread)
                        .thenCompose(answer -> answer);
    }

    private CompletableFuture<HttpAnswer> keep() {
        byte[] request;
        try {
            request = media == MediaType.JSON ? protobuf(plain()) : plain();
        } catch (OtlpError e) {
            return CompletableFuture.completedFuture(refused(e));
        }
        // a failure is counted by the intake
        return service.intake()
                .accept(signal, request, "http")
                .handle((_, failure) -> failure == null
                        ? new HttpAnswer(
                                200,
                                Map.of("Content-Type", media.type()),
                                media == MediaType.JSON ? EMPTY_JSON : EMPTY_PROTOBUF)
                        : OtlpHttpService.refused(media, Intake.error(failure)));
    }

    private byte[] plain() throws OtlpError {
        try {
            return switch (encoding) {
                case "gzip" -> service.limits().bodyReader(lease).readGzip(body.stream());
                case Zstd.NAME -> service.limits().bodyReader(lease).readZstd(body.stream());
                default -> body.toByteArray();
            };
        } catch (ZipException | EOFException e) {
            throw new OtlpError(OtlpError.Kind.MALFORMED, "the body is not " + encoding + ": " + e.getMessage());
        } catch (IOException e) {
            throw new OtlpError(OtlpError.Kind.MALFORMED, "the body cannot be read: " + e.getMessage());
        }
    }

    private byte[] protobuf(byte[] json) throws OtlpError {
        try {
            // the protobuf form is smaller than the JSON it comes from, which is held until it is done
            lease.add(json.length);
            return JsonToProtobuf.convert(signal, json);
        } catch (MalformedTelemetryException e) {
            throw new OtlpError(
                    OtlpError.Kind.MALFORMED, "not an export request of " + signal.word() + ": " + e.getMessage());
        }
    }

    private HttpAnswer refused(OtlpError error) {
        return OtlpHttpService.refused(media, service.intake().refuse(error));
    }

    @Override
    public HttpAnswer malformed(String message) {
        return refused(new OtlpError(OtlpError.Kind.MALFORMED, message));
    }

    @Override
    public HttpAnswer tooSlow() {
        return refused(OtlpError.tooSlow());
    }

    @Override
    public void close() {
        lease.close();
    }
}
