package dev.spandrel.sidecar.delivery;

import dev.spandrel.sidecar.batch.Batch;
import dev.spandrel.sidecar.otlp.EncodedRequest;
import dev.spandrel.sidecar.otlp.MalformedTelemetryException;
import dev.spandrel.sidecar.otlp.ProtobufReader;
import dev.spandrel.sidecar.otlp.ProtobufWriter;
import dev.spandrel.sidecar.time.Ticker;
import java.util.Arrays;
import java.util.function.Consumer;
import java.util.random.RandomGenerator;

/**
 * The sidecar's own spans, off by default: one trace of one span for each batch that reached its end, from its first try
 * to its settlement, handed on as an export request like any sender's. A batch of nothing but such spans makes none, or
 * they would never end.
 */
public final class ExportSpans {
    private static final int CLIENT = 3;
    private static final byte[] RESOURCE = new ProtobufWriter()
            .bytes(1, attribute("service.name", "spandrel-sidecar"))
            .toByteArray();
    private static final byte[] SCOPE =
            new ProtobufWriter().string(1, "dev.spandrel.sidecar").toByteArray();

    private final Consumer<byte[]> sink;
    private final Ticker ticker;
    private final RandomGenerator random;

    /** Gives each encoded request, of one span, to {@code sink}, which must not block. */
    public ExportSpans(Consumer<byte[]> sink, Ticker ticker, RandomGenerator random) {
        this.sink = sink;
        this.ticker = ticker;
        this.random = random;
    }

    /**
     * A batch reached its end.
     *
     * @param startNanos when it was taken in hand, by the ticker
     * @param failedSends tries that did not end in a delivery
     */
    void settled(LaneContext context, Batch batch, long startNanos, long failedSends) {
        if (ours(batch.request())) {
            return;
        }
        long end = ticker.epochMillis() * 1_000_000;
        byte[] span = new ProtobufWriter()
                .bytes(1, id(16))
                .bytes(2, id(8))
                .string(5, "export")
                .varint(6, CLIENT)
                .fixed64(7, end - (ticker.nanoTime() - startNanos))
                .fixed64(8, end)
                .bytes(9, attribute("spandrel.sidecar.destination", context.destination()))
                .bytes(9, attribute("spandrel.sidecar.signal", context.signal().word()))
                .bytes(9, attribute("spandrel.sidecar.items", batch.request().items()))
                .bytes(9, attribute("spandrel.sidecar.bytes", batch.request().size()))
                .bytes(9, attribute("spandrel.sidecar.failed_sends", failedSends))
                .toByteArray();
        byte[] scopeSpans = new ProtobufWriter().bytes(1, SCOPE).bytes(2, span).toByteArray();
        byte[] resourceSpans =
                new ProtobufWriter().bytes(1, RESOURCE).bytes(2, scopeSpans).toByteArray();
        sink.accept(new ProtobufWriter().bytes(1, resourceSpans).toByteArray());
    }

    private static boolean ours(EncodedRequest request) {
        return request.parts().stream().allMatch(ExportSpans::ours);
    }

    private static boolean ours(byte[] part) {
        try {
            ProtobufReader request = new ProtobufReader(part);
            if (!request.next() || !request.is(1, ProtobufReader.LENGTH_DELIMITED)) {
                return false;
            }
            ProtobufReader resourceSpans = request.message();
            return resourceSpans.next()
                    && Arrays.equals(
                            part, resourceSpans.valueStart(), resourceSpans.valueEnd(), RESOURCE, 0, RESOURCE.length);
        } catch (MalformedTelemetryException e) {
            return false;
        }
    }

    private byte[] id(int bytes) {
        byte[] id = new byte[bytes];
        random.nextBytes(id);
        return id;
    }

    private static byte[] attribute(String key, String value) {
        return attribute(key, new ProtobufWriter().string(1, value));
    }

    private static byte[] attribute(String key, long value) {
        return attribute(key, new ProtobufWriter().varint(3, value));
    }

    private static byte[] attribute(String key, ProtobufWriter value) {
        return new ProtobufWriter().string(1, key).bytes(2, value.toByteArray()).toByteArray();
    }
}
