package dev.spandrel.sidecar.receiver;

import io.grpc.KnownLength;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.io.InputStream;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * One gRPC export from its first header to its status. Listener methods come from the connection's event loop; the
 * answer may come from the journal's thread or from a guard, and whoever is first gives it.
 */
final class ExportCall extends ServerCall.Listener<InputStream> {
    private static final Metadata.Key<byte[]> DETAILS =
            Metadata.Key.of("grpc-status-details-bin", Metadata.BINARY_BYTE_MARSHALLER);

    /** {@code Export…Response} without partial_success: all was taken. */
    private static final byte[] FULL_SUCCESS = {};

    private final ExportCallHandler handler;
    private final ServerCall<InputStream, byte[]> call;
    private final WireBytesTracer wire;
    private final long startNanos;
    private final AtomicBoolean answered = new AtomicBoolean();
    private byte[] body;

    ExportCall(ExportCallHandler handler, ServerCall<InputStream, byte[]> call, WireBytesTracer wire) {
        this.handler = handler;
        this.call = call;
        this.wire = wire;
        this.startNanos = handler.limits().ticker().nanoTime();
        wire.attach(this);
    }

    long startNanos() {
        return startNanos;
    }

    @Override
    public void onMessage(InputStream message) {
        try (message) {
            if (body != null) {
                fail(new OtlpError(OtlpError.Kind.MALFORMED, "expected one message in a unary call, found two"));
                return;
            }
            body = read(message);
        } catch (OtlpError e) {
            fail(e);
        } catch (StatusRuntimeException e) {
            // the library's own limit on the decompressed size
            fail(OtlpError.tooLarge(handler.limits().maxRequestBytes()));
        } catch (IOException e) {
            fail(new OtlpError(OtlpError.Kind.MALFORMED, "the message cannot be decompressed: " + e.getMessage()));
        }
    }

    private byte[] read(InputStream message) throws IOException, OtlpError {
        if (message instanceof KnownLength) {
            // uncompressed: its bytes are in the lease since they arrived
            return message.readNBytes(message.available());
        }
        return handler.limits().bodyReader(wire.lease()).read(message);
    }

    @Override
    public void onHalfClose() {
        handler.open().remove(this);
        if (answered.get()) {
            return;
        }
        if (body == null) {
            fail(new OtlpError(OtlpError.Kind.MALFORMED, "expected one message in a unary call, found none"));
            return;
        }
        handler.intake().accept(handler.signal(), body, "grpc").whenComplete((_, failure) -> {
            if (failure == null) {
                succeed();
            } else {
                answer(Intake.error(failure));
            }
        });
    }

    @Override
    public void onCancel() {
        handler.open().remove(this);
    }

    private void succeed() {
        if (answered.compareAndSet(false, true)) {
            call.sendHeaders(new Metadata());
            call.sendMessage(FULL_SUCCESS);
            call.close(Status.OK, new Metadata());
        }
    }

    /** Refuses and counts, unless an answer was given already. */
    void fail(OtlpError error) {
        if (!answered.get()) {
            answer(handler.intake().refuse(error));
        }
    }

    private void answer(OtlpError error) {
        if (answered.compareAndSet(false, true)) {
            handler.open().remove(this);
            Metadata trailers = new Metadata();
            if (error.retryDelay().isPresent()) {
                trailers.put(DETAILS, error.status().toProtobuf());
            }
            call.close(Status.fromCodeValue(error.kind().grpcCode()).withDescription(error.getMessage()), trailers);
        }
    }

    /** The stream is over, by whoever's doing; a message over the limit is refused by the library before we see it. */
    void closed(Status status) {
        handler.open().remove(this);
        if (status.getCode() == Status.Code.RESOURCE_EXHAUSTED && answered.compareAndSet(false, true)) {
            handler.intake().refuse(OtlpError.tooLarge(handler.limits().maxRequestBytes()));
        }
    }
}
