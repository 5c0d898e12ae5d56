package dev.spandrel.sidecar.receiver;

import dev.spandrel.sidecar.otlp.Signal;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import java.io.InputStream;

/** Begins the calls of one signal's {@code Export}. */
record ExportCallHandler(Signal signal, Intake intake, ReceiverLimits limits, OpenCalls open)
        implements ServerCallHandler<InputStream, byte[]> {
    @Override
    public ServerCall.Listener<InputStream> startCall(ServerCall<InputStream, byte[]> call, Metadata headers) {
        ExportCall export = new ExportCall(this, call, WireBytesTracer.KEY.get());
        open.add(export);
        // one message is expected; asking for two makes the library deliver a second one, to be told of
        call.request(2);
        return export;
    }
}
