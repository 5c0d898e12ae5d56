package dev.spandrel.sidecar.receiver;

import io.grpc.Context;
import io.grpc.Metadata;
import io.grpc.ServerStreamTracer;
import io.grpc.Status;

/**
 * Counts the bytes of one call while they arrive, which no handler sees before the message is complete, and takes them
 * from the shared bound. Called by the event loop of the connection.
 */
final class WireBytesTracer extends ServerStreamTracer {
    static final Context.Key<WireBytesTracer> KEY = Context.key("spandrel-wire-bytes");

    /** One tracer for each call. */
    static final class Factory extends ServerStreamTracer.Factory {
        private final InFlightBytes inFlight;

        Factory(InFlightBytes inFlight) {
            this.inFlight = inFlight;
        }

        @Override
        public ServerStreamTracer newServerStreamTracer(String fullMethodName, Metadata headers) {
            return new WireBytesTracer(inFlight.lease());
        }
    }

    private final InFlightBytes.Lease lease;
    private volatile ExportCall call;

    private WireBytesTracer(InFlightBytes.Lease lease) {
        this.lease = lease;
    }

    @Override
    public Context filterContext(Context context) {
        return context.withValue(KEY, this);
    }

    void attach(ExportCall attached) {
        call = attached;
    }

    InFlightBytes.Lease lease() {
        return lease;
    }

    @Override
    public void inboundWireSize(long bytes) {
        try {
            lease.add(bytes);
        } catch (OtlpError e) {
            ExportCall attached = call;
            if (attached != null) {
                // not from here: this runs inside the deframer, which closing would pull out from under itself
                Thread.startVirtualThread(() -> attached.fail(e));
            }
        }
    }

    @Override
    public void streamClosed(Status status) {
        lease.close();
        ExportCall attached = call;
        if (attached != null) {
            attached.closed(status);
        }
    }
}
