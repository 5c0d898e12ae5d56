package dev.spandrel.sidecar.receiver;

import static org.assertj.core.api.Assertions.assertThat;

import dev.spandrel.sidecar.journal.Journal;
import dev.spandrel.sidecar.journal.JournalBudget;
import dev.spandrel.sidecar.journal.MemoryJournal;
import dev.spandrel.sidecar.journal.Overflow;
import dev.spandrel.sidecar.metrics.MetricRegistry;
import dev.spandrel.sidecar.otlp.Signal;
import dev.spandrel.sidecar.testing.GrpcSender;
import dev.spandrel.sidecar.testing.Mutator;
import dev.spandrel.sidecar.testing.Telemetry;
import dev.spandrel.sidecar.time.Ticker;
import dev.spandrel.sidecar.transform.Transform;
import dev.spandrel.sidecar.transport.EventLoops;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Mutated requests on both doors; {@code -Dfuzz.rounds} and {@code -Dfuzz.seed} widen and replay. */
@Timeout(value = 30, unit = TimeUnit.MINUTES)
class ReceiverFuzzTest {
    private static final int ROUNDS = Integer.getInteger("fuzz.rounds", 2000);
    private static final long SEED = Long.getLong("fuzz.seed", System.nanoTime());
    private static final long MOST_GROWTH_BYTES = 16 << 20;
    private static final InetSocketAddress ANY = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);

    private final Map<Signal, Journal> journals = new EnumMap<>(Signal.class);
    private final MetricRegistry metrics = new MetricRegistry();
    private final InFlightBytes inFlight = new InFlightBytes(64 << 20);
    private final ReceiverLimits limits = new ReceiverLimits(1 << 20, Duration.ofSeconds(10), inFlight, Ticker.SYSTEM);
    private final Intake intake;
    private long warmBytes;

    ReceiverFuzzTest() {
        JournalBudget budget = new JournalBudget(4 << 20);
        for (Signal signal : Signal.values()) {
            journals.put(signal, new MemoryJournal(signal, budget, Overflow.EVICT_OLDEST, Ticker.SYSTEM));
        }
        intake = new Intake(journals, Transform.NONE, (_, _) -> {}, metrics);
    }

    private static Mutator mutator() {
        System.out.println("fuzz.seed=" + SEED);
        return new Mutator(
                SEED,
                List.of(
                        Telemetry.spans(0, 3).toByteArray(),
                        Telemetry.points(4).toByteArray(),
                        Telemetry.logs(5).toByteArray()));
    }

    /** The heap in use after a tenth of the rounds, when everything is warm. */
    private void noteHeap(int round) {
        if (round == ROUNDS / 10) {
            warmBytes = usedBytes();
        }
    }

    private static long usedBytes() {
        System.gc();
        return Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory();
    }

    private void assertNothingStays() {
        assertThat(inFlight.used()).isZero();
        assertThat(usedBytes() - warmBytes).as("growth over %d rounds", ROUNDS).isLessThan(MOST_GROWTH_BYTES);
    }

    @Test
    void grpcAnswersEveryMutationWithOkOrInvalidArgument() throws Exception {
        Mutator mutator = mutator();
        try (EventLoops loops = EventLoops.open();
                OtlpGrpcReceiver receiver = OtlpGrpcReceiver.start(ANY, intake, limits, loops);
                GrpcSender sender = new GrpcSender(receiver.port())) {
            for (int i = 0; i < ROUNDS; i++) {
                noteHeap(i);
                byte[] body = mutator.next();
                try {
                    sender.send(i % 2 == 0 ? GrpcSender.TRACES : GrpcSender.METRICS, body, i % 3 == 0);
                } catch (StatusRuntimeException e) {
                    assertThat(e.getStatus().getCode())
                            .as("seed %d round %d: %s", SEED, i, e.getMessage())
                            .isEqualTo(Status.Code.INVALID_ARGUMENT);
                }
            }
        }
        assertNothingStays();
    }

    @Test
    void httpAnswersEveryMutationWithOkOrBadRequest() throws Exception {
        Mutator mutator = mutator();
        try (HttpClient client = HttpClient.newHttpClient();
                EventLoops loops = EventLoops.open();
                OtlpHttpReceiver receiver = OtlpHttpReceiver.start(ANY, intake, limits, Duration.ZERO, loops)) {
            URI uri = URI.create("http://127.0.0.1:" + receiver.port() + "/v1/traces");
            for (int i = 0; i < ROUNDS; i++) {
                noteHeap(i);
                HttpRequest.Builder request = HttpRequest.newBuilder(uri)
                        .header("Content-Type", "application/x-protobuf")
                        .POST(HttpRequest.BodyPublishers.ofByteArray(mutator.next()));
                if (i % 3 == 0) {
                    request.header("Content-Encoding", "gzip");
                }
                assertThat(client.send(request.build(), HttpResponse.BodyHandlers.discarding())
                                .statusCode())
                        .as("seed %d round %d", SEED, i)
                        .isIn(Set.of(200, 400));
            }
        }
        assertNothingStays();
    }
}
