package dev.spandrel.sidecar.exporter;

import dev.spandrel.sidecar.otlp.EncodedRequest;
import dev.spandrel.sidecar.otlp.MalformedTelemetryException;
import dev.spandrel.sidecar.otlp.PartialSuccess;
import dev.spandrel.sidecar.otlp.RpcStatus;
import dev.spandrel.sidecar.otlp.Signal;
import io.grpc.CallOptions;
import io.grpc.ClientInterceptors;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.MetadataUtils;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * OTLP over gRPC: the encoded parts go out as they are. One channel, which reconnects and asks DNS again by itself; our
 * own retry policy decides when, so the channel's backoff is cleared before each try after a failure.
 */
public final class GrpcExporter implements Exporter {
    private static final Metadata.Key<byte[]> DETAILS =
            Metadata.Key.of("grpc-status-details-bin", Metadata.BINARY_BYTE_MARSHALLER);

    private final ManagedChannel channel;
    private final io.grpc.Channel withHeaders;
    private final MethodDescriptor<EncodedRequest, byte[]> method;
    private final CallOptions options;
    private final Duration timeout;

    /** Takes over the channel, which need not be connected, and closes it with itself. */
    public GrpcExporter(Signal signal, ExporterConfig config, ManagedChannel channel) {
        this.channel = channel;
        this.withHeaders = ClientInterceptors.intercept(
                channel, MetadataUtils.newAttachHeadersInterceptor(metadata(config.headers())));
        this.method = MethodDescriptor.<EncodedRequest, byte[]>newBuilder()
                .setType(MethodDescriptor.MethodType.UNARY)
                .setFullMethodName(signal.grpcMethod())
                .setRequestMarshaller(new RequestMarshaller())
                .setResponseMarshaller(new ResponseMarshaller())
                .build();
        this.options = config.gzip() ? CallOptions.DEFAULT.withCompression("gzip") : CallOptions.DEFAULT;
        this.timeout = config.timeout();
    }

    private static Metadata metadata(Map<String, String> headers) {
        Metadata metadata = new Metadata();
        headers.forEach((name, value) -> metadata.put(Metadata.Key.of(name, Metadata.ASCII_STRING_MARSHALLER), value));
        return metadata;
    }

    @Override
    public SendResult send(EncodedRequest request) {
        try {
            CallOptions deadline =
                    timeout.isZero() ? options : options.withDeadlineAfter(timeout.toNanos(), TimeUnit.NANOSECONDS);
            byte[] response = ClientCalls.blockingUnaryCall(withHeaders, method, deadline, request);
            return new SendResult.Delivered(PartialSuccess.fromProtobuf(response));
        } catch (StatusRuntimeException e) {
            channel.resetConnectBackoff();
            if (e.getStatus().getCode() == Status.Code.DEADLINE_EXCEEDED) {
                // a peer that went away without a word would otherwise hold the connection for many minutes
                channel.enterIdle();
            }
            return classify(e.getStatus(), retryInfo(e.getTrailers()));
        } catch (MalformedTelemetryException e) {
            // an OK was said, so the data was taken; resending because the reply is odd would double it
            return new SendResult.Delivered(new PartialSuccess(0, "unreadable response: " + e.getMessage()));
        }
    }

    private static Optional<Duration> retryInfo(Metadata trailers) {
        byte[] details = trailers == null ? null : trailers.get(DETAILS);
        return details == null
                ? Optional.empty()
                : RpcStatus.fromProtobuf(details).retryDelay();
    }

    /** The table of gRPC codes: about the destination (again, for ever) or about the data (halve, put aside). */
    static SendResult classify(Status status, Optional<Duration> retryInfo) {
        String reason =
                "gRPC " + status.getCode() + (status.getDescription() == null ? "" : ": " + status.getDescription());
        Duration atLeast = retryInfo.orElse(Duration.ZERO);
        return switch (status.getCode()) {
            case INVALID_ARGUMENT -> new SendResult.Permanent(reason, false);
            case RESOURCE_EXHAUSTED ->
                retryInfo.isPresent()
                        ? new SendResult.Retryable(reason, atLeast, false, false)
                        : new SendResult.Permanent(reason, true);
            case CANCELLED, DEADLINE_EXCEEDED, ABORTED, OUT_OF_RANGE, UNAVAILABLE, DATA_LOSS ->
                new SendResult.Retryable(reason, atLeast, false, true);
            default -> new SendResult.Retryable(reason, atLeast, true, false);
        };
    }

    @Override
    public void close() {
        channel.shutdownNow();
    }

    private static final class RequestMarshaller implements MethodDescriptor.Marshaller<EncodedRequest> {
        @Override
        public InputStream stream(EncodedRequest request) {
            return new PartsInputStream(request.parts());
        }

        @Override
        public EncodedRequest parse(InputStream stream) {
            throw new UnsupportedOperationException("a client does not read requests");
        }
    }

    private static final class ResponseMarshaller implements MethodDescriptor.Marshaller<byte[]> {
        @Override
        public InputStream stream(byte[] response) {
            return new ByteArrayInputStream(response);
        }

        @Override
        public byte[] parse(InputStream stream) {
            try {
                return stream.readAllBytes();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }
}
