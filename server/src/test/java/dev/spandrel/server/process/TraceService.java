package dev.spandrel.server.process;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.MessageLite;
import com.google.protobuf.Parser;
import io.grpc.MethodDescriptor;
import io.grpc.MethodDescriptor.Marshaller;
import io.grpc.ServerServiceDefinition;
import io.grpc.Status;
import io.grpc.stub.ServerCalls;
import io.grpc.stub.StreamObserver;
import io.opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest;
import io.opentelemetry.proto.collector.trace.v1.ExportTraceServiceResponse;
import java.io.InputStream;
import java.util.function.Consumer;

/** OTLP's gRPC service for traces on grpc-java and the official messages; without the stubs, which need grpc-protobuf. */
final class TraceService {
    private static final String NAME = "opentelemetry.proto.collector.trace.v1.TraceService";

    private TraceService() {}

    /** The service, handing each request on and answering that all was taken. */
    static ServerServiceDefinition handingTo(Consumer<ExportTraceServiceRequest> taker) {
        MethodDescriptor<ExportTraceServiceRequest, ExportTraceServiceResponse> export =
                MethodDescriptor.<ExportTraceServiceRequest, ExportTraceServiceResponse>newBuilder()
                        .setType(MethodDescriptor.MethodType.UNARY)
                        .setFullMethodName(MethodDescriptor.generateFullMethodName(NAME, "Export"))
                        .setRequestMarshaller(new Messages<>(ExportTraceServiceRequest.parser()))
                        .setResponseMarshaller(new Messages<>(ExportTraceServiceResponse.parser()))
                        .build();
        return ServerServiceDefinition.builder(NAME)
                .addMethod(export, ServerCalls.asyncUnaryCall((request, answer) -> answer(taker, request, answer)))
                .build();
    }

    private static void answer(
            Consumer<ExportTraceServiceRequest> taker,
            ExportTraceServiceRequest request,
            StreamObserver<ExportTraceServiceResponse> answer) {
        taker.accept(request);
        answer.onNext(ExportTraceServiceResponse.getDefaultInstance());
        answer.onCompleted();
    }

    private record Messages<T extends MessageLite>(Parser<T> parser) implements Marshaller<T> {
        @Override
        public InputStream stream(T message) {
            return message.toByteString().newInput();
        }

        @Override
        public T parse(InputStream stream) {
            try {
                return parser.parseFrom(stream);
            } catch (InvalidProtocolBufferException e) {
                throw Status.INVALID_ARGUMENT.withCause(e).asRuntimeException();
            }
        }
    }
}
