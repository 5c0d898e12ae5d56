package dev.spandrel.sidecar.receiver;

import dev.spandrel.sidecar.json.JsonToProtobuf;
import dev.spandrel.sidecar.otlp.MalformedTelemetryException;
import dev.spandrel.sidecar.otlp.Signal;
import io.helidon.http.HeaderNames;
import io.helidon.http.HeaderValues;
import io.helidon.http.Method;
import io.helidon.http.Status;
import io.helidon.webserver.http.Handler;
import io.helidon.webserver.http.ServerRequest;
import io.helidon.webserver.http.ServerResponse;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.CompletionException;
import java.util.zip.ZipException;

/** Answers the requests of one signal's path. */
record ExportHandler(Signal signal, Intake intake, ReceiverLimits limits) implements Handler {
    private static final byte[] EMPTY_PROTOBUF = {};
    private static final byte[] EMPTY_JSON = {'{', '}'};

    @Override
    public void handle(ServerRequest request, ServerResponse response) {
        try (InFlightBytes.Lease lease = limits.inFlight().lease()) {
            MediaType media = check(request);
            byte[] body = read(request, lease);
            intake.accept(signal, media == MediaType.JSON ? protobuf(body, lease) : body, "http")
                    .join();
            response.status(Status.OK_200)
                    .header(HeaderNames.CONTENT_TYPE, media.type())
                    .send(media == MediaType.JSON ? EMPTY_JSON : EMPTY_PROTOBUF);
        } catch (OtlpError e) {
            refuse(intake, request, response, e);
        } catch (CompletionException e) {
            // counted by the intake
            send(request, response, Intake.error(e));
        }
    }

    private static MediaType check(ServerRequest request) throws OtlpError {
        if (!request.prologue().method().equals(Method.POST)) {
            throw new OtlpError(
                    OtlpError.Kind.METHOD,
                    "expected POST, found " + request.prologue().method().text());
        }
        String type = header(request, "Content-Type");
        return MediaType.of(type)
                .orElseThrow(() -> new OtlpError(
                        OtlpError.Kind.MEDIA_TYPE,
                        "expected Content-Type " + MediaType.PROTOBUF.type() + " or " + MediaType.JSON.type()
                                + ", found \"" + type + "\""));
    }

    private byte[] protobuf(byte[] json, InFlightBytes.Lease lease) throws OtlpError {
        try {
            // the protobuf form is smaller than the JSON it comes from, which is held until it is done
            lease.add(json.length);
            return JsonToProtobuf.convert(signal, json);
        } catch (MalformedTelemetryException e) {
            throw new OtlpError(
                    OtlpError.Kind.MALFORMED, "not an export request of " + signal.word() + ": " + e.getMessage());
        }
    }

    private byte[] read(ServerRequest request, InFlightBytes.Lease lease) throws OtlpError {
        String encoding = header(request, "Content-Encoding").strip().toLowerCase(Locale.ROOT);
        if (!encoding.isEmpty()
                && !encoding.equals("identity")
                && !encoding.equals("gzip")
                && !encoding.equals(Zstd.NAME)) {
            throw new OtlpError(
                    OtlpError.Kind.MEDIA_TYPE,
                    "expected Content-Encoding gzip, zstd or none, found \"" + encoding + "\"");
        }
        if (!request.content().hasEntity()) {
            return new byte[0];
        }
        long length = request.headers().contentLength().orElse(-1);
        BodyReader reader = limits.bodyReader(lease);
        try (InputStream in = request.content().inputStream()) {
            return switch (encoding) {
                case "gzip" -> reader.readGzip(in, length);
                case Zstd.NAME -> reader.readZstd(in, length);
                default -> reader.read(in, length);
            };
        } catch (ZipException | EOFException e) {
            throw new OtlpError(OtlpError.Kind.MALFORMED, "the body is not " + encoding + ": " + e.getMessage());
        } catch (IOException e) {
            throw new OtlpError(OtlpError.Kind.MALFORMED, "the body cannot be read: " + e.getMessage());
        }
    }

    private static String header(ServerRequest request, String name) {
        return Optional.of(HeaderNames.create(name))
                .filter(request.headers()::contains)
                .map(header -> request.headers().get(header).get())
                .orElse("");
    }

    static void refuse(Intake intake, ServerRequest request, ServerResponse response, OtlpError error) {
        send(request, response, intake.refuse(error));
    }

    private static void send(ServerRequest request, ServerResponse response, OtlpError error) {
        MediaType media = MediaType.of(header(request, "Content-Type")).orElse(MediaType.PROTOBUF);
        if (error.kind() == OtlpError.Kind.METHOD) {
            response.header(HeaderNames.ALLOW, "POST");
        }
        error.retryDelay()
                .ifPresent(delay -> response.header(
                        HeaderNames.RETRY_AFTER,
                        Long.toString(Math.max(1, delay.plusMillis(999).toSeconds()))));
        boolean drainable = LeftoverBody.drainable(request);
        if (!drainable) {
            response.header(HeaderValues.CONNECTION_CLOSE);
        }
        response.status(Status.create(error.kind().httpStatus()))
                .header(HeaderNames.CONTENT_TYPE, media.type())
                .send(
                        media == MediaType.JSON
                                ? error.status().toJson()
                                : error.status().toProtobuf());
        LeftoverBody.discard(request, drainable);
    }
}
